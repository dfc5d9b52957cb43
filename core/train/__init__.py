"""From normalised patches to a trained network: augmentation, backbones, schedule, loop."""
