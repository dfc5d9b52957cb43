"""A finished run's answer for patches it has not seen: the mean of its folds' probabilities, and the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from core.data.bands import Band
from core.data.store.dataset import Dataset
from core.data.store.missing import blank_patches
from core.device import choose_device
from core.errors import FormatError
from core.evaluate.judge import Rule
from core.heads.blend import members_of
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
    it, the mean of the others. notes: sentences on what is doubtful about the patches' values.
    """

    ids: np.ndarray
    probs: np.ndarray
    pred: np.ndarray
    threshold: float
    head: str
    by_fold: np.ndarray
    notes: tuple[str, ...] = ()

    def only(self, rows: np.ndarray) -> Answer:
        """The answers at ``rows``."""
        by_fold = self.by_fold[:, rows]
        return replace(self, ids=self.ids[rows], probs=self.probs[rows], pred=self.pred[rows], by_fold=by_fold)

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
        wanted, found = members_of([self.head]), []
        for fold, model in enumerate(self.models):
            features = model.features(images, wanted, model.tta, columns)
            read(fold, features)
            found.append(expit(model.log_odds_of(features, [self.head], self.rules)[self.head]))
        return np.stack(found)

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
    novelty: Collector | None = None,
) -> Steps[Answer]:
    """Answer for batches of (ids (n,), raw images (n, C, H, W)) whose bands are ``bands``.

    ensemble: the run's, where it is loaded already. known: the dataset file they come from, whose columns are used
    where the run reads tabular inputs; without it they are unknown. n: how many patches will come, if that is known.
    watch: says which folds answer for patches that the run has learnt from; none: all folds answer for all. novelty:
    sees the patches that hold data.

    Raises FormatError naming the bands that are missing or in another unit, or the size that is expected.
    """
    yield Progress(0.0, "Loading the networks of the folds.")
    ensemble = ensemble or Ensemble.load(run)
    ids, probs, done, told = [], [], 0, []
    fitted = fitting(run.name, batches, bands, ensemble, told)
    for batch_ids, images in watched(run.name, fitted, values_of_run(run), told):
        ids.append(batch_ids)
        blank = blank_patches(images)
        columns = None
        if known is not None and ensemble.columns:
            rows = known.index_of(batch_ids.tolist())
            rows = rows[~blank]
            columns = {name: known.columns[name][rows] for name in ensemble.columns if name in known.columns}
        answers = np.full((len(ensemble.models), len(batch_ids)), np.nan)
        if not blank.all():
            if novelty is None:
                answers[:, ~blank] = ensemble.fold_probs(images[~blank], columns)
            else:
                novelty.look(images[~blank])
                answers[:, ~blank] = ensemble.fold_probs(images[~blank], columns, novelty.read)
        probs.append(answers if watch is None else watch.answers(batch_ids, images, answers))
        done += len(batch_ids)
        of_all = f" of {n:,}" if n else ""
        yield Progress(done / n if n else 0.0, f"{done:,}{of_all} patches answered.")
    if not ids:
        raise FormatError("The source has no usable patches. Check the path and the format.")
    by_fold = np.concatenate(probs, axis=1)
    pooled = by_fold.mean(axis=0)
    pred = np.where(np.isfinite(pooled), pooled >= ensemble.threshold, -1).astype(np.int8)
    if n_blank := int(np.isnan(pooled).sum()):
        told.append(f"{n_blank:,} of {len(pooled):,} patches hold no data and have no answer.")
    return Answer(np.concatenate(ids), pooled, pred, ensemble.threshold, ensemble.head, by_fold, tuple(told))


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
