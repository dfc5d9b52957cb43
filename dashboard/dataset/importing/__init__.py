"""Importing patches in three steps: the source, a look at it, what it leaves open."""
