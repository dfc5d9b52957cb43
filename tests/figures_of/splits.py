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
    against = "" if name == "random" else f"{{{gap}[difference]:+.3f}} [{{{gap}[lo]:+.3f}}, {{{gap}[hi]:+.3f}}]"
    cells = [_value(f"{at}[metrics][{metric}]") for metric in ("auc", "f1", "auc_within")]
    return f"| {_WAYS[name]} | {' | '.join([*cells, against, f'{{{at}[n_train]:,.0f}}'])} |"


def region(report: str, name: str, words: str) -> str:
    """A row of the table of regions."""
    ways = f"{_AT}[{report}][ways]"
    of = f"{ways}[region][regions][{name}]"
    cells = [_value(f"{ways}[{one}][regions][{name}][auc]") for one in ("random", "region")]
    return f"| {words} | {{{of}[n]:,}} | {{{of}[n_positive]:,}} | {' | '.join(cells)} |"


PICTURES, COLUMNS = "regions, statistics", "sen12-columns, statistics"
SETS = {"bijie": "Bijie", "chittagong": "Chittagong", "landslide4sense": "Landslide4Sense"}
FIGURES = (
    *(way(PICTURES, name) for name in ("random", "grouped", "region")),
    *(region(PICTURES, name, words) for name, words in SETS.items()),
    *(way(COLUMNS, name) for name in ("random", "block", "region")),
)
