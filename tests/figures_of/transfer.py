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


def _seeds(head: str, metric: str) -> tuple[str, str]:
    at = f"{_NEW}[seeds][{head}][{metric}]"
    return f"{{{at}[mean]:.4f}}", f"{{{at}[sd]:.4f}}"


def _tried(words: str, fold: str, at: int) -> str:
    one = f"{_NEW}[explored][{at}]"
    return f"| {words} | {fold} | {{{one}[fc]:.3f}} | {{{one}[blend]:.3f}} |"


def _pairs(row: str) -> str:
    at = f"before_after[rows][{row}]"
    cells = [f"{{{at}[{m}]:.3f}} [{{{at}[{m}_interval][0]:.3f}}, {{{at}[{m}_interval][1]:.3f}}]" for m in ("auc", "f1")]
    gap = f"before_after[less_after_alone][{row}][f1]"
    more = "" if row == "after alone" else f"{{{gap}[difference]:+.3f}} [{{{gap}[lo]:+.3f}}, {{{gap}[hi]:+.3f}}] "
    return f"| {row} | {' | '.join(cells)} | {more}|"


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
    f"On the {{{_NEW}[dataset][n]:,}} real patches of",
    f"transfer_preset.py`, {{{_NEW}[date]}})",
    _preset("`small`, trained again", "small"),
    _preset("**`transfer`**", "transfer"),
    _preset("`transfer`, seed 1", "transfer, seed 1"),
    _preset("`transfer`, seed 2", "transfer, seed 2"),
    f"| statistics alone (`stats_blend`) | | | {_value('small', 'stats_blend', 'auc')} | "
    f"{_value('small', 'stats_blend', 'f1')} |",
    f"the headline ranks better by {_more('transfer', 'blend', 'against_small', 'auc')} of AUC",
    f"and {_more('transfer', 'blend', 'against_small', 'f1')} of F1; the network alone by "
    f"{_more('transfer', 'fc', 'against_small', 'auc')} of AUC.",
    f"by {_more('transfer', 'blend', 'against_stats_blend', 'auc')} of AUC and "
    f"{_more('transfer', 'blend', 'against_stats_blend', 'f1')} of F1,",
    f"On the other three (n = {{{_NEW}[n_untouched]:,}}) the headline is ahead of `small` by "
    f"{_more('transfer', 'blend', 'against_small_on_untouched_folds', 'auc')} of AUC",
    "a mean AUC of {} (standard deviation {}) and F1 of {} ({}),".format(
        *_seeds("blend", "auc"), *_seeds("blend", "f1")
    ),
    "the network alone {} ({}) and {} ({}).".format(*_seeds("fc", "auc"), *_seeds("fc", "f1")),
    "On {before_after[n]:,} simulated pairs, {before_after[positive]} of them with landslides,",
    "out of fold over {before_after[folds]} folds",
    *(_pairs(row) for row in ("after alone", "stacked", "shared weights")),
    f"cost {{{_NEW}[features][ways][anew][cpu_seconds]:.0f}} s of one core when it reads every batch anew, "
    f"{{{_NEW}[features][ways][kept, 2 views][cpu_seconds]:.0f}} s with two views "
    f"({{{_NEW}[features][ways][kept, 2 views][times_faster]:.1f}} times less) and "
    f"{{{_NEW}[features][ways][kept, 1 view][cpu_seconds]:.0f}} s with one "
    f"({{{_NEW}[features][ways][kept, 1 view][times_faster]:.1f}} times less)",
    f"`transfer` took {{{_NEW}[rows][transfer][cpu_seconds]:,}} s of one core's time, `small` "
    f"{{{_NEW}[rows][small][cpu_seconds]:,}} s",
    _tried("all open from the first epoch, batch normalisation learns", "first", 1),
    _tried("batch normalisation learns in the last phase (the preset's way)", "first", 5),
    _tried("batch normalisation frozen throughout", "first", 3),
    _tried("the same", "second", 2),
    _tried("the same, the last layer's phase augmented and mixed", "first", 0),
    _tried("batch normalisation frozen, twice the learning rate", "first", 4),
)

_JOIN = "inventory_columns"
FIGURES += (
    f"Of {{{_JOIN}[dataset][n]:,}} patches of the Sen12Landslides catalogue",
    f"places, {{{_JOIN}[join][n_joined]:,}} have an event",
    f"within {{{_JOIN}[join][within_km]:.0f}} km",
    f"{{{_JOIN}[joined_by_class][landslide]!p:.0f}} % of those with landslides, "
    f"{{{_JOIN}[joined_by_class][other]!p:.0f}} % of the others",
    f"is unknown tells {{{_JOIN}[verdicts][event_trigger][share_unknown]!p:.1f}} % of the label",
    f"the {{{_JOIN}[second][n]:,}} patches of known trigger",
    f"balanced accuracy of {{{_JOIN}[second][balanced_accuracy]:.3f}}, less than the "
    f"{{{_JOIN}[second][chance]:.3f}} of",
    f"Its interval is {{{_JOIN}[second][balanced_accuracy_interval][0]:.0f}} to "
    f"{{{_JOIN}[second][balanced_accuracy_interval][1]:.0f}}, since",
    f"(`event_id`) {{{_JOIN}[verdicts][event_id][share]!p:.1f}} %",
)

SETTINGS = {
    "F1 at 0.5": "the threshold",
    "have learnt from 501 patches": "the size of the set that diversity.json and table4.json name",
    "Paper B's Figures 6 and 7": "of the paper",
    "Adam 0.001": "the recipe",
    "at most 500 patches of each": "the budget",
    "64 px, 3 epochs, 2 folds": "the budget",
    "at 128 px": "the protocol",
    "RBF-SVM (C 1)": "the protocol",
    "its 1280 features": "of the network",
    "at 96 pixels": "the recipe",
    "last 40 layers": "the recipe",
    "at 0.8 of": "the recipe",
    "`transfer`, seed 1": "name of a row",
    "`transfer`, seed 2": "name of a row",
}
