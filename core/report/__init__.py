"""A report: one self-contained HTML file. This room lays out and draws; what a report says comes from analyses."""
