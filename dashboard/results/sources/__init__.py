"""Numbers of the Results page that are of no run: probabilities in a CSV, metrics that a paper printed."""
