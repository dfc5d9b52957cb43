"""Labels: which are likely wrong, and what people's review of them has changed."""

from __future__ import annotations

from core.analyses.reports.given import UNREADABLE, Given
from core.analyses.review import corrected_labels, label_issues
from core.colours import OUTCOME
from core.report.parts import Missing, Part, Picture, Pictures, Section, Words
from core.report.pictures import jpeg
from core.text import number

ANCHOR, TITLE, SHOWN = "labels", "Likely wrong labels", 12


def made(given: Given) -> Section | Missing:
    """The section."""
    parts, message = _issues(given)
    reviewed = _reviewed(given)
    if message is None and not reviewed:
        return Missing(
            ANCHOR, TITLE, "Whether labels are wrong was not looked at.",
            f"python -m core review {given.run.name}", "label_issues",
        )  # fmt: skip
    parts += reviewed or [Words("Nobody has reviewed them yet: the scores are by the labels as they came.", "note")]
    basis = (
        "Ranked by what all heads say out of fold, by the labels of the nearest patches in the embedding, and by "
        "whether the networks that did learn from a label came to believe it. A rank is no verdict: a person decides.",
    )
    return Section(ANCHOR, TITLE, message or "The labels were reviewed.", tuple(parts), basis)


def _issues(given: Given) -> tuple[list[Part], str | None]:
    try:
        found = label_issues.read(given.run)
        table = None if found is None else found.table()
    except UNREADABLE:
        found = table = None
    if found is None or table is None:
        return [], None
    parts: list[Part] = []
    if given.data is not None and given.data.has_pictures:
        first = table.head(SHOWN)
        pictures = given.pictures(first["id"].astype(str).tolist(), 112)
        names = given.names
        items = tuple(
            Picture(jpeg(rgb), f"Patch {row.id}, labelled {names[int(row.label)]}",
                    (str(row.id), f"labelled {names[int(row.label)]}", f"p {number(row.prob, 2)}"),
                    OUTCOME["FN" if row.label == 1 else "FP"])
            for rgb, row in zip(pictures, first.itertuples(), strict=True)
        )  # fmt: skip
        parts.append(Pictures(items, f"The {len(items)} likeliest", f"p: probability of {given.positive}. "
                              f"{given.look[1]}", 6))  # fmt: skip
    return parts, str(found.report["message"])


def _reviewed(given: Given) -> list[Part]:
    try:
        reports = corrected_labels.read(given.run) or {}
        return [Words(f"After review ({name}): {one['message']} {one['note']}") for name, one in reports.items()]
    except UNREADABLE:
        return []
