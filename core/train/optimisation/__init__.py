"""Losses, optimisers, schedules, unfreezing."""
