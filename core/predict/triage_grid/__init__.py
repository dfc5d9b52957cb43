"""Cells of ground in the order in which they are to be looked at."""
