"""What a projection shows and how far to believe it, in sentences made from its card."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.stats.design_effect import wilson
from core.text import interval_percent, number, percent
from core.wording.names import fold_title, head_title
from core.wording.voice import PLAIN, Voice

GOAL = 0.2  # a fifth fewer disagreements than a boundary fitted in the plane
GOOD_ENOUGH = 0.97  # the boundary fitted in the plane agrees so often that there is little left to gain
NO_LINE = "It runs only where there are no patches, so the map shows no line."
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


def sentence(card: Mapping, head: str, fold: int, voice: Voice = PLAIN) -> str:
    """How often the drawn boundary is the head's, with interval and majority. card: of this head."""
    agreement, majority, n = _value(card, "agreement"), _value(card, "majority"), int(card.get("n_heldout", 0))
    if agreement is None or n < 1:
        return "No patches were held out, so it is not known how well the drawn boundary matches the model."
    low, high = (float(bound) for bound in wilson(agreement * n, n))
    guess = "" if majority is None else f"; always the majority class: {percent(majority)}"
    text = (
        f"The drawn boundary agrees with {head_words(head, voice)} on {voice.strong(percent(agreement))} of {n:,} "
        f"held-out patches of {fold_title(fold)} (95% interval {interval_percent((low, high), 1)}{guess})."
    )
    if majority is not None and agreement <= majority:
        text += f" {voice.strong('Do not rely on it:')} that is no better than always the majority class."
    return text


def head_words(head: str, voice: Voice = PLAIN) -> str:
    """A head within a sentence."""
    title = head_title(head)
    return f"the {voice.shown(title if title[:2].isupper() else title[:1].lower() + title[1:])} head"


def compared(card: Mapping) -> str:
    """The drawn boundary beside one that knows this plane only. card: of one head."""
    agreement, refit = _value(card, "agreement"), _value(card, "refit_agreement")
    if agreement is None:
        return ""
    if refit is None:
        return "There is no 2-D SVM to compare the boundary with."
    saved = 1 - (1 - agreement) / (1 - refit) if refit < 1 else 0.0
    text = f"A 2-D SVM fitted to the labels on this map agrees with the model on {refit:.1%}"
    if saved >= GOAL - 1e-9:
        return f"{text}; the drawn boundary has {saved:.0%} fewer disagreements."
    if refit >= GOOD_ENOUGH:
        return f"{text}; the classes are well separated here, so any sensible boundary comes close."
    reach, why = _value(card, "map_agreement"), "Near its boundary this head uses information that two dimensions lose"
    if reach is not None and 1 - reach > (1 - GOAL) * (1 - refit):
        why += f": held-out neighbours on the map get the same decision only {reach:.1%} of the time"
    if agreement > refit:
        return f"{text}; the drawn boundary has only {saved:.0%} fewer disagreements. {why}."
    return f"{text}, so the drawn boundary is no better. {why}."


def measured(card: Mapping, far: str = "in hatched areas") -> str:
    """What lies far from any patch, and how the interval is made. card: of one head; far: how the map shows that."""
    n, near = card.get("n_heldout", 0), card.get("n_near")
    text = "The interval is Wilson's, with patches as independent; patches of one scene are not, so it may be wider."
    if near is not None and near < n:
        text += (
            f" {n - near:,} of {n:,} held-out patches lie {far}; without them the agreement is "
            f"{percent(card.get('near_agreement'))}."
        )
    return text


def story(n_train: int, card: Mapping, fold: int, voice: Voice = PLAIN, far: str = "Hatched") -> str:
    """What the projection is and how far it can be trusted. card: the projection's; fold: from 0."""
    made = METHODS.get(card.get("method", "umap"), "UMAP")
    note = f" {voice.shown(card['note'])}" if card.get("note") else ""
    placed = _value(card, "placed")
    later = "" if placed is None else f", {number(placed)} among the held-out patches"
    return (
        f"{made} of the embeddings of {fold_title(fold)}'s network, fitted on its {n_train:,} training patches; "
        f"held-out patches are placed afterwards.{note} Trustworthiness {number(card.get('trustworthiness'))}{later} "
        "(1: all neighbours on the map are neighbours in the embedding). Tints show the head's decision, interpolated "
        f"from nearby training patches; the line is its threshold. {far}: no patches nearby, so unknown. The "
        "coordinates have no unit, and the map is stretched to its frame."
    )


def _value(card: Mapping, name: str) -> float | None:
    value = card.get(name)
    return None if value is None or not math.isfinite(float(value)) else float(value)
