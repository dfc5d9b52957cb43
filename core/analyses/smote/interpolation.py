"""From a landslide's neighbour through the landslide to a patch of the other class: what the model predicts on the way.

Each stop is a mixture of two patches. Synthetic patches lie on the first leg; the second crosses to the other class.
With t the position: t in [0, 1] is ``t * anchor + (1 - t) * neighbour``, so that t is Algorithm 1's anchor weight, and
t in [1, 2] is ``(2 - t) * anchor + (t - 1) * other``. At 0, 1 and 2 stand the real patches themselves. Nothing is
written.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from core.data.band_statistics import FEATURES
from core.data.store import Dataset
from core.data.store.missing import has_data
from core.embed.features import Preparation
from core.embed.neighbours import nearest
from core.errors import ConfigError, RunError
from core.flow.fold_rows import FoldRows, fold_rows
from core.heads.blend import add_blends, kind_of, members_of
from core.predict.training_dataset import training_dataset
from core.runs.store import RunFolder
from core.smote.resample import interpolate, normalised_range
from core.smote.topk import listed_ssim

if TYPE_CHECKING:
    from core.predict.perturbed_model import PerturbedModel

STEPS = 10  # of each leg
MOST_STEPS = 40
LEGS = np.array([[1, 0], [1, 2]])  # anchor and the other end of each leg, as positions among (neighbour, anchor, other)


@dataclass(frozen=True)
class Interpolation:
    """What the fold's own network, its heads and its attention map give at every stop.

    ids: of neighbour, anchor and other, as are labels, seen (whether the fold's network was trained on it) and stored.
    position: (S,) from 0 to 2. probs: head -> (S,), calibrated as the fold's are; thresholds: head -> the fold's.
    margin: (S,) decision value of ``margin_head``, None without an SVM. embeddings: (S, D). maps: (S, h, w) raw.
    stored: head -> (3,) the run's own stored probabilities; largest_gap: by how much the ends differ from them, None
    where the run kept none. ssim: of anchor and neighbour, of anchor and other. distance: of anchor and other among
    the embeddings, in ``metric``.
    """

    fold: int
    ids: tuple[str, str, str]
    labels: tuple[int, int, int]
    seen: tuple[bool, bool, bool]
    position: np.ndarray
    probs: dict[str, np.ndarray]
    thresholds: dict[str, float]
    headline: str
    margin_head: str | None
    margin: np.ndarray | None
    embeddings: np.ndarray
    maps: np.ndarray
    layer: str
    method: str
    stored: dict[str, np.ndarray]
    largest_gap: float | None
    ssim: tuple[float, float]
    distance: float
    metric: str
    seconds: float


def predict_between(
    run: RunFolder,
    fold: int,
    neighbour: str,
    anchor: str,
    other: str | None = None,
    crossing: bool = False,
    extra: Sequence[float] = (),
    steps: int = STEPS,
    view: PerturbedModel | None = None,
) -> Interpolation:
    """The stops between one anchor, one neighbour and a patch of the other class, by the network of ``fold``.

    other: a patch of the other class; None: the one nearest to the anchor among the embeddings of the training part.
    crossing: the nearest of those that the headline head predicts as the other class, too, so that the decision
    changes on the way. extra: further positions, such as the weight of a synthetic patch. view: of the fold, where it
    is loaded. Raises RunError when the run has not finished, ConfigError for steps or positions that cannot be.
    """
    from core.explain.cam.gradcam import gradcam
    from core.predict.perturbed_model import PerturbedModel
    from core.train.loop import embed

    began, dataset, config = time.monotonic(), training_dataset(run), run.config()
    if not 1 <= steps <= MOST_STEPS or any(not 0.0 <= t <= 2.0 for t in extra):
        raise ConfigError(f"An interpolation has 1 to {MOST_STEPS} steps a leg and positions from 0 to 2.")
    view = view or PerturbedModel.open(run, fold)
    model, rows = view.model, fold_rows(run, fold)
    labels = rows.labels
    known = run.embeddings(fold)["embeddings"]
    two = dataset.index_of([neighbour, anchor])
    among = _others(run, dataset, view, rows, int(two[1]), other, crossing)
    preparation = Preparation.fit(known, rows.train, config.embed.metric)
    closest = nearest(preparation.rows(known[two[1:]]), preparation.rows(known[among]), 1)
    third, distance = int(among[closest.index[0, 0]]), float(closest.distance[0, 0])
    ends = np.array([*two, third])
    raw = dataset.images(ends, model.normaliser.band_names)
    position = np.unique(np.concatenate([np.linspace(0, 2, 2 * steps + 1), np.asarray(extra, np.float64)]))
    valid = has_data(raw)
    patches = model.normaliser.transform(raw)
    stops = _between(patches, valid, position, 0.0)
    embedded = embed(model.network, stops, model.device, model.batch_size, tta=model.tta).embeddings
    svm = _svm(config.heads.headline(view.rules), model.heads)
    names = [name for name in dict.fromkeys(("fc", *view.heads, svm)) if name in view.rules]
    features = {"embeddings": embedded}
    kinds = {kind_of(name) for name in members_of(names)}
    if kinds - {"embeddings"}:
        between = _between(raw, valid, position, np.nan)
        features |= {kind: FEATURES[kind](between, model.normaliser.band_names) for kind in kinds - {"embeddings"}}
    log_odds = model.log_odds_of(features, names, view.rules)
    card = run.cams()[2]
    method = card.get("method", "gradcam")
    maps, layer = gradcam(
        model.network, stops, model.device, config.explain.min_map, method=method, layer=card["layer"]
    )  # fmt: skip
    stored = _stored(run, fold, ends, names, view)
    at = np.searchsorted(position, [0.0, 1.0, 2.0])
    gaps = [np.abs(expit(log_odds[name])[at] - values).max() for name, values in stored.items()]
    similar = listed_ssim(patches, normalised_range(config.normalise.method, patches), LEGS[:, 0], LEGS[:, 1], valid)
    first, second, third = ends
    return Interpolation(
        fold=fold,
        ids=(str(dataset.ids[first]), str(dataset.ids[second]), str(dataset.ids[third])),
        labels=(int(labels[first]), int(labels[second]), int(labels[third])),
        seen=tuple(np.isin(ends, rows.train).tolist()),
        position=position,
        probs={name: expit(values) for name, values in log_odds.items()},
        thresholds={name: float(view.rules[name].thresholds[fold]) for name in names},
        headline=view.heads[-1],
        margin_head=svm,
        margin=None if svm is None else np.asarray(model.heads[svm].decision(embedded, model.device), np.float64),
        embeddings=embedded,
        maps=maps,
        layer=layer,
        method=method,
        stored=stored,
        largest_gap=float(max(gaps)) if gaps else None,
        ssim=(float(similar[0]), float(similar[1])),
        distance=distance,
        metric=config.embed.metric,
        seconds=time.monotonic() - began,
    )


def _others(
    run: RunFolder,
    dataset: Dataset,
    view: PerturbedModel,
    rows: FoldRows,
    anchor: int,
    other: str | None,
    crossing: bool,
) -> np.ndarray:
    """Rows of the patches at which it may end, all of the other class."""
    label = int(rows.labels[anchor])
    if label not in (0, 1):
        raise RunError(f"'{dataset.ids[anchor]}' has no label. Choose a labelled landslide.")
    if other is not None:
        among = dataset.index_of([other])
        if int(rows.labels[among[0]]) != 1 - label:
            raise ConfigError(f"'{other}' is of the same class as '{dataset.ids[anchor]}'. Choose another.")
        return among
    among = rows.train[rows.labels[rows.train] == 1 - label]
    if crossing:
        head = view.heads[-1]
        stored = _stored(run, view.model.fold, among, [head], view)
        if head in stored:
            pred = stored[head] >= view.rules[head].thresholds[view.model.fold]
            if not (pred != label).any():
                raise RunError(f"{head} predicts no training patch of the other class correctly. Choose the nearest.")
            among = among[pred != label]
    return among


def _between(ends: np.ndarray, valid: np.ndarray | None, position: np.ndarray, empty: float) -> np.ndarray:
    """(S, C, H, W) the stops between three patches (3, C, H, W); ``empty`` where one of a leg's two holds no data."""
    leg = (position > 1.0).astype(np.int64)  # (S,)
    weight = np.where(leg == 0, position, 2.0 - position).astype(np.float32)  # of the anchor
    anchor, far = LEGS[leg].T
    stops = interpolate(ends, anchor, far, weight)
    if valid is not None:
        np.copyto(stops, np.float32(empty), where=~(valid[anchor] & valid[far])[:, None])
    for where, patch in ((0.0, 0), (1.0, 1), (2.0, 2)):
        stops[position == where] = ends[patch]
    return stops


def _svm(headline: str, heads: Iterable[str]) -> str | None:
    """The SVM whose margin is drawn: the headline where it is one, or the run's first."""
    known = [name for name in heads if name.startswith("svm_")]
    return headline if headline in known else next(iter(known), None)


def _stored(
    run: RunFolder, fold: int, ends: np.ndarray, names: Sequence[str], view: PerturbedModel
) -> dict[str, np.ndarray]:
    """Head -> (3,) probabilities that this fold's heads gave the real patches when the run was made."""
    if not run.has_scores(fold):
        return {}
    scores = run.scores(fold)
    odds = {name: view.rules[name].log_odds(scores[name][ends], fold) for name in members_of(names) if name in scores}
    odds = add_blends(odds, names)
    return {name: expit(odds[name]) for name in names if name in odds}
