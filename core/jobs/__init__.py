"""Long work: the queue, its lanes, and the processes it starts."""
