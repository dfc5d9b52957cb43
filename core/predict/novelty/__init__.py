"""How far patches and scenes are from what a run was trained on, as p-values calibrated on held-out groups."""
