"""Numbers in sentences, for pages and reports alike: the same words for the same thing wherever it is read."""
