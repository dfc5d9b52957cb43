"""Comparisons against peers, each in the same run as its peer; never part of the tests."""
