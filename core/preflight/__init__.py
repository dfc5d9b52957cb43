"""What is asked before training: time and memory, augmentation, architecture."""
