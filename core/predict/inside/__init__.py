"""Where in a patch: maps of one patch by every way that a finished run offers."""
