"""The bands of a source: named by its files, by the user, or by their number."""
