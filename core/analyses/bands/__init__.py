"""Bands: what each one is worth, and what happens when some are lost."""
