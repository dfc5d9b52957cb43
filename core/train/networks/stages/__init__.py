"""What a network is made of, row by row, as Table 1 of paper A lists it."""
