"""From a probability raster to polygons that other programs open."""
