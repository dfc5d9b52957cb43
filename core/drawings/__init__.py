"""Drawings of a run's method as vector pictures: words and numbers come from its configuration and its results."""
