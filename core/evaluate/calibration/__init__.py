"""Probabilities that mean what they say: fitting, reliability, the calibration error and its interval."""
