"""What models predict for synthetic patches whose parents they have not seen.

A model of fold j was trained on every patch but those of fold j. So for a synthetic patch made in fold k, the held-out
models are those of the folds in which its parents are validated: where that is one fold, its model has seen **neither**
parent; where it is two, each model has seen **one**. All other models have seen both and are not asked; nor is fold
k's, which was trained on the synthetic patch itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core.data.store import Dataset
from core.evaluate.intervals import bootstrap_intervals
from core.heads.blend import BLEND
from core.runs.store import RunFolder
from core.smote.resample import interpolate, keep_missing

if TYPE_CHECKING:
    from core.predict.perturbed_model import PerturbedModel

SEEN = {0: "neither parent", 1: "one parent"}


def assign_models(lineage: pd.DataFrame, fold_of: dict[str, int]) -> pd.DataFrame:
    """A row a synthetic patch and held-out model: synthetic, fold, anchor, neighbour, anchor_weight, model, seen.

    fold_of: id -> the fold in which it is validated. model: the fold whose model is asked; seen: how many of the two
    parents that model was trained on.
    """
    columns, rows = ["synthetic", "fold", "anchor", "neighbour", "anchor_weight", "model", "seen"], []
    for row in lineage.to_dict("records"):
        folds = {fold_of.get(str(row[parent]), -1) for parent in ("anchor", "neighbour")}
        seen = len(folds) - 1
        rows += [row | {"model": model, "seen": seen} for model in sorted(folds) if model not in (-1, row["fold"])]
    return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=columns)


def scoring_head(run: RunFolder) -> str:
    """The headline head, where it reads the network's embedding alone; otherwise the network's own head."""
    from core.heads.blend import kind_of

    rules = run.rules()
    head = run.config().heads.headline(rules)
    return head if kind_of(head) == "embeddings" and head != BLEND else "fc"


def predict_held_out(
    run: RunFolder, dataset: Dataset, assigned: pd.DataFrame, head: str
) -> Iterator[tuple[int, pd.DataFrame]]:
    """For each model in turn: its rows of ``assigned`` with ``prob`` and ``pred`` (1: landslide)."""
    from core.predict.perturbed_model import PerturbedModel

    for fold, rows in assigned.groupby("model", sort=True):
        view = PerturbedModel.open(run, int(fold))
        prob = expit(_log_odds(view, dataset, rows, head))
        yield int(fold), rows.assign(prob=prob, pred=(prob >= view.rules[head].thresholds[int(fold)]).astype(np.int8))


def _log_odds(view: PerturbedModel, dataset: Dataset, rows: pd.DataFrame, head: str) -> np.ndarray:
    """The synthetic patches as this model's fold would have made them: between parents in its own normalisation."""
    from core.train.loop import embed

    model = view.model
    parents = np.unique(np.concatenate([rows["anchor"].to_numpy(str), rows["neighbour"].to_numpy(str)]))
    raw = dataset.images(dataset.index_of(parents.tolist()), model.normaliser.band_names)
    patches = model.normaliser.transform(raw)
    anchor, neighbour = (np.searchsorted(parents, rows[name].to_numpy(str)) for name in ("anchor", "neighbour"))
    images = interpolate(patches, anchor, neighbour, rows["anchor_weight"].to_numpy(np.float32))
    keep_missing(images, np.isfinite(raw), anchor, neighbour)
    embedded = embed(model.network, images, model.device, model.batch_size, tta=model.tta).embeddings
    return model.log_odds_of({"embeddings": embedded}, [head], view.rules)[head]


def missed_share(prob: np.ndarray, pred: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Share predicted as the other class, with its 95 % interval over whole groups; None without patches."""
    n = len(pred)
    if not n:
        return {"n": 0, "share": None, "interval": None, "groups": 0}
    low, high = bootstrap_intervals(np.ones(n, np.int8), prob, np.asarray(pred, np.int8), groups)["recall"]
    known = np.isfinite([low, high]).all()
    share = float(1 - np.mean(pred))
    bounds = [float(1 - high), float(1 - low)] if known else None
    return {"n": n, "share": share, "interval": bounds, "groups": len(np.unique(groups))}
