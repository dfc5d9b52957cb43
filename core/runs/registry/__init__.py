"""All runs of a checkpoints folder in one table: what each is, its numbers, and what tells it from the others."""
