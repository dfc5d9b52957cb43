"""A finished run's answer for patches it has not seen: the mean of its folds' probabilities, and the decision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from core.data.bands import Band
from core.data.store.dataset import Dataset
from core.device import choose_device
from core.errors import FormatError
from core.evaluate.judge import Rule
from core.predict.fold_model import FoldModel
from core.predict.known_patches import Watch
from core.progress import Progress, Steps
from core.runs.store import RunFolder


@dataclass(frozen=True)
class Answer:
    """ids: (N,) text. probs: (N,) float64 in 0-1, the mean over folds. pred: (N,) int8 at the deployed threshold.

    by_fold: (folds, N) float64, the probability of each fold's model; in the place of one that does not answer for a
    patch, because it has learnt from it, the mean of the others.
    """

    ids: np.ndarray
    probs: np.ndarray
    pred: np.ndarray
    threshold: float
    head: str
    by_fold: np.ndarray


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

    def fold_probs(self, images: np.ndarray, columns: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """(folds, N) float64 for raw patches (N, C, H, W), bands in the order of ``band_names``.

        columns: tabular inputs, (N,) each, for a network that reads them; None: unknown.
        """
        odds = (model.log_odds(images, [self.head], self.rules, columns=columns) for model in self.models)
        return np.stack([expit(by_head[self.head]) for by_head in odds])

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
) -> Steps[Answer]:
    """Answer for batches of (ids (n,), raw images (n, C, H, W)) whose bands are ``bands``.

    ensemble: the run's, where it is loaded already. known: the dataset file they come from, whose columns are used
    where the run reads tabular inputs; without it they are unknown. n: how many patches will come, if that is known.
    watch: says which folds answer for patches that the run has learnt from; none: all folds answer for all.
    Raises FormatError naming the bands that are missing or in another unit, or the size that is expected.
    """
    yield Progress(0.0, "Loading the networks of the folds.")
    ensemble = ensemble or Ensemble.load(run)
    ids, probs, done = [], [], 0
    for batch_ids, images in fitting(run.name, batches, bands, ensemble):
        ids.append(batch_ids)
        columns = None
        if known is not None and ensemble.columns:
            rows = known.index_of(batch_ids.tolist())
            columns = {name: known.columns[name][rows] for name in ensemble.columns if name in known.columns}
        of_batch = ensemble.fold_probs(images, columns)
        probs.append(of_batch if watch is None else watch.answers(batch_ids, images, of_batch))
        done += len(batch_ids)
        of_all = f" of {n:,}" if n else ""
        yield Progress(done / n if n else 0.0, f"{done:,}{of_all} patches answered.")
    if not ids:
        raise FormatError("The source has no usable patches. Check the path and the format.")
    by_fold = np.concatenate(probs, axis=1)
    pooled = by_fold.mean(axis=0)
    pred = (pooled >= ensemble.threshold).astype(np.int8)
    return Answer(np.concatenate(ids), pooled, pred, ensemble.threshold, ensemble.head, by_fold)


def fitting(
    run: str, batches: Iterable[tuple[np.ndarray, np.ndarray]], bands: Sequence[Band], ensemble: Ensemble
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches with their bands as the run named ``run`` has them; raises as :func:`answer` does."""
    names = [band.name for band in bands]
    missing = [name for name in ensemble.band_names if name not in names]
    if missing:
        raise FormatError(
            f"Run '{run}' was trained on the bands {', '.join(ensemble.band_names)}; "
            f"these patches have no {', '.join(missing)} (theirs: {', '.join(names)}). "
            "Name the bands with --bands, in their order, if they are there under other names."
        )
    _check_units(run, ensemble.models[0].network.bands, bands)
    order = [names.index(name) for name in ensemble.band_names]
    for batch_ids, images in batches:
        if images.shape[2:] != ensemble.shape_hw:
            raise FormatError(
                f"Patch {batch_ids[0]} is {images.shape[2]}x{images.shape[3]} pixels; run '{run}' was trained on "
                f"{ensemble.shape_hw[0]}x{ensemble.shape_hw[1]}. Cut or resample the patches to that size."
            )
        yield np.asarray(batch_ids), images[:, order]


def _check_units(run: str, trained: Sequence[Band], given: Sequence[Band]) -> None:
    """Raise FormatError for bands in another unit than the run's; a band that states none is taken at its name."""
    units = {band.name: band.unit for band in given}
    wrong = [b for b in trained if b.unit and units[b.name] and units[b.name] != b.unit]
    if wrong:
        given_units = ", ".join(f"{band.name} in '{units[band.name]}' instead of '{band.unit}'" for band in wrong)
        raise FormatError(
            f"Run '{run}' was trained on other units; found {given_units}. Convert the patches to its units, or state "
            "their unit with --unit if it was recognised wrongly."
        )
