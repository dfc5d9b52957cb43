"""What a map of embeddings shows and how far to believe it, in sentences. Comes in: its card. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from dashboard import theme
from dashboard.ui.formatting import escape_markdown, number

GOAL = 0.2  # a fifth fewer disagreements than a boundary learnt in the plane
GOOD_ENOUGH = 0.97  # the plane's own boundary agrees so often that there is little left to gain
METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}
METRICS = {"cosine": "cosine", "euclidean": "Euclidean, standardised", "correlation": "correlation"}


def map_title(card: Mapping) -> str:
    """A map's method and settings, short enough for a list."""
    name = METHODS.get(card.get("method", "umap"), "UMAP")
    settings = card.get("settings")
    if not settings:
        return name
    detail = {
        "umap": f", {settings['n_neighbors']} neighbours, least distance {settings['min_dist']:g}",
        "tsne": f", perplexity {settings['perplexity']:g}",
    }.get(card["method"], "")
    return f"{name}, {METRICS[settings['metric']]}{detail}, seed {card['seed']}"


def fidelity(card: Mapping) -> str:
    """How far the regions drawn on the map are the head's own. card: one head of a map's."""
    n, near = card.get("n_heldout", 0), card.get("n_near")
    text = (
        f"Of the {n:,} held-out patches, {_percent(card.get('agreement'))} get the same answer from the drawn regions "
        "as from the head itself; always giving the head's commoner answer would agree on "
        f"{_percent(card.get('majority'))}, and a plain 2-D SVM drawn on the map from the labels on "
        f"{_percent(card.get('refit_agreement'))}."
    )
    if near is not None and near < n:
        text += f" {n - near:,} of them lie on hatched ground; of the others {_percent(card.get('near_agreement'))}."
    return text


def verdict(card: Mapping) -> tuple[str, str]:
    """``good``, ``fair`` or ``poor``, and a sentence on whether the drawing may be read as the head's boundary."""
    agreement, majority, refit = (_value(card, name) for name in ("agreement", "majority", "refit_agreement"))
    if agreement is None or majority is None:
        return "poor", "Nothing was held out, so nobody knows how faithful this drawing is."
    if agreement <= majority:
        return "poor", (
            "Do not read a boundary from this drawing: it tells no more of the head than always giving the head's "
            "commoner answer would."
        )
    if refit is None:
        return "fair", "The drawing tells more than the commoner answer; there is no plain 2-D SVM to compare it with."
    saved = 1 - (1 - agreement) / (1 - refit) if refit < 1 else 0.0
    if saved >= GOAL - 1e-9:
        return "good", f"{saved:.0%} fewer disagreements with the head than a boundary learnt in the plane has."
    if refit >= GOOD_ENOUGH:
        return "good", "Any sensible boundary on this map is nearly the head's own: the classes lie well apart here."
    reach, why = _value(card, "map_agreement"), "near the line this head decides by what two dimensions do not show"
    if reach is not None and 1 - reach > (1 - GOAL) * (1 - refit):
        why += f"; even the held-out patches around one on the map decide as it does in {reach:.1%} of cases only"
    if agreement > refit:
        return "fair", f"Only {saved:.0%} fewer disagreements than a boundary learnt in the plane: {why}."
    return "fair", f"No better than a boundary learnt in the plane from the labels: {why}."


def story(n_train: int, card: Mapping, fold: int) -> str:
    """What the map is and how far it can be trusted. card: the map's; fold: from 0."""
    made = METHODS.get(card.get("method", "umap"), "UMAP")
    note = f" {escape_markdown(card['note'])}" if card.get("note") else ""
    placed = _value(card, "placed")
    later = "" if placed is None else f", {placed:.3f} among the held-out ones"
    return (
        f"{made} of {theme.fold_title(fold)}'s embeddings, learnt from its {n_train:,} training patches; held-out ones "
        f"are placed on it afterwards.{note} Trustworthiness {number(card.get('trustworthiness'))}{later} (1: every "
        "neighbour on the map is a neighbour in the embedding). Regions carry each head's own decisions, interpolated "
        "from training patches nearby; the line is its threshold. Hatched: no patch is near enough to say."
    )


def _value(card: Mapping, name: str) -> float | None:
    value = card.get(name)
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _percent(value: object) -> str:
    return "undefined" if value is None or not math.isfinite(float(value)) else f"{float(value):.1%}"
