"""What a score is worth depends on how the patches were split: the view of ways of splitting."""
