"""Sets of runs on a page: what was found, how far it is, and a new one."""
