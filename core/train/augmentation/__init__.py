"""Augmentation of batches while training."""
