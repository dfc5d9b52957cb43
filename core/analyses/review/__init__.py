"""Review: which labels are likely wrong, and what corrected ones change."""
