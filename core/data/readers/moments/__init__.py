"""Sources whose patches are there twice: before and after the event."""
