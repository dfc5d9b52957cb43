"""Arrays inside HDF5 files."""
