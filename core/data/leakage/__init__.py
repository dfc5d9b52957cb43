"""Data leakage: near-duplicates, shifted crops and blends on both sides of a split."""
