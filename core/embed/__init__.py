"""From embeddings to a map: UMAP, and the head's boundary drawn on it."""
