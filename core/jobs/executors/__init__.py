"""Who does the parts of a job: its own worker, or a Ray cluster."""
