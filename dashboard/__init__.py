"""Frames and draws: what all pages share. Computes nothing itself; pages and this package call ``core``."""
