"""Attention: the maps of every patch, and the sanity checks that say whether they can be trusted."""
