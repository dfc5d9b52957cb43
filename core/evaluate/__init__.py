"""From out-of-fold scores to honest numbers: metrics, thresholds, calibration, intervals, differences."""
