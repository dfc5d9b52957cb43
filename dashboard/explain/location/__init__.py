"""Where in a patch a landslide lies: the ways that were measured, and their maps of one patch."""
