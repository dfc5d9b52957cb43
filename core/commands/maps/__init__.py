"""Commands that make files for maps and other programs."""
