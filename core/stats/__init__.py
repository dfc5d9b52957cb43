"""Resampling, design effects, grouped means and rankings; every interval is made here."""
