"""Figures of docs/board.md, from benchmarks/results/full_statistics.json."""

_SETS = {
    0: "true-colour Landslide4Sense patches",
    1: "Bijie patches, no groups",
    2: "Chittagong patches, four bands",
    3: "simulated patches, twelve bands",
}


def _row(at: int, words: str, kind: str) -> str:
    own = f"full_statistics[datasets][{at}][sets][{kind}]"
    cells = [
        f"{{{own}[{name}]:.3f}} [{{{own}[{name}_interval][0]:.3f}}, {{{own}[{name}_interval][1]:.3f}}]"
        for name in ("f1", "auc")
    ]
    n = f"{{full_statistics[datasets][{at}][n]}}"
    return f"| {n} {words} | {kind} | {{{own}[columns]}} | {' | '.join(cells)} |"


def _gap(at: int, other: str) -> str:
    own = f"full_statistics[datasets][{at}][differences][full - {other}][auc]"
    return f"{{{own}[difference]:+.4f}} [{{{own}[lo]:+.4f}}, {{{own}[hi]:+.4f}}]"


ROWS = [_row(at, words, kind) for at, words in _SETS.items() for kind in ("statistics", "rich", "full")]
FIGURES = (
    *ROWS,
    f"over the plain one {_gap(0, 'statistics')} of AUC, and over the rich one {_gap(0, 'rich')};",
    f"it gains {_gap(3, 'rich')} over the rich one",
)
SETTINGS = {
    "on 15 numbers": "of the set",
    "histogram of 32": "of the set",
    "make 315 numbers": "of the set",
    "95% intervals": "the protocol",
    "board's 0.874": "the author's own statement",
}
