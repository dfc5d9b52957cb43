"""Before training: the time and memory of a run, and the cost of a network."""
