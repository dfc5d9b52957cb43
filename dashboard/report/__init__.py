"""The Report page: making a report, what it lacks, and looking at it."""
