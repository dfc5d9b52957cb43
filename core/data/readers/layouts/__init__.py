"""How people lay out their folders of patches."""
