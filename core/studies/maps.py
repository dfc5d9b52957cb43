"""Maps of a run's folds: drawn with any settings, the boundary of every head on them, known by what made them.

Comes in: a run folder whose folds are trained. Goes out: arrays and a card for each map, kept beside the run's own by
the digest of their settings; progress is yielded. No network is loaded and no image is read: embeddings and decision
values are those that training left behind.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from core.config import EmbedConfig
from core.embed.boundary import Boundary, Plane
from core.embed.features import Preparation
from core.embed.maps import fit_map
from core.embed.neighbours import nearest
from core.errors import RunError
from core.evaluate.judge import Rule, judge_head
from core.heads.blend import BLEND
from core.plan import Step
from core.runs.store import RunFolder
from core.studies.table3 import WITHOUT_NETWORK, FoldRows, fold_rows, own_scores

OWN = "own"  # key of the map that the run itself drew


@dataclass(frozen=True)
class Alike:
    """Nearest neighbours of one patch. index: (k,) rows of the dataset; distance: (k,); training: (k,) bool."""

    index: np.ndarray
    distance: np.ndarray
    training: np.ndarray


def key_of(settings: EmbedConfig, seed: int) -> str:
    """What a map with these settings is kept under."""
    return hashlib.sha256(f"{settings.model_dump_json()} {seed}".encode()).hexdigest()[:12]


def settings_of(card: dict[str, Any]) -> tuple[EmbedConfig, int]:
    """Settings and seed of a map from its card. Raises RunError for one of an earlier version, which kept none."""
    if "settings" not in card:
        raise RunError("This map was drawn by an earlier version, which kept no settings. Draw it again.")
    return EmbedConfig(**card["settings"]), int(card["seed"])


def read_map(run: RunFolder, fold: int, key: str = OWN) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and card of a map: the run's own, or one that was drawn later."""
    return run.umap(fold) if key == OWN else run.map(fold, key)


def redraw(
    run: RunFolder, settings: EmbedConfig, seed: int = 0, folds: Sequence[int] | None = None
) -> Generator[Step, None, str]:
    """Draw and keep a map of each fold with these settings; the key that they are kept under.

    Maps that are there already, made from the same network and data, are not drawn again.
    """
    check_finished(run)
    key, folds = key_of(settings, seed), list(range(run.config().folds.n_splits) if folds is None else folds)
    for number, fold in enumerate(folds):
        text = f"Drawing the map of fold {fold + 1} ({number + 1} of {len(folds)}). The first one takes longest."
        yield Step("mapping", number / len(folds), text, fold=fold, n_folds=len(folds))
        there = run.maps(fold).get(key)
        if there is None or there.get("made_from") != run.made_from(fold):
            run.write_map(fold, key, *draw_fold(run, fold, settings, seed))
    yield Step("mapping", 1.0, "Done.")
    return key


def draw_fold(run: RunFolder, fold: int, settings: EmbedConfig, seed: int) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and card of one fold's map.

    xy (N, 2), synthetic (M, 2), train (N,) 0/1; x, y, near and ``values_<head>`` of each head's boundary. The card:
    method, note, trustworthiness, placed (of held-out patches), heads (the fidelity of each), settings, seed,
    made_from, seconds.
    """
    began = time.monotonic()
    rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
    drawn = fit_map(embeddings, rows.train, settings, seed)
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


def draw_head(run: RunFolder, fold: int, xy: np.ndarray, head: str, grid: int = 100) -> Boundary:
    """One head's boundary on a map that was drawn without it. xy: (N, 2). Raises RunError for a head without scores."""
    rows, found = fold_rows(run, fold), margins(run, fold, (head,)) if head in heads_of(run) else {}
    if head not in found:
        raise RunError(f"The head '{head}' of run '{run.name}' decides on no embedding, so it has no boundary here.")
    return plane_of(rows, xy, grid).boundary(found[head][rows.train], found[head][rows.val])


def plane_of(rows: FoldRows, xy: np.ndarray, grid: int) -> Plane:
    """What the boundaries of a fold's heads share, on places (N, 2) of all patches."""
    return Plane.of(xy[rows.train], rows.labels[rows.train], xy[rows.val], grid)


def heads_of(run: RunFolder) -> tuple[str, ...]:
    """The heads whose boundary can be drawn, those fitted later last."""
    known = run.scores(0) if run.has_scores(0) else ()
    own = [name for name in run.rules() if name not in (*WITHOUT_NETWORK, BLEND)]
    own = [name for name in own if name in known or run.head_card(0, name) or name in run.umap(0)[1]["heads"]]
    return (*own, *(name for name in run.refit_scores(0) if name not in own))


def margins(run: RunFolder, fold: int, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """By head: (N,) log-odds of all real patches by this fold's model, less those of its threshold: 0 is the boundary.

    names: none for every head that decides on embeddings, those that were fitted on the finished run included.
    """
    wanted = heads_of(run) if names is None else names
    own, later = own_scores(run, fold), run.refit_scores(fold)
    rules = {name: Rule.from_dict(value) for name, value in run.rules().items()}
    found = {}
    for name in wanted:
        if name in own and name in rules:
            found[name] = _margin(rules[name], own[name], fold)
        elif name in later:
            found[name] = _margin(_later_rule(run, name), later[name], fold)
    return found


def alike(run: RunFolder, fold: int, row: int, k: int = 12, settings: EmbedConfig | None = None) -> tuple[Alike, Alike]:
    """The patches whose embeddings lie nearest to that of dataset row ``row``: of the training part, and held out.

    The distance is that of the map's metric. The patch itself is left out; so are patches of neither part.
    """
    rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
    preparation = Preparation.fit(embeddings, rows.train, (settings or EmbedConfig()).metric)
    prepared = preparation.rows(embeddings)
    parts = []
    for part, training in ((rows.train, True), (rows.val, False)):
        own = np.flatnonzero(part == row)
        found = nearest(prepared[[row]], prepared[part], k, np.array([own[0] if own.size else -1]))
        parts.append(Alike(part[found.index[0]], found.distance[0], np.full(found.index.shape[1], training)))
    return parts[0], parts[1]


def changes(made_from: dict[str, str], card: dict[str, Any], content_hash: str) -> list[str]:
    """What has changed since a map was drawn, as sentences; none when it is as it was.

    made_from: the run's now (``RunFolder.made_from``). card: the map's. content_hash: the dataset file's now.
    """
    found = []
    if made_from["data"] and content_hash != made_from["data"]:
        found.append("The dataset file has changed since this run was trained: its embeddings are of other patches.")
    before = card.get("made_from")
    if before and before["model"] != made_from["model"]:
        found.append("The network's file is another one than the map was drawn with: train the run again.")
    elif before and before["embeddings"] != made_from["embeddings"]:
        found.append("The stored embeddings are others than the map was drawn from: draw it again.")
    return found


def check_finished(run: RunFolder) -> None:
    """Raises RunError for a run that has not finished."""
    if run.status()["state"] != "succeeded":
        raise RunError(f"Run '{run.name}' has not finished ({run.status()['state']}). Resume it, or choose another.")


def _margin(rule: Rule, scores: np.ndarray, fold: int) -> np.ndarray:
    return rule.log_odds(scores, fold) - logit(np.clip(rule.thresholds[fold], 1e-7, 1 - 1e-7))


def _later_rule(run: RunFolder, name: str) -> Rule:
    """Calibration and thresholds of a head that was fitted on the finished run, from its out-of-fold scores."""
    folds = range(run.config().folds.n_splits)
    rows = [fold_rows(run, fold) for fold in folds]
    index, fold_of = np.concatenate([part.val for part in rows]), np.repeat(list(folds), [len(p.val) for p in rows])
    scores = np.concatenate([run.refit_scores(fold)[name][part.val] for fold, part in zip(folds, rows, strict=True)])
    rule = run.config().heads.threshold
    return judge_head(rows[0].labels[index], scores, fold_of, None, threshold=rule, is_log_odds=False).rule
