"""Searching for better settings: which, how the next are chosen, what each is worth, and whether the best one holds.

A room of the experiments, because a search is a set of runs that answers one question. Optuna is imported in here and
nowhere else.
"""
