"""The report of a run: a first page for people who decide, then one module a section (``made(given)``)."""
