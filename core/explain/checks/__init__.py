"""Sanity checks of attention maps (Adebayo et al. 2018) and what they conclude."""
