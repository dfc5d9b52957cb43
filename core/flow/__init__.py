"""What wires the stages of one run."""
