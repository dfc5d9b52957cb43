"""Ensembles on the Results page: made of the dataset's runs and of CSVs, beside their members, answering new patches."""
