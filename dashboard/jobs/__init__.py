"""Jobs on the page: queue, progress, questions answered at once."""
