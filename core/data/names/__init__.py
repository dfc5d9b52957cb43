"""Names of bands, as other people write them."""
