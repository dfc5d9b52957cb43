"""A finished run on another labelled dataset: metrics beside training and validation, and how far the data lie apart.

Comes in: a run folder and an open dataset with labels. Goes out: an :class:`External`, written into the run folder. As
in Table IV of paper B, training, validation and test stand side by side; what lies between them is the shift.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core.data.band_statistics import band_statistics, rich_statistics
from core.data.leakage.duplicates import patch_hashes
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.errors import DataError, LabelError
from core.evaluate.comparison.shift import EmbeddingShift, band_shift, embedding_shift
from core.evaluate.judge import judge_answer
from core.evaluate.metrics import METRIC_NAMES, metrics
from core.predict.fold_model import kind_of, members_of
from core.predict.patches import Ensemble, answer
from core.predict.sources import BATCH, batches_of
from core.progress import Progress, Steps
from core.runs.store import RunFolder, now

SAMPLE = 500  # patches of each set that the shift is measured on
SEED = 0


@dataclass(frozen=True)
class External:
    """A run on another dataset.

    judged: every metric with intervals, ``confusion``, ``threshold``, n (what ``evaluate --json`` prints at its top).
    sets: train, validation, test -> metric -> value, and n; train is the mean of the folds' networks on their own
    training patches, none where it cannot be had. intervals: the same sets -> metric -> (lo, hi), not of train. bands:
    used and extra names. band_shift: see ``shift.band_shift``, a the training dataset, b this one; empty where it
    cannot be had. embedding: of the first fold's network, its validation patches against these; or none. n_known: how
    many of these patches are bit for bit in the training dataset. notes: sentences for people.
    """

    run: str
    dataset: str
    dataset_name: str
    content_hash: str
    positive: str
    head: str
    made: str
    judged: dict[str, Any]
    sets: dict[str, dict[str, float] | None]
    intervals: dict[str, dict[str, tuple[float, float]]]
    bands: dict[str, list[str]]
    band_shift: pd.DataFrame
    embedding: EmbeddingShift | None
    n_known: int | None
    notes: tuple[str, ...]

    def sentences(self) -> list[str]:
        """For people: the sets side by side, the shift, the notes."""
        known = {name: values for name, values in self.sets.items() if values}
        shown = [f"{name} F1 {values['f1']:.3f}, accuracy {values['accuracy']:.3f}" for name, values in known.items()]
        lines = ["; ".join(shown) + "."]
        rows = self.band_shift.to_dict("records")
        shifted = [row["band"] for row in rows if row["shifted"] is True]
        if len(shifted):
            lines.append(f"Bands whose mean lies half a standard deviation or more away: {', '.join(shifted)}.")
        if self.embedding:
            lines.append(self.embedding.sentence())
        return lines + list(self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the judged metrics at the top, the rest beside them."""
        rest = (
            "run",
            "dataset",
            "dataset_name",
            "content_hash",
            "positive",
            "head",
            "made",
            "sets",
            "bands",
            "n_known",
        )
        value = {name: getattr(self, name) for name in rest} | self.judged
        shift = {
            "bands": self.band_shift.to_dict("records"),
            "embedding": asdict(self.embedding) if self.embedding else None,
        }
        return value | {"set_intervals": self.intervals, "shift": shift, "notes": list(self.notes)}


def evaluate_on(run: RunFolder, dataset: Dataset, device: Any | None = None) -> Steps[External]:
    """Judge the run on every labelled patch of ``dataset`` and keep what was found in the run folder; tells how far.

    Raises LabelError without labelled patches, FormatError naming missing bands or another size, RunError for a run
    that has not finished.
    """
    labelled = np.flatnonzero(dataset.labels >= 0)
    if not len(labelled):
        raise LabelError(f"{dataset.path.name} has no labelled patch to evaluate on. Add labels, or use predict.")
    ensemble, notes = Ensemble.load(run, device), []
    batches = batches_of(dataset, labelled)
    found = yield from answer(run, batches, dataset.bands, ensemble, dataset, n=len(labelled), until=0.8)
    groups = None if dataset.groups is None else dataset.groups[labelled]
    labels = dataset.labels[labelled]
    judged = judge_answer(labels, found.probs, found.threshold, groups)
    summary = run.summary()
    extra = [name for name in dataset.band_names if name not in ensemble.band_names]
    if extra:
        notes.append(f"Bands that the run does not know were left out: {', '.join(extra)}.")
    if dataset.positive != summary["positive"]:
        notes.append(
            f"The run's positive class is '{summary['positive']}', this dataset's is '{dataset.positive}': check that "
            "they mean the same."
        )
    yield Progress(0.8, "Looking for the same patches in the run's own dataset, and at how far bands moved.")
    own = _own_dataset(run, notes)
    n_known = bands = embedding = None
    if own is not None:
        n_known = _known(own, dataset, ensemble.band_names, labelled)
        if n_known:
            notes.append(
                f"{n_known} of {len(labelled)} patches are in the dataset that the run was trained on: these numbers "
                "flatter it."
            )
        bands = _band_shift(own, dataset, ensemble.band_names, labelled)
        embedding = _embedding_shift(run, own, dataset, ensemble, labelled, notes)
    yield Progress(0.9, "Judging the folds on their own training patches, to say what is lost.")
    external = External(
        run=run.name,
        dataset=str(dataset.path.resolve()),
        dataset_name=dataset.name,
        content_hash=dataset.content_hash,
        positive=dataset.positive,
        head=found.head,
        made=now(),
        judged=judged,
        sets={
            "train": _training(run, own, ensemble, notes) if own is not None else None,
            "validation": _recomputed(run, found.head),
            "test": {name: judged[name] for name in ("n", *METRIC_NAMES)},
        },
        intervals={"validation": summary["heads"][found.head].get("intervals", {}), "test": judged["intervals"]},
        bands={"used": list(ensemble.band_names), "extra": extra},
        band_shift=band_shift(np.empty((0, 0)), np.empty((0, 0)), ()) if bands is None else bands,
        embedding=embedding,
        n_known=n_known,
        notes=tuple(notes),
    )
    table = pd.DataFrame({"id": found.ids, "label": labels, "prob": found.probs, "pred": found.pred})
    run.write_evaluation(dataset.name, external.to_dict(), table)
    return external


def _own_dataset(run: RunFolder, notes: list[str]) -> Dataset | None:
    """The dataset that the run was trained on, or none, with the reason noted."""
    try:
        own = open_dataset(run.dataset_path())
    except (DataError, OSError) as error:
        notes.append(f"Training metrics and the shift are missing: the run's own dataset cannot be opened ({error}).")
        return None
    if own.content_hash != run.provenance()["dataset"]["content_hash"]:
        notes.append("Training metrics and the shift are missing: the run's own dataset has changed since.")
        return None
    return own


def _recomputed(run: RunFolder, head: str) -> dict[str, float]:
    """Every metric out of fold, from the table: older runs' summaries hold fewer."""
    oof = run.oof()
    found = metrics(oof["label"].to_numpy(), oof[f"prob_{head}"].to_numpy(), pred=oof[f"pred_{head}"].to_numpy())
    return {name: found[name] for name in ("n", *METRIC_NAMES)}


def _training(run: RunFolder, own: Dataset, ensemble: Ensemble, notes: list[str]) -> dict[str, float]:
    """Each metric of the folds' models on their own training patches, at their own thresholds: the mean over folds."""
    oof, head = run.oof(), ensemble.head
    rows, fold_of, labels = own.index_of(oof["id"].tolist()), oof["fold"].to_numpy(), oof["label"].to_numpy()
    kinds = {kind_of(name) for name in members_of([head])}
    features: dict[str, np.ndarray] = {}
    if "statistics" in kinds:
        features["statistics"] = _by_batch(own, rows, ensemble, lambda x: band_statistics(x, own.nodata))
    if "rich" in kinds:
        features["rich"] = _by_batch(own, rows, ensemble, lambda x: rich_statistics(x, ensemble.band_names, own.nodata))
    found = []
    for model in ensemble.models:
        train = fold_of != model.fold
        mine = {kind: values[train] for kind, values in features.items()}
        if "embeddings" in kinds:
            mine["embeddings"] = run.embeddings(model.fold)["embeddings"][rows[train]]
        probs = expit(model.log_odds_of(mine, [head], ensemble.rules)[head])
        found.append(metrics(labels[train], probs, ensemble.rules[head].thresholds[model.fold]))
    if run.config().smote.enabled:
        notes.append("Training metrics are of real patches; the synthetic ones are left out.")
    return {name: float(np.mean([one[name] for one in found])) for name in ("n", *METRIC_NAMES)}


def _by_batch(dataset: Dataset, rows: np.ndarray, ensemble: Ensemble, describe: Any) -> np.ndarray:
    starts = range(0, len(rows), BATCH)
    return np.concatenate([describe(dataset.images(rows[i : i + BATCH], ensemble.band_names)) for i in starts])


def _sample(rows: np.ndarray) -> np.ndarray:
    return np.sort(np.random.default_rng(SEED).permutation(rows)[:SAMPLE])


def _band_shift(own: Dataset, other: Dataset, names: tuple[str, ...], labelled: np.ndarray) -> pd.DataFrame:
    means = []
    for dataset, rows in ((own, np.flatnonzero(own.labels >= 0)), (other, labelled)):
        images = dataset.images(_sample(rows), names)
        per_band = band_statistics(images, dataset.nodata).reshape(len(images), len(names), -1)[:, :, 0]
        means.append(per_band.astype(np.float64))
    return band_shift(means[0], means[1], names)


def _embedding_shift(
    run: RunFolder, own: Dataset, other: Dataset, ensemble: Ensemble, labelled: np.ndarray, notes: list[str]
) -> EmbeddingShift | None:
    oof, model = run.oof(), ensemble.models[0]
    rows = own.index_of(oof.loc[oof["fold"] == model.fold, "id"].tolist())
    unseen = run.embeddings(model.fold)["embeddings"][_sample(rows)]
    images = other.images(_sample(labelled), ensemble.band_names)
    try:
        return embedding_shift(unseen, model.embeddings(images), seed=SEED)
    except DataError as error:
        notes.append(str(error))
        return None


def _known(own: Dataset, other: Dataset, names: tuple[str, ...], labelled: np.ndarray) -> int:
    """How many labelled patches of the other dataset are bit for bit in the run's own."""
    seen = set(_hashes(own, np.arange(len(own)), names))
    return sum(name in seen for name in _hashes(other, labelled, names))


def _hashes(dataset: Dataset, rows: np.ndarray, names: tuple[str, ...]) -> Iterator[str]:
    for i in range(0, len(rows), BATCH):
        yield from patch_hashes(dataset.images(rows[i : i + BATCH], names)).tolist()
