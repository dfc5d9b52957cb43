"""Errors with pictures: the missed landslides, false alarms and finds that the run is surest of."""

from __future__ import annotations

import numpy as np

from core.analyses.reports.given import Given
from core.colours import OUTCOME
from core.report.parts import Missing, Part, Picture, Pictures, Section
from core.report.pictures import jpeg
from core.text import number
from core.wording.names import OUTCOME_WORDS

ANCHOR, TITLE, EACH = "errors", "Errors with pictures", 12
SHOWN = {"FN": EACH, "FP": EACH, "TP": 6}


def made(given: Given) -> Section | Missing:
    """The section."""
    counts = given.table["outcome"].value_counts()
    missed, false = int(counts.get("FN", 0)), int(counts.get("FP", 0))
    message = (
        f"{missed:,} of {int(given.labels.sum()):,} {given.positive} patches are missed, {false:,} alarms are false."
    )
    if given.data is None or not given.data.has_pictures:
        why = given.no_data or "The dataset is a table of columns: there are no pictures."
        return Missing(ANCHOR, TITLE, f"{message} They cannot be shown: {why}")
    parts: list[Part] = []
    for kind, most in SHOWN.items():
        mine = given.table[given.table["outcome"] == kind]
        if mine.empty:
            continue
        sure = (
            np.abs(mine["prob"] - 0.5).to_numpy() if kind == "TP" else np.abs(mine["prob"] - mine["label"]).to_numpy()
        )
        chosen = mine.iloc[np.argsort(-sure, kind="stable")[:most]]
        pictures = given.pictures(chosen["id"].tolist(), 112, outlined=given.data.has_masks)
        items = tuple(
            Picture(jpeg(rgb), f"{OUTCOME_WORDS[kind]}: patch {row.id}, probability {number(row.prob, 2)}",
                    (row.id, f"p {number(row.prob, 2)}"), OUTCOME[kind])
            for rgb, row in zip(pictures, chosen.itertuples(), strict=True)
        )  # fmt: skip
        parts.append(Pictures(items, f"{OUTCOME_WORDS[kind]}: {len(items)} of {len(mine):,}", "", 6))
    outlined = " Outlined: the masks of landslides." if given.data.has_masks else ""
    basis = (
        f"Those that the run is surest of, one by one out of fold; p: probability of {given.positive}. "
        f"{given.look[1]}{outlined} An error that looks like a wrong label may be one: see the section on labels.",
    )
    return Section(ANCHOR, TITLE, message, tuple(parts), basis)
