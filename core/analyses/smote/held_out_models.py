"""What models say of synthetic patches whose parents they have not seen.

Comes in: a finished run, synthetic patches with their lineage. Goes out: a row a patch and judging model. A model of
fold j has learnt from every patch but those of fold j. So of a synthetic patch made in fold k, the models that can
judge are those of the folds that its parents are validated in: where that is one fold, its model has seen **neither**
parent; where it is two, each model has seen **one**. All other models have seen both, and are not asked; nor is fold
k's, which learnt from the synthetic patch itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core.data.store import Dataset
from core.data.store.summary import valid_pixels
from core.evaluate.intervals import bootstrap_intervals
from core.heads.blend import BLEND
from core.predict.fold_model import kind_of
from core.predict.perturbed_model import PerturbedModel
from core.runs.store import RunFolder
from core.smote.resample import interpolate
from core.train.loop import embed

SEEN = {0: "neither parent", 1: "one parent"}


def judges_of(lineage: pd.DataFrame, fold_of: dict[str, int]) -> pd.DataFrame:
    """Who may judge: rows (synthetic, fold, anchor, neighbour, anchor_weight, judge, seen), seen of the two parents.

    fold_of: id -> the fold it is validated in.
    """
    columns, rows = ["synthetic", "fold", "anchor", "neighbour", "anchor_weight", "judge", "seen"], []
    for row in lineage.to_dict("records"):
        folds = {fold_of.get(str(row[parent]), -1) for parent in ("anchor", "neighbour")}
        seen = len(folds) - 1
        rows += [row | {"judge": judge, "seen": seen} for judge in sorted(folds) if judge not in (-1, row["fold"])]
    return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=columns)


def judging_head(run: RunFolder) -> str:
    """The headline, where it reads the network's embedding alone; otherwise the network's own head."""
    rules = run.rules()
    head = run.config().heads.headline(rules)
    return head if kind_of(head) == "embeddings" and head != BLEND else "fc"


def ask(run: RunFolder, dataset: Dataset, judges: pd.DataFrame, head: str) -> Iterator[tuple[int, pd.DataFrame]]:
    """For each judging fold, in turn: its rows of ``judges`` with ``prob`` and ``called`` (1: landslide)."""
    for fold, mine in judges.groupby("judge", sort=True):
        view = PerturbedModel.open(run, int(fold))
        prob = expit(_log_odds(view, dataset, mine, head))
        yield int(fold), mine.assign(prob=prob, called=(prob >= view.rules[head].thresholds[int(fold)]).astype(np.int8))


def _log_odds(view: PerturbedModel, dataset: Dataset, rows: pd.DataFrame, head: str) -> np.ndarray:
    """The synthetic patches as this model's fold would have made them: between parents in its own normalisation."""
    model = view.model
    parents = np.unique(np.concatenate([rows["anchor"].to_numpy(str), rows["neighbour"].to_numpy(str)]))
    raw = dataset.images(dataset.index_of(parents.tolist()), model.normaliser.band_names)
    patches = model.normaliser.transform(raw)
    anchor, neighbour = (np.searchsorted(parents, rows[name].to_numpy(str)) for name in ("anchor", "neighbour"))
    images = interpolate(patches, anchor, neighbour, rows["anchor_weight"].to_numpy(np.float32))
    if model.normaliser.nodata is not None:
        valid = valid_pixels(raw, model.normaliser.nodata)[1]
        np.copyto(images, np.float32(0.0), where=~(valid[anchor] & valid[neighbour])[:, None])
    embedded = embed(model.network, images, model.device, model.batch_size, tta=model.tta).embeddings
    return model.log_odds_of({"embeddings": embedded}, [head], view.rules)[head]


def missed(prob: np.ndarray, called: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Share that is called the other class, with its 95 % interval over whole groups; none without patches."""
    n = len(called)
    if not n:
        return {"n": 0, "share": None, "interval": None, "groups": 0}
    low, high = bootstrap_intervals(np.ones(n, np.int8), prob, np.asarray(called, np.int8), groups)["recall"]
    known = np.isfinite([low, high]).all()
    share = float(1 - np.mean(called))
    bounds = [float(1 - high), float(1 - low)] if known else None
    return {"n": n, "share": share, "interval": bounds, "groups": len(np.unique(groups))}
