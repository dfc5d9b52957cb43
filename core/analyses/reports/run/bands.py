"""Bands: which of them the model relies on, and what clouds and lost sensors cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.analyses.bands import importance, robustness
from core.analyses.reports.given import UNREADABLE, Given
from core.colours import FAMILY, FOLD, UNLABELLED
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.bands.tables import band_table, groups_by_id
from core.report import charts
from core.report.parts import Figure, Missing, Part, Section, Words
from core.wording import bands as wording
from core.wording.names import FAMILY_WORDS, head_title

ANCHOR, TITLE = "bands", "Which bands it needs"


def made(given: Given) -> Section | Missing:
    """The section, from the analysis where it was done, otherwise from what every run computes."""
    try:
        measured = importance.read(given.run)
        table = measured.tables["bands"] if measured else given.run.occlusion()
    except LandslideLensError as error:
        return Missing(ANCHOR, TITLE, str(error))
    heads = list(dict.fromkeys(table["head"].astype(str)))
    head = given.head if given.head in heads else heads[0]
    baseline = str(table["baseline"].iloc[0])
    rows = _titled(band_table(table, head, baseline, groups_by_id(given.run.oof())), given)
    drawn = rows.sort_values("drop_mean", ascending=False, kind="stable")
    message = f"{wording.verdict(rows)} {wording.order_words(rows)}".strip()
    bars = [
        {"name": row.title, "value": row.drop_mean, "lo": row.lo, "hi": row.hi, "colour": FAMILY[row.family],
         "kind": FAMILY_WORDS[row.family]}
        for row in drawn.itertuples()
    ]  # fmt: skip
    alt = f"Score lost when a band is removed. {message}"
    caption = (
        f"{head_title(head)}, {int(rows['n'].iloc[0]):,} patches labelled {given.positive}, out of fold. Removed: "
        f"replaced by {BASELINES.get(baseline, baseline)}. Whiskers: 95% interval."
    )
    title = "Score lost when the band is removed"
    parts: list[Part] = [Figure(charts.bars(bars, title, alt, form="+.3f"), alt, caption)]
    parts += _sensors(measured, head) + _robustness(given)
    basis = (
        "Score: probability of the positive class. A short bar does not mean that a band is useless: bands with the "
        "same information stand in for each other.",
    )
    return Section(ANCHOR, TITLE, message, tuple(parts), basis)


def _titled(rows: pd.DataFrame, given: Given) -> pd.DataFrame:
    known = {} if given.data is None else {band.name: band for band in given.data.bands}
    names = rows["band"].astype(str)
    return rows.assign(
        title=[known[name].title if name in known else name for name in names],
        family=[known[name].family if name in known and known[name].family in FAMILY else "other" for name in names],
    )


def _sensors(measured, head: str) -> list[Part]:
    verdict = measured and measured.report["verdicts"].get(head)
    if not verdict or verdict["answer"] == "cannot be asked":
        return []
    return [Words(f"{verdict['question']} {verdict['answer'].capitalize()}. {verdict['supports']}")]


def _robustness(given: Given) -> list[Part]:
    try:
        found = robustness.read(given.run)
        rows = None if found is None else pd.DataFrame(found.report["rows"])
    except UNREADABLE:
        rows = None
    if rows is None or rows.empty:
        text = f"What clouds and lost sensors cost was not measured: python -m core analyse robustness {given.run.name}"
        return [Words(text, "note")]
    numbers = ("f1", "lo", "hi", "difference", "diff_lo", "diff_hi")
    rows = rows.astype({name: float for name in numbers if name in rows})
    best = rows.dropna(subset="f1").sort_values("f1", ascending=False, kind="stable").drop_duplicates("scenario")
    order = {name: k for k, name in enumerate(dict.fromkeys(rows["scenario"]))}
    best = best.sort_values("scenario", key=lambda names: names.map(order), kind="stable")
    drawn = [
        {"name": row.title, "value": row.f1, "lo": row.lo, "hi": row.hi,
         "colour": FOLD[0] if k == 0 else UNLABELLED}
        for k, row in enumerate(best.itertuples())
    ]  # fmt: skip
    words = wording.robustness(rows)
    alt = f"F1 with clouds and lost bands. {words}"
    caption = f"{words} Each gap filled in its best way; n = {int(np.nanmax(rows['n'])):,}, out of fold."
    return [Figure(charts.intervals(drawn, "F1, with 95% interval", alt), alt, caption, "Clouds and lost sensors")]
