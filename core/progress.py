"""How far long work is: the one record that everything long yields, and the one way to go through it."""

from __future__ import annotations

TRAINING, MAPPING, EXPLAINING = 0.8, 0.08, 0.12  # shares of a training run's stages
