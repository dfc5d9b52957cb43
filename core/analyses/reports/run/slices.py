"""Slices: the score on parts of the patches, and which part is the weakest beyond luck."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.analyses.reports.given import Given
from core.analyses.review import slices as searched
from core.colours import FOLD, OUTCOME
from core.errors import LandslideLensError
from core.evaluate.slices import FEWEST, slice_report
from core.report import charts
from core.report.parts import Figure, Missing, Part, Points, Section, Words
from core.wording import slices as wording
from core.wording.names import METRIC_TITLES

ANCHOR, TITLE, METRIC = "slices", "Where it is weak", "f1"
MOST_DRAWN, MOST_READ = 28, 20_000


def made(given: Given) -> Section | Missing:
    """The section."""
    facts = _facts(given)
    report = slice_report(given.labels, given.pred, facts, given.groups, METRIC)
    if report.table.empty:
        return Missing(
            ANCHOR, TITLE, "There is nothing to slice by: the patches have no columns, groups, cloud cover, scar size "
            "or dates, or every slice has too few patches.",
        )  # fmt: skip
    worst, table = report.worst, report.table
    weakest = (worst["by"], worst["slice"]) if worst else None
    drawn = table[table["by"] != "group"] if (table["by"] != "group").any() else table
    order = sorted(
        range(len(drawn)), key=lambda i: (str(drawn["by"].iat[i]), *wording.slice_order(drawn["slice"].iat[i]))
    )[:MOST_DRAWN]
    rows = [
        {
            "name": f"{wording.fact_title(row['by'])}: {wording.kind_title(row['by'], row['slice'])}",
            "value": row["value"], "lo": row["lo"], "hi": row["hi"],
            "colour": OUTCOME["FN"] if worst and (row["by"], row["slice"]) == weakest else FOLD[0],
        }
        for row in drawn.iloc[order].to_dict("records")
    ]  # fmt: skip
    message = wording.sentence(report, METRIC)
    alt = f"{METRIC_TITLES[METRIC]} by slice. {message}"
    caption = f"Bars: 95% intervals. Dotted: all patches. Magenta: the weakest slice. n = {report.n:,}, out of fold."
    parts: list[Part] = [Figure(charts.intervals(rows, METRIC_TITLES[METRIC], alt, report.overall), alt, caption)]
    if worst is not None:
        parts.append(Words(wording.details(report, METRIC)))
    parts += _searched(given)
    basis = (
        f"Drawn: slices with at least {FEWEST} patches to measure the metric by, numbers split into quartiles"
        f"{', without single groups' if len(drawn) < len(table) else ''}. Whether the weakest differs from the rest is "
        f"tested with Holm's correction over all {len(table)} slices. {len(report.too_small)} have too few patches.",
    )
    return Section(ANCHOR, TITLE, message, tuple(parts), basis)


def _facts(given: Given) -> dict[str, np.ndarray]:
    from core.data.tabular.patch_metadata import patch_facts, slicing_columns

    found: dict[str, np.ndarray] = {}
    if given.data is not None:
        try:
            index = given.data.index_of(given.table["id"].tolist())
            facts = patch_facts(given.data, index, images=len(index) <= MOST_READ)
            for name in wording.PERCENT:
                if name in facts:
                    facts[name] = 100 * pd.to_numeric(facts[name], errors="coerce")
            found = slicing_columns(facts)
        except LandslideLensError:
            found = {}
    elif given.groups is not None:
        found["group"] = given.groups
    if given.n_folds > 1:
        found["fold"] = np.array([str(int(fold) + 1) for fold in given.table["fold"]])
    return found


def _searched(given: Given) -> list[Part]:
    """The weak slices that the search on the Review page has found and confirmed on the other half."""
    try:
        found = searched.read(given.run)
        rows = [] if found is None else found.report["slices"][:3]
        texts = tuple(searched.sentence(row) for row in rows)
    except (LandslideLensError, LookupError, TypeError, ValueError, AttributeError):
        texts = ()
    return [Points(texts, "Found by the search for weak slices")] if texts else []
