"""Patches as pictures: rendering, gallery, card."""
