"""Shortcuts: whether the label can be told from the files alone, which a network could learn instead of landslides."""

from __future__ import annotations

from core.analyses.datasets import check
from core.analyses.reports.given import UNREADABLE, Given
from core.colours import NEGATIVE, OUTCOME
from core.data.check.files import sentence
from core.data.shortcuts.betrayed import ALL, LEAST, PROPERTIES
from core.report import charts
from core.report.parts import Figure, Missing, Part, Points, Section
from core.text import list_names

ANCHOR, TITLE = "shortcuts", "Shortcuts in the files"


def made(given: Given) -> Section | Missing:
    """The section."""
    try:
        found = check.read(given.dataset)
        files = None if found is None else found.report.files
    except UNREADABLE:
        files = None
    if files is None:
        return Missing(
            ANCHOR, TITLE, "Whether size, format or compression of the files gives the label away was not tested.",
            f"python -m core check {given.run.dataset_path().name}", "dataset_check", "dataset",
        )  # fmt: skip
    rows = [row for row in files.rows if row.auc == row.auc]
    told = [row for row in rows if row.tells and row.name != ALL and row.kind != "names"]
    if not rows:
        return Section(ANCHOR, TITLE, files.note or "Nothing of the files differs between patches.")
    faults = [row for row in told if row.kind == "pixels"]
    if faults:
        message = f"{sentence(faults[0], given.positive)}: a network may learn that instead of landslides."
    else:
        message = f"Nothing that a network can see of the files gives {given.positive} away."
        if told:  # it follows from what the picture shows
            message += f" {sentence(told[0], given.positive)}, which need be no fault."
    drawn = [
        {"name": row.title, "value": row.auc, "lo": row.lo, "hi": row.hi,
         "colour": OUTCOME["FN"] if row.tells and row.kind == "pixels" else NEGATIVE}
        for row in rows
    ]  # fmt: skip
    alt = "How well each property of the files tells the label: " + "; ".join(
        f"{row.title} AUC {row.auc:.2f}" for row in rows
    )
    caption = (
        f"AUC of trees that see this property alone, out of fold, 95% interval, n = {files.n:,}. Dotted: no better "
        f"than guessing. Magenta: tells the label (AUC of {LEAST:g} and more, significant)."
    )
    figure = Figure(charts.intervals(drawn, "AUC", alt, 0.5, limits=(0.35, 1.02)), alt, caption)
    parts: list[Part] = [figure]
    if told:
        parts.append(Points(tuple(f"{PROPERTIES[row.name].mend}." for row in told if row.name in PROPERTIES)))
    if files.same:
        caption = f"The same for all files: {list_names(files.same, 9)}."
        parts.append(Points((caption,)))
    return Section(ANCHOR, TITLE, message, tuple(parts), tuple(filter(None, (files.note,))))
