"""Novelty: how surely swapped bands, wrong units or foreign ground are noticed before a map is believed."""

from __future__ import annotations

from core.analyses import external_validation
from core.analyses import novelty as measured
from core.analyses.reports.given import UNREADABLE, Given
from core.colours import NEGATIVE
from core.report import charts
from core.report.parts import Figure, Missing, Part, Section, Table
from core.text import interval, number
from core.wording import novelty as wording

ANCHOR, TITLE = "novelty", "Wrong or foreign data"


def made(given: Given) -> Section | Missing:
    """The section."""
    try:
        report = measured.read(given.run)
        table = None if report is None else wording.rates(report)
    except UNREADABLE:
        report = None
    tests = _external(given)
    if report is None or table is None:
        if tests:
            return Section("external", "On other data", "Evaluated on data of others.", tuple(tests))
        return Missing(
            ANCHOR, TITLE, "Whether the run would notice swapped bands, wrong units or another climate was not "
            "measured.", f"python -m core analyse novelty {given.run.name}", "novelty",
        )  # fmt: skip
    message = wording.sentence(report, table)
    rows = [
        {"name": row.title, "value": row.sets, "lo": row.sets_lo, "hi": row.sets_hi,
         "colour": "#8C939B" if row.key == "none" else NEGATIVE}
        for row in table.itertuples()
    ]  # fmt: skip
    alt = f"Share of places in which a fault is noticed. {message}"
    svg = charts.intervals(rows, "Share of places in which it is noticed", alt, report["level"], percent=True,
                           limits=(-0.03, 1.03))  # fmt: skip
    parts = [Figure(svg, alt, "Grey: false alarms, with nothing wrong."), *tests]
    return Section(ANCHOR, TITLE, message, tuple(parts), (wording.basis(report),))


def _external(given: Given) -> list[Part]:
    try:
        found = external_validation.read(given.run) or {}
        rows = []
        for name, one in found.items():
            report = one.report
            f1 = f"{number(report['f1'])} ({interval(report.get('f1_interval'))})"
            rows.append((str(report.get("dataset_name", name)), f"{report['n']:,}", f1, number(report["auc"])))
    except UNREADABLE:
        return []
    columns = ("Dataset", "Patches", "F1", "AUC")
    return [Table(columns, tuple(rows), "Evaluated on other datasets", columns[1:])] if rows else []
