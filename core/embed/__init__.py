"""From embeddings to a projection: UMAP, t-SNE or PCA, and a head's boundary drawn on it."""
