"""The second head of a run: a column of classes that is answered beside the label."""
