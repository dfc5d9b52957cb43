"""The policy for patches that a run knows from its training, where it is evaluated or asked for predictions.

Evaluation: patches that any fold learnt from (identical, nearly so, of the same place or group), that the run left out
on purpose, that are on the dataset's exclusion list, or that are cloudier than the run allows, are never judged; where
hardly anything is left, the evaluation is refused.

Prediction: a patch that is identical with one of the run's own is answered for by the fold that did not learn from it,
as in cross-validation. Any other that the run knows is answered for by all folds. Both are marked and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.config import DataConfig
from core.data.exclusions import current_exclusions, exclusions_path
from core.data.origin.facts import facts_of, together, with_places, without_places
from core.data.origin.fingerprints import Fingerprints, fingerprints, plane_side
from core.data.origin.match import IDENTICAL, KINDS, PLACE
from core.data.origin.trained_on import Known, TrainedOn, held_out, known_to
from core.data.selection import select
from core.data.store.dataset import Dataset
from core.errors import ConfigError, DataError, LabelError
from core.predict.training_record import group_column, training_record
from core.progress import Steps, part
from core.runs.store import RunFolder
from core.text import counted

NEARLY_ALL = 0.9  # share of known patches from which an evaluation is refused


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """What an evaluation judges.

    rows: (n,) of the dataset that may be judged. n_labelled: of all. left_out: number by reason (a kind of
    ``match.KINDS``, "excluded", "cloudy"). notes: sentences.
    """

    rows: np.ndarray
    n_labelled: int
    left_out: dict[str, int]
    notes: tuple[str, ...]


def rows_to_judge(
    run: RunFolder, dataset: Dataset, bands: Sequence[str], group_names: bool = True
) -> Steps[JudgedRows]:
    """The labelled patches that are external to the run, and what of the others is left out why.

    group_names: whether groups of one name in both datasets are the same.

    Raises LabelError where nothing labelled is there or left, and DataError where nearly all patches are known.
    """
    labelled = np.flatnonzero(dataset.labels >= 0)
    if not len(labelled):
        raise LabelError(f"{dataset.path.name} has no labelled patches to evaluate on. Import it with its labels.")
    rows, left_out, notes = _selected(run, dataset, labelled)
    if not len(rows):
        raise LabelError(f"No labelled patch of {dataset.path.name} is left to evaluate on. {' '.join(notes)}")
    record = yield from part(training_record(run), 0.0, 0.2)
    there = [band for band in bands if band in dataset.band_names] or list(dataset.band_names)
    facts = yield from part(facts_of(dataset, rows, there, group_column(run.config(), dataset)), 0.2, 0.4)
    known = yield from part(known_to(record, facts, group_names), 0.4, 1.0)
    n_known = int(known.any.sum())
    if n_known >= NEARLY_ALL * len(rows):
        raise DataError(
            f"{n_known:,} of the {len(rows):,} labelled patches of {dataset.path.name} are known to run '{run.name}' "
            f"from its training ({known.words()}): this is no external data. Evaluate on patches from elsewhere; how "
            "the run does on its own patches is in its out-of-fold scores."
        )
    if n_known:
        notes.append(
            f"{n_known:,} of {len(rows):,} labelled patches were left out, because the run knows them from its "
            f"training: {known.words()}."
        )
        if PLACE in known.counts() and facts.ground.note:
            notes.append(facts.ground.note)
    if known.excluded.any():
        notes.append(
            f"{counted(known.excluded.sum(), 'patch was', 'patches were')} left out as in the training: the run "
            "excluded the same ones, or found them too cloudy."
        )
        left_out["excluded"] = left_out.get("excluded", 0) + int(known.excluded.sum())
    notes += [f"Some of these patches may have been trained on. {sentence}" for sentence in record.unknown]
    return JudgedRows(rows[~(known.any | known.excluded)], len(labelled), known.counts() | left_out, tuple(notes))


def rows_to_count(
    run: RunFolder, dataset: Dataset, bands: Sequence[str], group_names: bool = True
) -> Steps[np.ndarray]:
    """(n,) rows of the unlabelled patches that the run neither knows from its training nor leaves out."""
    rows, _, _ = _selected(run, dataset, np.flatnonzero(dataset.labels < 0))
    if not len(rows):
        return rows
    record = yield from part(training_record(run), 0.0, 0.2)
    there = [band for band in bands if band in dataset.band_names] or list(dataset.band_names)
    facts = yield from part(facts_of(dataset, rows, there, group_column(run.config(), dataset)), 0.2, 0.5)
    known = yield from part(known_to(record, facts, group_names), 0.5, 1.0)
    return rows[~(known.any | known.excluded)]


def _selected(run: RunFolder, dataset: Dataset, rows: np.ndarray) -> tuple[np.ndarray, dict[str, int], list[str]]:
    """The rows without those on the dataset's exclusion list and those cloudier than the run allows."""
    listed = np.zeros(len(dataset), bool)
    listed[dataset.index_of(current_exclusions(dataset)[0])] = True
    data, notes, cloudy = run.config().data, [], np.zeros(len(dataset), bool)
    if data.max_cloud is not None:
        try:
            limits = DataConfig(max_cloud=data.max_cloud, cloud_column=data.cloud_column)
            cloudy = select(dataset, limits).cloudy & ~listed
        except ConfigError:
            notes.append(
                f"The run leaves out patches with more cloud than {data.max_cloud:g}; {dataset.name} does not tell the "
                "cloud of its patches, so none was left out for it."
            )
    counts = {"excluded": int(listed[rows].sum()), "cloudy": int(cloudy[rows].sum())}
    if counts["excluded"]:
        notes.append(f"{counts['excluded']:,} patches of {exclusions_path(dataset.path).name} were left out.")
    if counts["cloudy"]:
        notes.append(
            f"{counted(counts['cloudy'], 'patch was', 'patches were')} left out with more cloud than the run allows "
            f"(data.max_cloud={data.max_cloud:g})."
        )
    kept = rows[~(listed | cloudy)[rows]]
    return kept, {reason: n for reason, n in counts.items() if n}, notes


def known_from_weights(run: RunFolder, dataset: Dataset, rows: np.ndarray, bands: Sequence[str]) -> Steps[Known]:
    """Which of these rows the run knows from the weights that it started from, whatever it learnt from itself."""
    record = yield from part(training_record(run), 0.0, 0.2)
    before = replace(record, parts=record.parts[1:])  # the first is what it learnt from itself
    facts = yield from part(facts_of(dataset, rows, bands, group_column(run.config(), dataset)), 0.2, 0.4)
    return (yield from part(known_to(before, facts), 0.4, 1.0))


class Watch:
    """Looks at the patches of a prediction as they come by, and says which folds answer for each and what is known."""

    def __init__(self, run: RunFolder, record: TrainedOn, bands: Sequence[str]) -> None:
        self._run, self._record, self._bands = run, record, tuple(bands)
        self._ids: list[np.ndarray] = []
        self._prints: list[Fingerprints] = []
        self._square = True

    def answering(self, ids: np.ndarray, images: np.ndarray) -> np.ndarray:
        """(K, n) bool: which folds answer for these patches (n, C, H, W), bands in the run's order."""
        height, width = images.shape[2:]
        prints = fingerprints(images, self._bands, plane_side(1, height, width))
        self._ids.append(ids)
        self._prints.append(prints)
        self._square = height == width
        return held_out(self._record, without_places(ids, prints, self._square))

    def known(self, dataset: Dataset | None) -> Steps[Known]:
        """What the run knows of all that came by; ``dataset``: the file that they came from, if it was one."""
        prints = together(self._prints, self._bands)
        ids = np.concatenate(self._ids) if self._ids else np.empty(0, str)
        if dataset is None:
            facts = without_places(ids, prints, self._square)
        else:
            facts = with_places(dataset, dataset.index_of(ids), prints, group_column(self._run.config(), dataset))
        return (yield from known_to(self._record, facts))

    def warnings(self, known: Known) -> list[str]:
        """Sentences for people; none where the run knows no patch and everything that it learnt from is known."""
        words = []
        if n_known := int(known.any.sum()):
            words.append(
                f"{n_known:,} of {len(known.ids):,} patches are known to run '{self._run.name}' from its training "
                f"({known.words()}), so these answers do not show how it does on new patches."
            )
            if held := int(((known.kind == IDENTICAL) & ~known.seen.all(axis=0)).sum()):
                words.append(
                    f"For {held:,} identical ones only the folds answered that had not learnt from them, as in "
                    "cross-validation."
                )
        return words + [f"Some patches may have been trained on. {sentence}" for sentence in self._record.unknown]


def by_kind(known: Known) -> dict[str, int]:
    """Number of patches by kind, every kind, for a command's JSON."""
    return {kind: int((known.kind == kind).sum()) for kind in KINDS}
