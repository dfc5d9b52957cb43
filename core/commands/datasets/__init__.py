"""Commands that make datasets of datasets."""
