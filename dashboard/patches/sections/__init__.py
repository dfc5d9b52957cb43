"""The parts of a patch's card below its first view; each is drawn only while it is open."""
