"""The command of the review desk."""
