"""The Balance page."""
