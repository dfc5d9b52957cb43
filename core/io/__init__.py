"""Files: written whole, named safely, read without surprises."""
