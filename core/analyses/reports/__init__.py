"""Reports: what the analyses of a run, of a scene or of several runs found, gathered into one document."""
