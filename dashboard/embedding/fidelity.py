"""What a projection shows and how far to believe it, in sentences made from its card."""

from __future__ import annotations

import math
from collections.abc import Mapping

from dashboard import theme
from dashboard.ui.formatting import escape_markdown, number

GOAL = 0.2  # a fifth fewer disagreements than a boundary fitted in the plane
GOOD_ENOUGH = 0.97  # the boundary fitted in the plane agrees so often that there is little left to gain
METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}
METRICS = {"cosine": "cosine", "euclidean": "Euclidean, standardised", "correlation": "correlation"}


def projection_title(card: Mapping) -> str:
    """A projection's method and settings, short enough for a list."""
    name = METHODS.get(card.get("method", "umap"), "UMAP")
    settings = card.get("settings")
    if not settings:
        return name
    detail = {
        "umap": f", {settings['n_neighbors']} neighbours, minimum distance {settings['min_dist']:g}",
        "tsne": f", perplexity {settings['perplexity']:g}",
    }.get(card["method"], "")
    return f"{name}, {METRICS[settings['metric']]}{detail}, seed {card['seed']}"


def verdict(card: Mapping) -> tuple[str, str]:
    """``good``, ``fair`` or ``poor``, and how often the drawn boundary is the head's. card: of one head."""
    agreement, majority, refit = (_value(card, name) for name in ("agreement", "majority", "refit_agreement"))
    if agreement is None or majority is None:
        return "poor", "No patches were held out, so nobody knows how faithful this boundary is."
    text = f"The drawn boundary agrees with the model on {agreement:.1%} of held-out patches"
    if agreement <= majority:
        return "poor", f"{text}, no more than always giving its more common answer would. Do not rely on it."
    if refit is None:
        return "fair", f"{text}. There is no 2-D SVM to compare it with."
    saved = 1 - (1 - agreement) / (1 - refit) if refit < 1 else 0.0
    if saved >= GOAL - 1e-9:
        return "good", f"{text}: {saved:.0%} fewer disagreements than a 2-D SVM."
    if refit >= GOOD_ENOUGH:
        return "good", f"{text}."
    reach, why = _value(card, "map_agreement"), "Near its boundary this head decides by what two dimensions do not show"
    if reach is not None and 1 - reach > (1 - GOAL) * (1 - refit):
        why += f": even held-out patches that are neighbours here get the same decision only {reach:.1%} of the time"
    if agreement > refit:
        return "fair", f"{text}, only {saved:.0%} fewer disagreements than a 2-D SVM. {why}."
    return "fair", f"{text}, no more than a 2-D SVM. {why}."


def measured(card: Mapping) -> str:
    """The figures behind the verdict. card: of one head."""
    n, near = card.get("n_heldout", 0), card.get("n_near")
    text = (
        f"Agreement with this head on {n:,} held-out patches: drawn boundary {_percent(card.get('agreement'))}, always "
        f"its more common answer {_percent(card.get('majority'))}, a 2-D SVM fitted to the labels on this projection "
        f"{_percent(card.get('refit_agreement'))}."
    )
    if near is not None and near < n:
        text += (
            f" Without the {n - near:,} in hatched areas the drawn boundary has {_percent(card.get('near_agreement'))}."
        )
    return text


def story(n_train: int, card: Mapping, fold: int) -> str:
    """What the projection is and how far it can be trusted. card: the projection's; fold: from 0."""
    made = METHODS.get(card.get("method", "umap"), "UMAP")
    note = f" {escape_markdown(card['note'])}" if card.get("note") else ""
    placed = _value(card, "placed")
    later = "" if placed is None else f", {placed:.3f} among the held-out ones"
    return (
        f"{made} of {theme.fold_title(fold)}'s embeddings, fitted on its {n_train:,} training patches; held-out ones "
        f"are placed afterwards.{note} Trustworthiness {number(card.get('trustworthiness'))}{later} (1: all "
        "neighbours here are neighbours in the embedding). Shading: each head's own decisions, interpolated from "
        "nearby training patches; the line is its threshold. Hatched: no patches nearby, so unknown."
    )


def _value(card: Mapping, name: str) -> float | None:
    value = card.get(name)
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _percent(value: object) -> str:
    return "undefined" if value is None or not math.isfinite(float(value)) else f"{float(value):.1%}"
