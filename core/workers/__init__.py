"""Processes that do the work: one job, or an answer at once."""
