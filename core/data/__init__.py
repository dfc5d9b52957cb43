"""From files to checked, named, grouped and normalised patches."""
