"""The split X-ray: the same ground, and blends of it, on both sides of a split."""
