"""What the stops of the tour need and the showcase of a demo run does not compute: each is one click."""
