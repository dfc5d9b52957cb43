"""Commands for sets of runs."""
