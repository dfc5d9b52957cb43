"""The Embedding page."""
