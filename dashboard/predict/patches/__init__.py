"""The Patches view: patches without labels, their answers, and what leaves the house."""
