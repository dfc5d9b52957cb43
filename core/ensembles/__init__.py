"""Several runs' heads and anybody's probabilities, combined by weights that are learnt on the other folds."""
