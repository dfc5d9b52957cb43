"""Review's Duplicates: groups of patches of the same ground, decided on one at a time."""
