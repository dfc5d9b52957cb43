"""The embedding map of one fold: its embeddings in the plane, with the boundary of every head."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from core.config import EmbedConfig
from core.embed.boundary import Plane
from core.embed.projection import fit_projection
from core.evaluate.calibration.fit import log_odds
from core.evaluate.judge import Rule, judge_head
from core.flow.fold_rows import FoldRows, fold_rows, own_scores
from core.flow.refitted_heads import refit_scores
from core.heads.blend import BLEND, WITHOUT_NETWORK
from core.runs.store import RunFolder


def draw_fold(run: RunFolder, fold: int, settings: EmbedConfig, seed: int) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and card of one fold's projection.

    xy (N, 2), synthetic (M, 2), train (N,) 0/1; x, y, near and ``values_<head>`` of each head's boundary. The card:
    method, note, trustworthiness, placed (of held-out patches), heads (the fidelity of each), settings, seed,
    made_from, seconds.
    """
    began = time.monotonic()
    rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
    drawn = fit_projection(embeddings, rows.train, settings, seed)
    arrays = {"xy": drawn.xy, "train": np.isin(np.arange(len(drawn.xy)), rows.train).astype(np.uint8)}
    if len(rows.synthetic):
        arrays["synthetic"] = drawn.place(rows.synthetic)
    plane, heads = plane_of(rows, drawn.xy, settings.grid), {}
    for name, margin in margins(run, fold).items():
        boundary = plane.boundary(margin[rows.train], margin[rows.val])
        arrays[f"values_{name}"] = boundary.values.astype(np.float32)
        heads[name] = boundary.card()
    arrays |= {"x": plane.x, "y": plane.y, "near": plane.near.astype(np.uint8)}
    card = {"method": drawn.method, "note": drawn.note, "trustworthiness": drawn.trustworthiness}
    card |= {"placed": drawn.placed, "heads": heads, "settings": settings.model_dump(mode="json"), "seed": seed}
    return arrays, card | {"made_from": run.made_from(fold), "seconds": time.monotonic() - began}


def plane_of(rows: FoldRows, xy: np.ndarray, grid: int) -> Plane:
    """What the boundaries of a fold's heads share, on places (N, 2) of all patches."""
    return Plane.of(xy[rows.train], rows.labels[rows.train], xy[rows.val], grid)


def heads_of(run: RunFolder) -> tuple[str, ...]:
    """The heads whose boundary can be drawn, those fitted later last."""
    known = run.scores(0) if run.has_scores(0) else ()
    own = [name for name in run.rules() if name not in (*WITHOUT_NETWORK, BLEND)]
    own = [name for name in own if name in known or run.head_card(0, name) or name in run.umap(0)[1]["heads"]]
    return (*own, *(name for name in refit_scores(run, 0) if name not in own))


def margins(run: RunFolder, fold: int, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """By head: (N,) log-odds of all real patches by this fold's model, less those of its threshold: 0 is the boundary.

    names: none for every head that decides on embeddings, those that were fitted on the finished run included.
    """
    wanted = heads_of(run) if names is None else names
    own, later = own_scores(run, fold), refit_scores(run, fold)
    rules = {name: Rule.from_dict(value) for name, value in run.rules().items()}
    found = {}
    for name in wanted:
        if name in own and name in rules:
            found[name] = _margin(rules[name], own[name], fold)
        elif name in later:
            found[name] = _margin(_later_rule(run, name), later[name], fold)
    return found


def _margin(rule: Rule, scores: np.ndarray, fold: int) -> np.ndarray:
    return rule.log_odds(scores, fold) - log_odds(rule.thresholds[fold], edge=1e-7)


def _later_rule(run: RunFolder, name: str) -> Rule:
    """Calibration and thresholds of a head that was fitted on the finished run, from its out-of-fold scores."""
    folds = range(run.config().folds.n_splits)
    rows = [fold_rows(run, fold) for fold in folds]
    index, fold_of = np.concatenate([part.val for part in rows]), np.repeat(list(folds), [len(p.val) for p in rows])
    scores = np.concatenate([refit_scores(run, fold)[name][part.val] for fold, part in zip(folds, rows, strict=True)])
    rule = run.config().heads.threshold
    return judge_head(rows[0].labels[index], scores, fold_of, None, threshold=rule, is_log_odds=False).rule
