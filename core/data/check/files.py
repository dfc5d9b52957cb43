"""What the source files give away of the label, in plain words (``core.data.shortcuts.betrayed``)."""

from __future__ import annotations

from core.data.check.report import CheckRow
from core.data.shortcuts.betrayed import ALL, BY_NAME, PROPERTIES, Betrayal, Betrayals
from core.text import list_names, number


def file_rows(found: Betrayals, positive: str) -> list[CheckRow]:
    """A row for each property of the files that tells the label, or one that says that none does, or why none can."""
    if not found.rows and found.note:
        return [CheckRow("ok", "Whether the files give the label away is not known", "", advice=found.note)]
    told = [row for row in found.rows if row.tells and row.name != ALL]
    rows = [_row(row, positive, found) for row in told if row.kind != "names"]
    if names := [row for row in told if row.kind == "names"]:
        said = list_names([f"{row.title} (AUC {number(row.auc)})" for row in names])
        rows.append(CheckRow("ok", f"The names of the files tell {positive}", said, advice=BY_NAME))
    if not any(row.severity == "warning" for row in rows):
        rows.append(CheckRow("ok", "Nothing that a network can see of the files gives the label away", _tested(found)))
    return rows


def sentence(row: Betrayal, positive: str) -> str:
    """What one property tells, with its AUC."""
    return f"{row.title[:1].upper()}{row.title[1:]} alone tells {positive} with AUC {number(row.auc)}"


def _row(row: Betrayal, positive: str, found: Betrayals) -> CheckRow:
    where = (
        f"95% interval {number(row.lo)} to {number(row.hi)}, out of fold, {row.n:,} patches, {found.n_groups:,} groups"
    )
    mend = PROPERTIES[row.name].mend
    if row.kind == "detail":
        return CheckRow("ok", sentence(row, positive), where, advice=f"{mend}.")
    advice = (
        f"A network can cheat: it may learn this instead of landslides. {mend}. Until then a score says little unless "
        "it is far above this AUC."
    )
    return CheckRow("warning", sentence(row, positive), where, advice=advice, topic="values")


def _tested(found: Betrayals) -> str:
    best = [f"{row.title} (AUC {number(row.auc)})" for row in found.rows if row.kind == "pixels" and row.name != ALL]
    seen = {one.title for one in PROPERTIES.values() if one.kind == "pixels"}
    same = [f"{title} (the same for all)" for title in found.same if title in seen]
    return list_names([*best, *same], len(PROPERTIES))
