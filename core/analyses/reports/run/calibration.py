"""Calibration: whether a probability means what it says, and what each way of calibrating changes."""

from __future__ import annotations

import numpy as np

from core.analyses.reports.given import Given
from core.errors import LandslideLensError
from core.report import charts
from core.report.parts import Figure, Missing, Part, Section, Table, Words
from core.text import interval, number
from core.wording import calibration
from core.wording.names import METHOD_WORDS

ANCHOR, TITLE = "calibration", "Calibration"
COLUMNS = {"ece": "ECE", "brier": "Brier", "log_loss": "Log loss"}


def made(given: Given) -> Section | Missing:
    """The section."""
    from core.evaluate.calibration.calibrators import compare_calibrations
    from core.evaluate.calibration.reliability import reliability

    fold_of = np.unique(given.table["fold"].to_numpy(), return_inverse=True)[1]
    if given.n_folds < 2:
        return Missing(ANCHOR, TITLE, "Calibration is learnt on other folds, and this run has one split alone. It is "
                       "on the Results page, among parts of its own patches.")  # fmt: skip
    rows = compare_calibrations(given.labels, given.probs, fold_of, given.groups)
    diagrams = {}
    for row in rows:
        part = np.isfinite(row.probs)
        if row.method in ("none", "platt") and part.any():
            groups = None if given.groups is None else given.groups[part]
            try:
                diagrams[row.method] = reliability(given.labels[part], row.probs[part], groups=groups)
            except LandslideLensError:
                continue
    message = calibration.sentence(rows, given.positive)
    thresholds = [fold["heads"][given.head]["threshold"] for fold in given.summary["folds"]
                  if given.head in fold.get("heads", {})]  # fmt: skip
    parts: list[Part] = []
    alt = f"Patches by probability of {given.positive}, out of fold, a colour a class"
    known = [value for value in thresholds if value is not None]
    parts.append(Figure(charts.histogram(given.probs, given.labels, given.names, known, alt), alt,
                        "Dotted: the folds' thresholds.", "What the run answers"))  # fmt: skip
    if diagrams:
        alt = f"Reliability diagram. {message}"
        caption = "Points on the dotted line: probabilities mean what they say. 95% intervals."
        svg = charts.reliability(diagrams, METHOD_WORDS, given.positive, alt)
        parts.append(Figure(svg, alt, caption, "Observed against predicted", wide=False))
    parts.append(_table(rows))
    if given.stated:
        parts.append(Words(calibration.elsewhere(given.own_share, given.stated.share, given.positive)))
    basis = (f"Each method is fitted on the other folds. {calibration.MEASURED} n = {len(given.labels):,} patches.",)
    return Section(ANCHOR, TITLE, message, tuple(parts), basis)


def _table(rows) -> Table:
    cells = []
    for row in rows:
        if row.reason:
            continue
        words = []
        for name in COLUMNS:
            ends = interval(row.intervals.get(name))
            words.append(number(row.values[name]) + (f" ({ends})" if ends else ""))
        cells.append((METHOD_WORDS[row.method], *words))
    columns = ("Calibration", *COLUMNS.values())
    return Table(columns, tuple(cells), "", columns[1:])
