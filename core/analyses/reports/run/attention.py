"""Attention: where the network looks, on pictures, and the checks that say whether such maps can be believed."""

from __future__ import annotations

import numpy as np

from core.analyses.attention import checks
from core.analyses.reports.given import UNREADABLE, Given
from core.colours import FOLD, OUTCOME, POSITIVE, UNLABELLED
from core.errors import LandslideLensError
from core.explain.cam.overlay import dead_maps
from core.report import charts
from core.report.parts import Checks, Figure, Missing, Part, Picture, Pictures, Section, Words
from core.report.pictures import heated, jpeg
from core.text import number
from core.wording.attention import FINDING_WORDS, KIND_WORDS, RIVAL_WORDS, VERDICT_WORDS, verdict_sentence
from core.wording.names import OUTCOME_WORDS

ANCHOR, TITLE, EACH = "attention", "Where it looks", 6
KINDS = {"TP": EACH, "FN": EACH, "FP": EACH}
RIVALS = {"map": POSITIVE, "random": UNLABELLED, "mean": FOLD[2], "edges": FOLD[0]}


def made(given: Given) -> Section | Missing:
    """The section; pictures of maps come with the verdict on them, or with the words that nobody has checked them."""
    try:
        index, maps, card = given.run.cams()
    except LandslideLensError as error:
        return Missing(ANCHOR, TITLE, str(error))
    try:
        found = checks.read(given.run)
    except UNREADABLE:
        found = None
    parts: list[Part] = []
    if found is None:
        message = "These maps have not been checked: they may show edges or corners as well as what was learnt."
        parts.append(Words(f"To check them: python -m core explain {given.run.name} --checks", "warning"))
    else:
        verdict = found.report["verdict"]
        message = verdict_sentence(verdict["findings"], VERDICT_WORDS.get(verdict["word"], verdict["word"]))
        rows = tuple(
            (one["holds"], FINDING_WORDS.get(one["name"], one["name"]), one["sentence"]) for one in verdict["findings"]
        )
        parts.append(Checks(rows))
        parts += _curves(found)
    if given.data is not None and given.data.has_pictures:
        parts += _pictures(given, index, maps)
    how = f"{card.get('method', 'gradcam')} at layer {card['layer']}, for {card.get('target', given.positive)}"
    basis = [f"Maps: {how}, each by the fold that did not learn from the patch. The network's own classifier alone."]
    if found is not None:
        tested = found.report.get("n_tested")
        basis.append(f"Checks on {tested:,} patches." if isinstance(tested, int) else "")
    return Section(ANCHOR, TITLE, message, tuple(parts), tuple(filter(None, basis)))


def _curves(found) -> list[Part]:
    curves = found.tables["curves"]
    if curves.empty:
        return []
    kind = next(kind for kind in KIND_WORDS if (curves["kind"] == kind).any())
    rows = curves[curves["kind"] == kind]
    series = {}
    for rival, colour in RIVALS.items():
        mine = rows[rows["rival"] == rival]
        if not mine.empty:
            series[RIVAL_WORDS[rival]] = {
                "x": mine["share"], "y": mine["mean"], "lo": mine["lo"], "hi": mine["hi"], "colour": colour,
            }  # fmt: skip
    if not series:
        return []
    alt = "Probability that is left when the places a map points at are removed, against random places and edges"
    caption = (
        f"The curve of good maps falls below the others. Shaded: 95% interval; n = {int(rows['n'].max()):,} patches."
    )
    svg = charts.lines(series, "Share of pixels changed", "Probability left", alt)
    return [Figure(svg, alt, caption, KIND_WORDS[kind], wide=False)]


def _pictures(given: Given, index, maps) -> list[Part]:
    rows = dict(zip(index["id"].astype(str), index["row"].astype(int), strict=True))
    dead, parts = dead_maps(maps), []
    for kind, most in KINDS.items():
        mine = given.table[given.table["outcome"] == kind]
        mine = mine[[name in rows and not dead[rows[name]] for name in mine["id"]]]
        if mine.empty:
            continue
        chosen = mine.iloc[np.argsort(-np.abs(mine["prob"].to_numpy() - 0.5), kind="stable")[:most]]
        plain = given.pictures(chosen["id"].tolist(), 128, outlined=given.opened.has_masks)
        items = tuple(
            Picture(jpeg(heated(rgb, maps[rows[row.id]])), f"{OUTCOME_WORDS[kind]}: attention over patch {row.id}",
                    (row.id, f"p {number(row.prob, 2)}"), OUTCOME[kind])
            for rgb, row in zip(plain, chosen.itertuples(), strict=True)
        )  # fmt: skip
        parts.append(Pictures(items, OUTCOME_WORDS[kind], "", 6))
    if parts:
        note = "Brighter: more evidence for the class, scaled patch by patch, so that patches cannot be compared."
        parts[-1] = Pictures(parts[-1].items, parts[-1].title, note, 6)
    return [*parts]
