"""A finished run's answer for patches it has not seen: the mean of its folds' probabilities, and the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import expit

from core.data.bands import Band
from core.data.store.dataset import Dataset
from core.data.store.missing import blank_patches
from core.data.tabular.joined import columns_for
from core.device import choose_device
from core.errors import FormatError
from core.evaluate.judge import Rule
from core.predict.fold_model import FoldModel
from core.predict.known_patches import Watch
from core.predict.novelty.collect import Collector
from core.predict.values import unit_factors, values_of_run, watched
from core.progress import Progress, Steps
from core.runs.store import RunFolder


@dataclass(frozen=True)
class Answer:
    """ids: (N,) text. probs: (N,) float64 in 0-1, the mean over folds. pred: (N,) int8 at the deployed threshold.

    A patch without any data has no answer: its probability is nan, its decision -1. by_fold: (folds, N) float64, the
    probability of each fold's model; in the place of one that does not answer for a patch, because it has learnt from
    it, the mean of the others. by_head: head -> (N,), the mean over folds by every head that was asked. nearest: (N, k)
    text, ids of the nearest training patches, "" for a patch without data; None where they were not looked for. notes:
    sentences on what is doubtful about the patches' values.
    """

    ids: np.ndarray
    probs: np.ndarray
    pred: np.ndarray
    threshold: float
    head: str
    by_fold: np.ndarray
    notes: tuple[str, ...] = ()
    by_head: Mapping[str, np.ndarray] = field(default_factory=dict)
    nearest: np.ndarray | None = None

    def only(self, rows: np.ndarray) -> Answer:
        """The answers at ``rows``."""
        return replace(
            self,
            ids=self.ids[rows],
            probs=self.probs[rows],
            pred=self.pred[rows],
            by_fold=self.by_fold[:, rows],
            by_head={name: probs[rows] for name, probs in self.by_head.items()},
            nearest=None if self.nearest is None else self.nearest[rows],
        )

    @property
    def has_answer(self) -> np.ndarray:
        """(N,) bool: patches without any data have none."""
        return np.isfinite(self.probs)


@dataclass(frozen=True)
class Ensemble:
    """The models of all folds of one run, ready to answer with its headline head."""

    models: tuple[FoldModel, ...]
    rules: dict[str, Rule]
    head: str
    band_names: tuple[str, ...]
    shape_hw: tuple[int, int]

    @classmethod
    def load(cls, run: RunFolder, device: Any | None = None) -> Ensemble:
        """Raises RunError when the run has not finished."""
        run.require_finished()
        return cls.of_folds(run, range(run.config().folds.n_splits), device)

    @classmethod
    def of_folds(cls, run: RunFolder, folds: Iterable[int], device: Any | None = None) -> Ensemble:
        """Some folds of a run alone."""
        config = run.config()
        device = choose_device(config.device) if device is None else device
        models = tuple(FoldModel.load(run, fold, device) for fold in folds)
        rules = {name: Rule.from_dict(values) for name, values in run.rules().items()}
        shape = tuple(run.provenance()["dataset"]["shape"])
        return cls(models, rules, config.heads.headline(rules), models[0].normaliser.band_names, shape[1:])

    def probs(self, images: np.ndarray, columns: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """(N,) float64, the mean of :meth:`fold_probs`."""
        return self.fold_probs(images, columns).mean(axis=0)

    def fold_probs(
        self,
        images: np.ndarray,
        columns: Mapping[str, np.ndarray] | None = None,
        read: Callable[[int, Mapping[str, np.ndarray]], None] = lambda fold, features: None,
    ) -> np.ndarray:
        """(folds, N) float64 for raw patches (N, C, H, W), bands in the order of ``band_names``.

        columns: tabular inputs, (N,) each, for a network that reads them; None: unknown. read: is given what the heads
        of each fold read.
        """
        return self.look(images, [self.head], columns, read)[0]

    def look(
        self,
        images: np.ndarray,
        heads: Sequence[str],
        columns: Mapping[str, np.ndarray] | None = None,
        read: Callable[[int, Mapping[str, np.ndarray]], None] = lambda fold, features: None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(heads x folds, N) float64 probabilities, head by head, and the first fold's (N, D) embeddings.

        Every network sees the patches once. Embeddings are None where no head reads them. read: is given what the
        heads of each fold read.
        """
        found, embeddings = [], None
        for place, model in enumerate(self.models):
            features = model.features(images, heads, columns=columns)
            read(place, features)
            odds = model.log_odds_of(features, heads, self.rules)
            found.append([expit(odds[name]) for name in heads])
            if not place:
                embeddings = features.get("embeddings")
        return np.array(found).swapaxes(0, 1).reshape(len(heads) * len(self.models), -1), embeddings

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the tabular inputs that its networks read."""
        return tuple(column.name for column in self.models[0].network.columns)

    @property
    def threshold(self) -> float:
        """What a probability is compared with: learnt from all out-of-fold probabilities of the headline head."""
        return self.rules[self.head].deployed


def answer(
    run: RunFolder,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    bands: Sequence[Band],
    ensemble: Ensemble | None = None,
    known: Dataset | None = None,
    n: int | None = None,
    watch: Watch | None = None,
    heads: Sequence[str] = (),
    near: Callable[[np.ndarray], np.ndarray] | None = None,
    keep: Callable[[np.ndarray, np.ndarray, np.ndarray], None] | None = None,
    novelty: Collector | None = None,
) -> Steps[Answer]:
    """Answer for batches of (ids (n,), raw images (n, C, H, W)) whose bands are ``bands``.

    ensemble: the run's, where it is loaded already. known: the dataset file they come from, whose columns are used
    where the run reads tabular inputs; without it they are unknown. n: how many patches will come, if that is known.
    watch: says which folds answer for patches that the run has learnt from; none: all folds answer for all.
    heads: others of the run that answer beside the headline. near: from the first fold's embeddings
    (n, D) to the ids (n, k) of the nearest training patches. keep: gets ids, images with the run's bands and units, and
    the folds' probabilities (K, n) of each batch that comes by, without patches that hold no data. novelty:
    sees the patches that hold data.

    Raises FormatError naming the bands that are missing or in another unit, or the size that is expected.
    """
    yield Progress(0.0, "Loading the networks of the folds.")
    ensemble = ensemble or Ensemble.load(run)
    heads = list(dict.fromkeys((ensemble.head, *heads)))
    n_folds = len(ensemble.models)
    there = columns_for(known, ensemble.columns) if known is not None else {}
    ids, probs, nearest, done = [], [], [], 0
    told: list[str] = []
    fitted = fitting(run.name, batches, bands, ensemble, told)
    for batch_ids, images in watched(run.name, fitted, values_of_run(run), told):
        ids.append(batch_ids)
        blank = blank_patches(images)
        columns = None
        if known is not None and there and ensemble.columns:
            rows = known.index_of(batch_ids.tolist())
            rows = rows[~blank]
            columns = {name: there[name][rows] for name in ensemble.columns if name in there}
        answers, embeddings = np.full((len(heads) * n_folds, len(batch_ids)), np.nan), None
        if not blank.all():
            read = (lambda fold, features: None) if novelty is None else novelty.read
            if novelty is not None:
                novelty.look(images[~blank])
            answers[:, ~blank], embeddings = ensemble.look(images[~blank], heads, columns, read)
        if watch is not None:
            answers = _held_out(answers, watch.answering(batch_ids, images))
        if near is not None:
            nearest.append(_spread_out(None if embeddings is None else near(embeddings), blank))
        if keep is not None and not blank.all():
            keep(batch_ids[~blank], images[~blank], answers[:n_folds, ~blank])
        probs.append(answers)
        done += len(batch_ids)
        of_all = f" of {n:,}" if n else ""
        yield Progress(done / n if n else 0.0, f"{done:,}{of_all} patches answered.")
    if not ids:
        raise FormatError("The source has no usable patches. Check the path and the format.")
    every = np.concatenate(probs, axis=1).reshape(len(heads), n_folds, -1)
    by_fold, by_head = every[0], dict(zip(heads, every.mean(axis=1), strict=True))
    pooled = by_fold.mean(axis=0)
    pred = np.where(np.isfinite(pooled), pooled >= ensemble.threshold, -1).astype(np.int8)
    if n_blank := int(np.isnan(pooled).sum()):
        told.append(f"{n_blank:,} of {len(pooled):,} patches hold no data and have no answer.")
    width = max((rows.shape[1] for rows in nearest), default=0)
    near_ids = np.concatenate([_widened(rows, width) for rows in nearest]) if width else None
    return Answer(
        np.concatenate(ids), pooled, pred, ensemble.threshold, ensemble.head, by_fold, tuple(told), by_head, near_ids
    )


def _held_out(probs: np.ndarray, answering: np.ndarray) -> np.ndarray:
    """(heads x K, n) with the mean of the folds that answer, (K, n) bool, in the place of one that does not."""
    by_head = probs.reshape(-1, *answering.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(answering, by_head, 0.0).sum(axis=1, keepdims=True) / answering.sum(axis=0)
    return np.where(answering, by_head, mean).reshape(probs.shape)


def _spread_out(found: np.ndarray | None, blank: np.ndarray) -> np.ndarray:
    """(n, k) text with the rows of patches without data, (n,) bool, left empty."""
    rows = np.full((len(blank), 0 if found is None else found.shape[1]), "", dtype=object)
    if found is not None:
        rows[~blank] = found
    return rows


def _widened(rows: np.ndarray, width: int) -> np.ndarray:
    """A batch without any data has no neighbours: (n, 0) becomes (n, width) of empty text."""
    return rows if rows.shape[1] else np.full((len(rows), width), "", dtype=object)


def fitting(
    run: str,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    bands: Sequence[Band],
    ensemble: Ensemble,
    told: list[str],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches with their bands and units as the run named ``run`` has them; raises as :func:`answer` does.

    told: gets a sentence for what was converted.
    """
    names = [band.name for band in bands]
    missing = [name for name in ensemble.band_names if name not in names]
    if missing:
        raise FormatError(
            f"Run '{run}' was trained on the bands {', '.join(ensemble.band_names)}; "
            f"these patches have no {', '.join(missing)} (theirs: {', '.join(names)}). "
            "Name the bands with --bands, in their order, if they are there under other names."
        )
    factors = unit_factors(run, ensemble.models[0].network.bands, bands, told)[:, None, None]
    order = [names.index(name) for name in ensemble.band_names]
    for batch_ids, images in batches:
        if images.shape[2:] != ensemble.shape_hw:
            raise FormatError(
                f"Patch {batch_ids[0]} is {images.shape[2]}x{images.shape[3]} pixels; run '{run}' was trained on "
                f"{ensemble.shape_hw[0]}x{ensemble.shape_hw[1]}. {_size_advice(images.shape[2:], ensemble.shape_hw)}"
            )
        images = images[:, order]
        yield np.asarray(batch_ids), images if (factors == 1).all() else images * factors


def _size_advice(found: tuple[int, int], wanted: tuple[int, int]) -> str:
    """What makes patches of the wanted size, (H, W), of those that were found."""
    if min(found) > min(wanted):
        return (
            f"Cut larger images into tiles: python -m core ingest auto SOURCE --tile {wanted[0]} --out tiles.h5, and "
            "predict that dataset."
        )
    return f"Bring them to that size: python -m core ingest auto SOURCE --resize {wanted[0]} --out resized.h5."
