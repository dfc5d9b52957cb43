"""What the source files betray of the label, besides what is in the pictures."""
