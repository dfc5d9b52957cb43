"""Ways of splitting, and leave-one-region-out: a fold is evaluated on a region that it has never seen."""
