"""Ensembles on the Results page: made of runs and CSVs, shown beside their members, answering new patches."""
