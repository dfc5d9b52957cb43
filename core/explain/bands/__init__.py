"""What bands are worth: occlusion, groups, Shapley shares, corruption."""
