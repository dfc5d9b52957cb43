"""Leave-one-region-out: each fold is evaluated on a region that its training part has never seen."""
