"""Embeddings: projections of a run, and new patches on them."""
