"""Synthetic patches of a finished run: lineage, realism, neighbours, interpolation."""
