"""A finished run's answer for patches that it has not seen."""
