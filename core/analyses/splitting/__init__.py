"""What a score is worth depends on how the patches were split: the same recipe under four ways of it."""
