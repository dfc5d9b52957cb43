"""A run as one file that other programs answer with."""
