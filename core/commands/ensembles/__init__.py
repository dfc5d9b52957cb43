"""Commands of ensembles."""
