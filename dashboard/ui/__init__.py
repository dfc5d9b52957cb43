"""Text, guards and small pieces that every page uses."""
