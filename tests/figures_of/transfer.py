"""Figures of docs/transfer.md, from packaged_features.json and transfer_preset.json of benchmarks/results."""

_AT = "packaged_features"


def _row(words: str, head: str) -> str:
    at = f"{_AT}[heads][{head}]"
    cells = [
        f"{{{at}[{name}]:.3f}} [{{{at}[{name}_interval][0]:.3f}}, {{{at}[{name}_interval][1]:.3f}}]"
        for name in ("auc", "f1")
    ]
    return f"| {words} | {' | '.join(cells)} |"


def _gap(names: str) -> str:
    at = f"{_AT}[auc_differences][{names}]"
    return f"{{{at}[difference]:+.4f}} [{{{at}[lo]:+.4f}}, {{{at}[hi]:+.4f}}]"


_NEW = "transfer_preset"


def _value(row: str, head: str, metric: str) -> str:
    at = f"{_NEW}[rows][{row}][heads][{head}]"
    return f"{{{at}[{metric}]:.3f}} [{{{at}[{metric}_interval][0]:.3f}}, {{{at}[{metric}_interval][1]:.3f}}]"


def _preset(words: str, row: str) -> str:
    cells = [_value(row, head, metric) for head in ("fc", "blend") for metric in ("auc", "f1")]
    return f"| {words} | {' | '.join(cells)} |"


def _more(row: str, head: str, against: str, metric: str) -> str:
    at = f"{_NEW}[rows][{row}][heads][{head}][{against}][{metric}]"
    return f"{{{at}[difference]:+.4f}} [{{{at}[lo]:+.4f}}, {{{at}[hi]:+.4f}}]"


FIGURES = (
    f"reads the {{{_AT}[dataset][n]}} real",
    _row("features of lite0 with packaged weights", "lite0, packaged weights"),
    _row("features of the same network with random weights", "lite0, random weights"),
    _row("band statistics", "band statistics"),
    _row("the mean of the log-odds of weights and statistics", "mean of both"),
    f"worth {_gap('lite0, packaged weights - lite0, random weights')} of AUC",
    f"by {_gap('lite0, packaged weights - band statistics')}.",
    f"they bring {_gap('mean of both - band statistics')}, which",
)

SETTINGS = {
    "at 128 px": "the protocol",
    "RBF-SVM (C 1)": "the protocol",
    "its 1280 features": "of the network",
}
