"""Whose patches are these: what a model was trained on, compared with the patches that it is to be judged on."""
