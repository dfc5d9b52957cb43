"""Limits: what the run itself warns of, and what its numbers cannot say."""

from __future__ import annotations

from core.analyses.reports.given import Given
from core.analyses.reports.run.front import unseen
from core.report.parts import Part, Points, Section

ANCHOR, TITLE = "limits", "Limits"


def made(given: Given) -> Section:
    """The section."""
    warnings = tuple(given.summary.get("warnings") or ())
    parts: list[Part] = []
    if warnings:
        parts.append(Points(warnings, "The run's own warnings"))
    parts.append(Points(tuple(unseen(given)), "What was not seen"))
    parts.append(Points(tuple(_general(given)), "What these numbers cannot say"))
    if given.record.get("selection", {}).get("notes"):
        parts.append(Points(tuple(given.record["selection"]["notes"]), "What was left out of training"))
    message = (
        f"The run itself warns of {len(warnings)} {'thing' if len(warnings) == 1 else 'things'}."
        if warnings else "The run raised no warning. What its numbers cannot say stands below."
    )  # fmt: skip
    return Section(ANCHOR, TITLE, message, tuple(parts))


def _general(given: Given) -> list[str]:
    words = [
        "Intervals are of patches like these. They do not hold for other regions, sensors, seasons or triggers.",
        "A score is by the labels: where they are wrong, so is the score.",
        "Grouped resampling knows the groups that the dataset names, and no others.",
    ]
    if given.stated is None:
        words.append(
            f"Precision, F1 and alarms are at {1000 * given.own_share:.3g} {given.positive} patches per 1,000, as in "
            "these patches; where landslides are rarer, more alarms are false."
        )
    if given.config.train.select != "last":
        words.append("The epoch was chosen on evaluated patches, which flatters the score.")
    return words
