"""What becomes of a scene's answer: polygons, a triage grid, a model for other programs."""
