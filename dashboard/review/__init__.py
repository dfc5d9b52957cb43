"""The Review page: which patches are looked at, judging them, and what becomes of the labels."""
