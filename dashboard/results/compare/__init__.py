"""Two runs, or two heads of one run, side by side: settings, metrics, learning curves and patches."""
