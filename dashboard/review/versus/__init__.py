"""A against B: what one answer has right that the other has wrong, as numbers, as pictures and as a set of patches."""
