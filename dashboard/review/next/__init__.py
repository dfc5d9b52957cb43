"""The view "What to label next": where to choose from, the batch as a queue, and what becomes of it."""
