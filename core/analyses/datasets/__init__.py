"""What is asked about dataset files: their check, leakage, inventories joined by place; and their import."""
