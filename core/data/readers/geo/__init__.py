"""Rasters with a place on the ground: windows, tiles, nodata, CRS."""
