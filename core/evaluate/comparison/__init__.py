"""Comparing scores: two runs, many heads, two sets of patches."""
