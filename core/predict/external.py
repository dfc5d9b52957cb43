"""A finished run on another labelled dataset: its metrics beside training and validation, and how far the data differ.

As in Table IV of paper B, training, validation and test stand side by side; what lies between them is the shift.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core.data.band_statistics import FEATURES, band_statistics
from core.data.folds import training_ids
from core.data.origin.match import KINDS
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.data.tabular.joined import columns_for
from core.errors import DataError, LabelError, needed
from core.evaluate.comparison.shift import EmbeddingShift, band_shift, embedding_shift
from core.evaluate.judge import judge_answer
from core.evaluate.metrics import METRIC_NAMES, metrics
from core.evaluate.prevalence import with_intervals
from core.evaluate.share import FEWEST
from core.heads.blend import kind_of, members_of
from core.predict.known_patches import rows_to_count, rows_to_judge
from core.predict.novelty.collect import Collector
from core.predict.novelty.fit import fitted
from core.predict.patches import Answer, Ensemble, answer
from core.predict.prevalence import share_there
from core.predict.sources import BATCH, batches_of
from core.predict.values import doubts, unit_factors
from core.progress import Progress, Steps, part
from core.runs.prevalence import prevalence_of
from core.runs.store import RunFolder, now
from core.text import interval, interval_percent, number, percent

SAMPLE = 500  # patches of each set that the shift is measured on
SEED = 0
MOST_COUNTED = 5000  # unlabelled patches that the share of landslides is told from
IN_REPORT = (
    "run", "dataset", "dataset_name", "content_hash", "positive", "head", "made", "sets", "bands", "n_known",
    "n_labelled", "left_out", "share", "there",
)  # fmt: skip


@dataclass(frozen=True)
class External:
    """A run on another dataset.

    judged: every metric with intervals, ``confusion``, ``threshold``, n (what ``evaluate --json`` prints at its top).
    sets: train, validation, test -> metric -> value, and n; train is the mean of the folds' networks on their own
    training patches, None where it is not known. intervals: the same sets -> metric -> (lo, hi), not of train. bands:
    used and extra names. band_shift: see ``shift.band_shift``, a the training dataset, b this one; empty where it is
    not known. embedding: of the first fold's network, its validation patches against these; or None. novelty: of these
    patches, see ``novelty.collect.Found``, or None. n_labelled: of the dataset; ``judged`` has how many of them were
    judged. left_out: number by reason of those that were not, n_known: of those that the run knows from its training
    (see ``known_patches``). share: how frequent landslides are there, told without its labels, see :func:`share_of`.
    there: the judged decisions at the share of landslides that was stated for the run
    (``core.evaluate.prevalence.with_intervals``), or None. notes: sentences for people. patches: id, label, prob, pred,
    group where groups are known, prob_fold_1 and so on.
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
    novelty: dict[str, Any] | None
    n_known: int
    n_labelled: int
    left_out: dict[str, int]
    share: dict[str, Any]
    there: dict[str, Any] | None
    notes: tuple[str, ...]
    patches: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """The report: the judged metrics at the top, the rest beside them; without the patches."""
        value = {name: getattr(self, name) for name in IN_REPORT} | self.judged
        shift = {
            "bands": self.band_shift.to_dict("records"),
            "embedding": asdict(self.embedding) if self.embedding else None,
            "novelty": self.novelty,
        }
        return value | {"set_intervals": self.intervals, "shift": shift, "notes": list(self.notes)}


def sentences(report: dict[str, Any]) -> list[str]:
    """A report (:meth:`External.to_dict`) for people: the sets side by side, the shift, the notes."""
    known = {name: values for name, values in report["sets"].items() if values}
    sets = [
        f"{name} F1 {number(values['f1'])}, accuracy {number(values['accuracy'])}" for name, values in known.items()
    ]
    lines = ["; ".join(sets) + "."]
    shifted = [row["band"] for row in report["shift"]["bands"] if row["shifted"] is True]
    if shifted:
        lines.append(f"Bands whose mean differs by half a standard deviation or more: {', '.join(shifted)}.")
    if report["shift"]["embedding"]:
        lines.append(EmbeddingShift(**report["shift"]["embedding"]).sentence())
    if there := report.get("there"):
        ends = there["intervals"]
        lines.append(
            f"With {1000 * there['share']:.3g} landslides per 1,000 patches: precision {number(there['precision'])} "
            f"({interval(ends['precision'])}), {there['alarms_per_1000']:.0f} alarms per 1,000 patches "
            f"({interval(ends['alarms_per_1000'], 0)})."
        )
    if share := report.get("share"):
        lines += [share["sentence"], *share["notes"]]
    return lines + list(report["notes"])


def share_of(run: RunFolder, unlabelled: Answer | None, judged: Answer, labels: np.ndarray, groups: Any) -> dict:
    """``core.predict.prevalence.share_there`` of a dataset, and ``check``: the same from its labelled patches.

    unlabelled: the answer for its unlabelled patches, with groups (n,) or None as ``groups[0]``; without any, the
    labelled ones are counted, their labels unread. labels: (N,) of ``judged``, with ``groups[1]``. check: labelled (the
    share by the labels), estimate, lo, hi, and holds: whether the interval holds it, so that what the estimate assumes
    was not refuted.
    """
    blind = share_there(run, judged, groups[1])
    found = blind if unlabelled is None else share_there(run, unlabelled, groups[0])
    if blind["share"] is None:
        return found | {"of": "labelled" if unlabelled is None else "unlabelled", "check": None}
    truth = float(labels.mean())
    holds = blind["lo"] <= truth <= blind["hi"]
    check = {"labelled": truth, "holds": holds, "estimate": blind["share"], "lo": blind["lo"], "hi": blind["hi"]}
    words = f"{percent(blind['share'])} ({interval_percent((blind['lo'], blind['hi']), 1)})"
    note = (
        f"Checked on the labelled patches: {percent(truth)} of them are landslides, estimated without labels {words}."
    )
    if not holds:
        note += " They look different there from the run's own, so the estimate is off."
    notes = [*found["notes"], note]
    return found | {"of": "labelled" if unlabelled is None else "unlabelled", "check": check, "notes": notes}


def evaluate_on(
    run: RunFolder, dataset: Dataset, device: Any | None = None, group_names: bool = True
) -> Steps[External]:
    """Evaluate the run on the labelled patches of ``dataset`` that it does not know from its training.

    group_names: whether groups of one name in both datasets are the same.

    Raises LabelError without labelled patches, DataError where the run knows nearly all of them, FormatError naming
    missing bands or another size, RunError for a run that has not finished.
    """
    ensemble = Ensemble.load(run, device)
    chosen = yield from part(rows_to_judge(run, dataset, ensemble.band_names, group_names), 0.0, 0.3)
    labelled = chosen.rows
    batches = batches_of(dataset, labelled)
    fit, collector = (yield from part(fitted(run), 0.3, 0.35)), None
    if fit is not None:
        embeds = set(ensemble.columns) <= set(columns_for(dataset, ensemble.columns))
        collector = Collector(fit, ensemble.models[0].network.bands, embeds)
    steps = answer(run, batches, dataset.bands, ensemble, dataset, n=len(labelled), novelty=collector)
    answered = yield from part(steps, 0.35, 0.7)
    if not answered.has_answer.any():
        raise LabelError(f"{dataset.path.name} has no labelled patch that holds any data.")
    answered, labelled = answered.only(answered.has_answer), labelled[answered.has_answer]
    groups = None if dataset.groups is None else dataset.groups[labelled]
    labels = dataset.labels[labelled]
    judged = judge_answer(labels, answered.probs, answered.threshold, groups)
    rows = yield from part(rows_to_count(run, dataset, ensemble.band_names, group_names), 0.7, 0.72)
    rows, blind = np.sort(np.random.default_rng(SEED).permutation(rows)[:MOST_COUNTED]), None
    if len(rows) >= FEWEST:
        steps = answer(run, batches_of(dataset, rows), dataset.bands, ensemble, dataset, n=len(rows))
        blind = yield from part(steps, 0.72, 0.8)
    share = share_of(run, blind, answered, labels, (_groups_of(dataset, rows), groups))
    stated, pred = prevalence_of(run), (answered.probs >= answered.threshold).astype(np.int8)
    there = None if stated is None else with_intervals(labels, pred, stated.share, groups)
    summary = run.summary()
    extra = [name for name in dataset.band_names if name not in ensemble.band_names]
    notes = [*chosen.notes, *doubts(dataset), *answered.notes]
    unlike = None if collector is None else collector.found()
    if unlike is not None and unlike.is_told:
        notes.append(unlike.sentence())
    notes += _differences(summary["positive"], dataset.positive, extra)
    yield Progress(0.8, "Measuring how far the bands differ.")
    own = _own_dataset(run, notes)
    bands = embedding = None
    if own is not None:
        factors = unit_factors(run.name, ensemble.models[0].network.bands, dataset.bands, [])
        bands = _band_shift(own, dataset, ensemble.band_names, labelled, factors)
        embedding = _embedding_shift(run, own, dataset, ensemble, labelled, notes, factors)
    yield Progress(0.9, "Evaluating the folds on their own training patches.")
    return External(
        run=run.name,
        dataset=str(dataset.path.resolve()),
        dataset_name=dataset.name,
        content_hash=dataset.content_hash,
        positive=dataset.positive,
        head=answered.head,
        made=now(),
        judged=judged,
        sets={
            "train": _training(run, own, ensemble, notes) if own is not None else None,
            "validation": _recomputed(run, answered.head),
            "test": {name: judged[name] for name in ("n", *METRIC_NAMES)},
        },
        intervals={"validation": summary["heads"][answered.head].get("intervals", {}), "test": judged["intervals"]},
        bands={"used": list(ensemble.band_names), "extra": extra},
        band_shift=band_shift(np.empty((0, 0)), np.empty((0, 0)), ()) if bands is None else bands,
        embedding=embedding,
        novelty=None if unlike is None else unlike.to_dict(),
        n_known=sum(chosen.left_out.get(kind, 0) for kind in KINDS),
        n_labelled=chosen.n_labelled,
        left_out=chosen.left_out,
        share=share,
        there=there,
        notes=tuple(notes),
        patches=pd.DataFrame(
            {"id": answered.ids, "label": labels, "prob": answered.probs, "pred": answered.pred}
            | ({} if groups is None else {"group": groups})
            | {f"prob_fold_{fold + 1}": probs for fold, probs in enumerate(answered.by_fold)}
        ),
    )


def _differences(own_positive: str, positive: str, extra: list[str]) -> list[str]:
    """What to note of bands that were left out, and of another positive class."""
    notes = []
    if extra:
        notes.append(f"Bands that the run does not use were left out: {', '.join(extra)}.")
    if positive != own_positive:
        notes.append(
            f"The run's positive class is '{own_positive}', this dataset's is '{positive}'. Check that they mean the "
            "same."
        )
    return notes


def _own_dataset(run: RunFolder, notes: list[str]) -> Dataset | None:
    """The dataset that the run was trained on, or None, with the reason noted."""
    try:
        own = open_dataset(run.dataset_path())
    except (DataError, OSError) as error:
        notes.append(f"Training metrics and the shift are missing: the run's own dataset cannot be opened ({error}).")
        return None
    if own.content_hash != run.provenance()["dataset"]["content_hash"]:
        notes.append("Training metrics and the shift are missing: the run's own dataset has changed since training.")
        return None
    return own


def _recomputed(run: RunFolder, head: str) -> dict[str, float]:
    """Every metric out of fold, from the table: summaries of older runs hold fewer."""
    oof = run.oof()
    values = metrics(oof["label"].to_numpy(), oof[f"prob_{head}"].to_numpy(), pred=oof[f"pred_{head}"].to_numpy())
    return {name: values[name] for name in ("n", *METRIC_NAMES)}


def _training(run: RunFolder, own: Dataset, ensemble: Ensemble, notes: list[str]) -> dict[str, float]:
    """Each metric of the folds' models on their own training patches, at their own thresholds: the mean over folds."""
    oof, head, folds = run.oof(), ensemble.head, run.folds()
    rows, labels = own.index_of(oof["id"].tolist()), oof["label"].to_numpy()
    if "only_train" in folds:  # one split: what is learnt from is not judged
        rows = own.index_of(training_ids(folds, 0))
        kept = needed(run.head_rows(0), f"Run '{run.name}' keeps no rows of its heads. Train it again.")
        labels = kept["labels"][rows]
    ids = own.ids[rows]
    kinds = {kind_of(name) for name in members_of([head])}
    features = {kind: _by_batch(own, rows, ensemble, FEATURES[kind]) for kind in kinds - {"embeddings"}}
    by_fold = []
    for model in ensemble.models:
        train = np.isin(ids, training_ids(folds, model.fold))
        inputs = {kind: values[train] for kind, values in features.items()}
        if "embeddings" in kinds:
            inputs["embeddings"] = run.embeddings(model.fold)["embeddings"][rows[train]]
        probs = expit(model.log_odds_of(inputs, [head], ensemble.rules)[head])
        by_fold.append(metrics(labels[train], probs, ensemble.rules[head].thresholds[model.fold]))
    if run.config().smote.enabled:
        notes.append("Training metrics count real patches only, no synthetic ones.")
    return {name: float(np.mean([values[name] for values in by_fold])) for name in ("n", *METRIC_NAMES)}


def _by_batch(dataset: Dataset, rows: np.ndarray, ensemble: Ensemble, describe: Callable) -> np.ndarray:
    starts, names = range(0, len(rows), BATCH), ensemble.band_names
    return np.concatenate([describe(dataset.images(rows[i : i + BATCH], names), names) for i in starts])


def _sample(rows: np.ndarray) -> np.ndarray:
    return np.sort(np.random.default_rng(SEED).permutation(rows)[:SAMPLE])


def _groups_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray | None:
    """The groups that patches of one place or scene have; None where none are known."""
    return None if dataset.groups is None else dataset.groups[rows]


def _band_shift(
    own: Dataset, other: Dataset, names: tuple[str, ...], labelled: np.ndarray, factors: np.ndarray
) -> pd.DataFrame:
    """factors: (C,) to the run's units, of the other dataset."""
    means, groups = [], []
    for dataset, rows in ((own, np.flatnonzero(own.labels >= 0)), (other, labelled)):
        sampled = _sample(rows)
        images = dataset.images(sampled, names)
        per_band = band_statistics(images).reshape(len(images), len(names), -1)[:, :, 0].astype(np.float64)
        per_band[~np.isfinite(images).any(axis=(2, 3))] = np.nan  # a band that a patch lacks has no mean
        means.append(per_band if dataset is own else per_band * factors)
        groups.append(_groups_of(dataset, sampled))
    return band_shift(means[0], means[1], names, groups[0], groups[1])


def _embedding_shift(
    run: RunFolder,
    own: Dataset,
    other: Dataset,
    ensemble: Ensemble,
    labelled: np.ndarray,
    notes: list[str],
    factors: np.ndarray,
) -> EmbeddingShift | None:
    oof, model = run.oof(), ensemble.models[0]
    rows = own.index_of(oof.loc[oof["fold"] == model.fold, "id"].tolist())
    unseen, theirs = _sample(rows), _sample(labelled)
    images = other.images(theirs, ensemble.band_names) * factors[:, None, None]
    groups = _groups_of(own, unseen), _groups_of(other, theirs)
    try:
        return embedding_shift(
            run.embeddings(model.fold)["embeddings"][unseen], model.embeddings(images), *groups, seed=SEED
        )
    except DataError as error:
        notes.append(str(error))
        return None
