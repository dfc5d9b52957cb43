"""Rasters, vectors and roads of a map: read on one grid, measured on the globe, written for other programs."""
