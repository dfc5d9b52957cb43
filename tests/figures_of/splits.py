"""Figures of docs/splits.md, from benchmarks/results/regions.json."""

_AT = "regions[reports]"
_WAYS = {
    "random": "Random folds", "grouped": "Grouped folds", "block": "Blocks of ground", "region": "Leave one region out",
}  # fmt: skip


def _value(at: str) -> str:
    return f"{{{at}[value]:.3f}} [{{{at}[lo]:.3f}}, {{{at}[hi]:.3f}}]"


def way(report: str, name: str) -> str:
    """A row of the table of ways."""
    at = f"{_AT}[{report}][ways][{name}]"
    gap = f"{at}[against][auc]"
    against = (
        "reference" if name == "random" else f"{{{gap}[difference]:+.3f}} [{{{gap}[lo]:+.3f}}, {{{gap}[hi]:+.3f}}]"
    )
    cells = [_value(f"{at}[metrics][{metric}]") for metric in ("auc", "f1", "auc_within")]
    return f"| {_WAYS[name]} | {' | '.join([*cells, against, f'{{{at}[n_train]:,.0f}}'])} |"


def region(report: str, name: str, words: str) -> str:
    """A row of the table of regions."""
    ways = f"{_AT}[{report}][ways]"
    of = f"{ways}[region][regions][{name}]"
    cells = [_value(f"{ways}[{one}][regions][{name}][auc]") for one in ("random", "region")]
    return f"| {words} | {{{of}[n]:,}} | {{{of}[n_positive]:,}} | {' | '.join(cells)} |"


PICTURES, FEATURES, COLUMNS = "regions, statistics", "regions, packaged", "sen12-columns, statistics"
SETS = {"bijie": "Bijie", "chittagong": "Chittagong", "landslide4sense": "Landslide4Sense"}
_DEEP = f"{_AT}[{FEATURES}][ways]"
_OF, _PLACED = f"{_AT}[{PICTURES}][ways]", f"{_AT}[{COLUMNS}][ways]"
FIGURES = (
    *(way(PICTURES, name) for name in ("random", "grouped", "region")),
    *(region(PICTURES, name, words) for name, words in SETS.items()),
    f"promise an AUC of {{{_OF}[random][metrics][auc][value]:.3f}}; in a region that was left out it is "
    f"{{{_OF}[region][metrics][auc][value]:.3f}}.",
    f"Bijie's F1 is {{{_OF}[region][regions][bijie][f1][value]:.3f}} with thresholds from the other two",
    f"({{{_OF}[random][regions][bijie][f1][value]:.3f}} with random folds)",
    f"folds, {{{_OF}[random][shared]!p:.0f}} % of the evaluated",
    f"in Chittagong from {{{_OF}[random][regions][chittagong][auc][value]:.3f}} to "
    f"{{{_OF}[grouped][regions][chittagong][auc][value]:.3f}}",
    *(way(FEATURES, name) for name in ("random", "grouped", "region")),
    f"better on Bijie while it is in training ({{{_DEEP}[random][regions][bijie][auc][value]:.3f}} with random folds)",
    f"{{{_DEEP}[region][regions][bijie][auc][value]:.3f}} on Bijie and "
    f"{{{_DEEP}[region][regions][landslide4sense][auc][value]:.3f}} on Landslide4Sense.",
    f"{{{_AT}[{COLUMNS}][n]:,}} patches of Sen12Landslides",
    *(way(COLUMNS, name) for name in ("random", "grouped", "block", "region")),
    f"leave out {{{_PLACED}[block][left_out]!p:.0f}} % of",
    f"Italy keeps {{{_PLACED}[region][regions][italy][auc][value]:.3f}} of its "
    f"{{{_PLACED}[random][regions][italy][auc][value]:.3f}},",
    f"one of Kyrgyzstan falls from {{{_PLACED}[random][regions][kyrgyzstan1][auc][value]:.3f}} to "
    f"{{{_PLACED}[region][regions][kyrgyzstan1][auc][value]:.3f}}",
)
SETTINGS = {
    "at 128 px": "of the recipe",
    "the 1280 features": "of the network",
    "8-bit red, green and blue, 64 x 64 pixels": "how the sets were joined",
    "its 2nd to its 98th percentile": "how the sets were joined",
    "pixels of 10 m": "of the sets",
    "of 0.8 m": "of the set",
    "94 to 600 pixels": "of the set",
    "buffer of 1000 m": "the option",
    "12 inventories": "of the set",
    "Sentinel-1": "name of a satellite",
    "Sentinel-2": "name of a satellite",
    "before they were 8-bit": "how the sets were joined",
    "CC BY 4.0": "the licence",
    "blocks of 5 km": "folds.block_km",
}
