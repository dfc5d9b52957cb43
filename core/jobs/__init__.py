"""Long work in its own process: a queue, a worker, an executor."""
