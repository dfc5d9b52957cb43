"""What is kept of the patches that a run answered for: their nearest training patches, pictures and attention."""
