"""Projection: the embeddings of one fold on a map, with the boundary of the head and how far it can be believed."""

from __future__ import annotations

from core.analyses.embedding import projections
from core.analyses.reports.given import Given
from core.errors import LandslideLensError
from core.report import charts
from core.report.parts import Figure, Missing, Section, Words
from core.wording import projection as wording
from core.wording.names import fold_title, head_title

ANCHOR, TITLE, FOLD = "projection", "The patches on a map", 0


def made(given: Given) -> Section | Missing:
    """The section, of the first fold: five folds are five spaces, which do not align."""
    try:
        arrays, card = projections.projection(given.run, FOLD)
    except LandslideLensError as error:
        return Missing(ANCHOR, TITLE, str(error), f"python -m core analyse projections {given.run.name}", "projections")
    if given.data is None or len(arrays["xy"]) != len(given.data):
        return Missing(ANCHOR, TITLE, given.no_data or "The dataset holds another number of patches than the map.")
    train = arrays["train"].astype(bool)
    labelled = given.data.labels >= 0
    drawn = [name for name in (given.head, *given.summary["heads"]) if f"values_{name}" in arrays]
    head = drawn[0] if drawn else ""
    plane = None
    if head:
        plane = {"x": arrays["x"], "y": arrays["y"], "values": arrays[f"values_{head}"], "near": arrays["near"]}
    own = card.get("heads", {}).get(head, {})
    message = wording.sentence(own, head, FOLD) if head else "No boundary was drawn on this map."
    alt = f"Map of {fold_title(FOLD)}'s patches by class. {message}"
    svg = charts.boundary_map(
        arrays["xy"][labelled], given.data.labels[labelled], ~train[labelled], given.names, alt, plane
    )
    caption = (
        "Large: held-out patches; small: those that were trained on. Tinted: what the head decides there; the line is "
        "its threshold. Without a tint: no patches nearby."
    )
    parts = (Figure(svg, alt, caption), *((Words(wording.compared(own)),) if wording.compared(own) else ()))
    also = "" if head == given.head or not head else (
        f" {head_title(given.head)} does not decide on the embedding alone, so the boundary of another head is drawn."
    )  # fmt: skip
    story = wording.story(int(train.sum()), card, FOLD, far="No tint")
    basis = (f"{story}{also}", wording.measured(own, "where there is no tint"))
    return Section(ANCHOR, TITLE, message, parts, basis)
