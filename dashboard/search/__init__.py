"""Searches for settings on a page: what was found, how far one is, and a new one."""
