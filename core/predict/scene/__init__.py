"""Whole scenes: rasters of the same ground on one grid, answered for window by window, stripe by stripe."""
