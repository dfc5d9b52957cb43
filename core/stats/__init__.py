"""One grouped bootstrap and one way from its resamples to an interval, for every stage to use."""
