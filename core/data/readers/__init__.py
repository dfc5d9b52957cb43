"""One source format a file: each reader turns a folder of somebody's patches into a dataset file."""
