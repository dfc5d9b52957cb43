"""Sources that keep many patches in one array, whatever file the array is in."""
