"""Splits and leaks: how patches were kept apart, whether the same ground lies on both sides, what that is worth."""

from __future__ import annotations

from typing import Any

from core.analyses.datasets import leakage
from core.analyses.datasets.split_pairs import split_pairs_of_run
from core.analyses.reports.given import UNREADABLE, Given
from core.analyses.splitting import protocols
from core.data.leakage import ground_between
from core.report import charts
from core.report.parts import Figure, Missing, Part, Section, Table, Words
from core.text import interval, number
from core.wording.leakage import verdict
from core.wording.names import fold_title, head_title

ANCHOR, TITLE = "splits", "Splits and leaks"
GROUPS = {"groups": "the dataset's groups (scene or event)", 
          "duplicates": "pairs that show the same ground", "block": "squares of ground"}  # fmt: skip


def made(given: Given) -> Section | Missing:
    """The section; pairs of the run's own search, which every run makes, where nothing newer is there."""
    pairs, n = given.run.leaks(), len(given.table)
    if pairs is None:
        return Missing(
            ANCHOR, TITLE, "Whether patches of the same ground lie on both sides of a fold was not looked for.",
            f"python -m core audit splits {given.run.dataset_path().name}", "leakage", "dataset",
        )  # fmt: skip
    crossing = len(split_pairs_of_run(given.run, pairs))
    _, message = verdict(len(pairs), {"folds of this run": crossing})
    parts: list[Part] = [_folds(given)]
    if ground := given.summary.get("ground"):
        parts.append(Words(ground_between.sentence(ground)))
    parts += _inflation(given) + _protocols(given)
    by = given.config.folds.group_by
    held = f"Folds keep together: {GROUPS.get(by, by)}." if given.n_folds > 1 else "One split."
    basis = (
        f"{held} All {n:,} patches were compared with each other: hashes and descriptors of windows propose pairs, "
        "phase correlation and SSIM decide, for shifts of up to half a side; where places are known, overlap is "
        "computed from them.",
        "Normaliser, synthetic patches, network, heads, thresholds and calibration of a fold never saw its patches.",
    )
    return Section(ANCHOR, TITLE, message, tuple(parts), basis)


def _folds(given: Given) -> Table:
    rows = []
    for fold in given.summary["folds"]:
        mine = given.table[given.table["fold"] == fold["fold"]]
        groups = "–" if given.groups is None else f"{mine['group'].nunique():,}"
        rows.append(
            (fold_title(fold["fold"]).capitalize(), f"{fold.get('n_train', 0):,}", f"{fold.get('n_synthetic') or 0:,}",
             f"{len(mine):,}", f"{int((mine['label'] == 1).sum()):,}", groups)
        )  # fmt: skip
    columns = ("Fold", "Trained on", "Synthetic", "Evaluated", f"of these {given.positive}", "Groups")
    return Table(columns, tuple(rows), "", columns[1:])


def _inflation(given: Given) -> list[Part]:
    try:
        found = leakage.read(given.dataset)
        rows = [] if found is None else found.report["inflation"]
    except UNREADABLE:
        rows = []
    if not rows:
        return []
    cells = tuple(
        (head_title(str(row["head"])), str(row["metric"]).upper(),
         number(row["leaking"]), number(row["honest"]),
         f"{number(row['difference'])} ({interval((row['lo'], row['hi']), signed=True)})")
        for row in rows
    )  # fmt: skip
    columns = ("Classifier", "Score", "Folds that ignore groups", "Folds that keep them", "Difference")
    return [Table(columns, cells, "What leaking folds would have added to the score", columns[2:])]


def _protocols(given: Given) -> list[Part]:
    try:
        reports: dict[str, Any] = protocols.read(given.run) or {}
        report = next(iter(reports.values()), None)
        words = None if report is None else protocols.sentence(report)
    except UNREADABLE:
        words = None
    if words is None or report is None:
        text = f"What the score is worth in another region was not measured: python -m core protocols {given.run.name}"
        return [Words(text, "note")]
    rows = [{"name": row["title"], **row["metrics"]["auc"]} for row in report["ways"] if not row["missing"]]
    alt = f"AUC by way of splitting. {words}"
    return [Figure(charts.intervals(rows, "AUC, with 95% interval", alt), alt, words, "Harder ways of splitting")]
