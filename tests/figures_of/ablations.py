"""Figures of docs/ablations.md that stand outside its made tables."""

FIGURES = (
    "blue of {ablations[tables][2][rows][0][n]:,} real Sentinel-2 patches",
    "on {sharing[n]} simulated patches, {sharing[folds]} folds and {sharing[epochs]} epochs, one job took "
    "{sharing[ratio][wall]:.2f} of the time of eight runs one after the other, and {sharing[ratio][cpu]:.2f} of their",
)
SETTINGS = {
    "Sentinel-2 patches": "a name",
    "Landslide4Sense 2022": "a year",
    "from the 2,800 of": "the set that it is drawn from",
    "`join --most 400`": "the command",
}
