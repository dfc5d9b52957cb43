"""What all stages of one run share: the patches, the folds, the device, checked before anything is trained."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from core import provenance
from core.config import RunConfig
from core.data.band_statistics import FEATURES
from core.data.bands import Band, choose_bands
from core.data.check import check
from core.data.check.masks import require_masks
from core.data.fold_drawing import Drawn, draw_folds
from core.data.folds import Folds
from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.split_audit import leaks_of
from core.data.selection import Selection, select, without_blank
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.data.store.missing import blank_patches
from core.data.tabular.columns import learn_columns
from core.data.tabular.joined import columns_for, joined_facts
from core.data.tabular.leaks import column_reports, refuse_leaks
from core.data.tabular.second import second_classes, second_words
from core.device import choose_device
from core.errors import DataError, FoldError, LandslideLensError, TrainingError
from core.flow.origin import Origin, compared_with_weights, origin_of, without_known
from core.flow.shared import Shared
from core.flow.starting_weights import packaged_cards
from core.predict.values import trained_values
from core.progress import drain
from core.runs.store import RunFolder
from core.train.networks.arguments import fitting_arguments

FREE_DISK_BYTES = 200 * 2**20  # a run of a small network needs about a tenth of it
COPIES = 6  # of the patches at once, as measured: raw, normalised, the balanced training part and what it is made from


@dataclass(frozen=True)
class RunContext:
    """Everything that the folds share. images: (N, C, H, W) float32 raw; labels, fold_of: (N,); all real patches.

    ``selection`` holds the bands that are trained on and the labels that count; what it leaves out is as unlabelled.
    ``drawn`` holds the folds, and what they keep together. ``origin``: the weights of each fold, and what the run has
    learnt from. ``features``: kind of band statistics -> (N, S) float32. ``value_notes``: what is doubtful about the
    pixels' values. ``setting_notes``: settings that do not apply. ``shared``: what other runs of this process have
    made, or will use. ``columns``: facts about the patches, (N,) each, those of joined inventories too.
    """

    run: RunFolder
    config: RunConfig
    dataset: Dataset
    selection: Selection
    images: np.ndarray
    features: Mapping[str, np.ndarray]
    drawn: Drawn
    device: Any
    origin: Origin
    value_notes: tuple[str, ...] = ()
    setting_notes: tuple[str, ...] = ()
    shared: Shared = field(default_factory=Shared)
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def folds(self) -> Folds:
        """Which patches each fold learns from and judges."""
        return self.drawn.folds

    @property
    def groups(self) -> np.ndarray | None:
        """(N,) text, what the folds keep together and intervals resample; None where nothing is."""
        return self.drawn.groups

    @property
    def notes(self) -> tuple[str, ...]:
        """How the folds and the weights came, and what was asked for and left out."""
        return (*self.setting_notes, *self.drawn.notes, *self.origin.notes)

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands that are trained on, in their order."""
        return self.selection.bands

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands that are trained on, in their order."""
        return tuple(band.name for band in self.bands)

    @property
    def content(self) -> tuple:
        """The patches' content and the bands that are trained on, as a key of ``shared``."""
        return self.dataset.content_hash, self.band_names

    @property
    def labels(self) -> np.ndarray:
        """(N,) int8, -1 where unlabelled or left out."""
        return self.selection.labels

    @property
    def fold_of(self) -> np.ndarray:
        """(N,) the fold that each patch is validated in, -1 in none."""
        return self.folds.fold_of


def prepare(run: RunFolder, shared: Shared | None = None, record: bool = True) -> RunContext:
    """Open and check the dataset, draw the folds, choose the device, and write down what is about to be done.

    record: False where another process has checked it and written it down, and this one does a part of it.
    """
    config, shared = run.config(), shared or Shared()
    packaged = packaged_cards(config.model, run.checkpoints)
    dataset = open_dataset(run.dataset_path())
    selection = select(dataset, config.data, config.folds)
    names, labels = tuple(band.name for band in selection.bands), selection.labels
    file, content = (dataset.path, dataset.content_hash), (dataset.content_hash, names)
    leaks = shared.of("leaks", file, lambda: drain(leaks_of(dataset)))
    doubtful: list[str] = []
    if record:
        report = shared.of("check", (*file, labels.tobytes()), lambda: drain(check(dataset, leaks, labels)))
        if not report.ok:
            reasons = " ".join(f"{row.what}: {row.advice}" for row in report.rows if row.severity == "error")
            raise DataError(f"'{dataset.name}' cannot be trained on. {reasons}")
        doubtful = report.value_warnings()
    columns = columns_for(dataset, tabular_names(config))
    told = _check_columns(dataset, columns, config, labels) | _joined(run, dataset, config)
    if config.model.masks:
        require_masks(dataset, labels)
    free = shutil.disk_usage(run.path).free
    if free < FREE_DISK_BYTES:
        raise TrainingError(f"Only {free / 2**20:.0f} MiB are free on the disk of the checkpoints folder. Free some.")
    check_memory(dataset, len(names))
    images = shared.of("images", content, lambda: dataset.images(bands=names))
    blank = shared.of("blank", content, lambda: blank_patches(images))
    selection = without_blank(dataset, selection, blank)
    labels = selection.labels
    compared = compared_with_weights(run, config, dataset, selection, images)
    chosen, config = config, without_known(config, dataset, labels, compared)
    if config is not chosen:
        if record:
            run.write_text("config.json", config.to_json())
        selection = without_blank(dataset, select(dataset, config.data, config.folds), blank)
        labels = selection.labels
    model, told_settings = fitting_arguments(config.model)
    config = config.model_copy(update={"model": model})  # config.json keeps what was asked for
    # Patches that are equal in these bands are kept together as well; those without data are alike in nothing.
    hashes = np.where(blank, dataset.ids, shared.of("hashes", content, lambda: patch_hashes(images)))
    drawn = draw_folds(dataset, labels, config.folds, config.fold_seed, leaks.pairs, hashes, selection.together)
    _check_folds(dataset, labels, drawn.folds)
    if drawn.folds.n_splits != config.folds.n_splits:  # as many folds as regions
        folds = config.folds.model_copy(update={"n_splits": drawn.folds.n_splits})
        if record:
            run.write_text("config.json", run.config().model_copy(update={"folds": folds}).to_json())
        config = config.model_copy(update={"folds": folds})
    if config.model.second_column is not None:
        words = second_words(config.model, columns, labels)
        for fold in range(drawn.folds.n_splits):
            second_classes(config.model, words, drawn.folds.train(fold), f"fold {fold + 1}'s")
    origin = origin_of(run, config, dataset, selection, drawn.folds, compared)
    device = choose_device(config.device)
    if record:
        run.write_text("folds.json", drawn.folds.to_json(dataset.ids))
        run.write_leaks(leaks.pairs)
        facts = provenance.collect(dataset, config, device) | {"selection": selection.to_dict()} | told
        facts["values"] = trained_values(dataset, names)
        if packaged:
            facts["packaged_weights"] = packaged
        run.write_json("provenance.json", facts)
    kinds = ("statistics", "rich", *(("full",) if config.heads.full else ()))
    features = {kind: shared.of(kind, content, partial(FEATURES[kind], images, names)) for kind in kinds}
    return RunContext(
        run, config, dataset, selection, images, features, drawn, device, origin,
        value_notes=tuple(doubtful), setting_notes=tuple(told_settings), shared=shared,
        columns=columns,
    )  # fmt: skip


def tabular_names(config: RunConfig) -> tuple[str, ...]:
    """The columns that the network reads, and the one that its second head answers."""
    second = config.model.second_column
    return config.model.columns if second is None else (*config.model.columns, second)


def _joined(run: RunFolder, dataset: Dataset, config: RunConfig) -> dict:
    """Which joined columns are used, for the record.

    Raises TrainingError where a run that goes on began with others: its folds would not have learnt from the same.
    """
    facts = joined_facts(dataset, tabular_names(config))
    try:
        before = run.provenance().get("joined")
    except LandslideLensError:  # it begins
        before = facts
    if before != facts:
        raise TrainingError(
            f"The inventories joined to {dataset.name} have changed since this run began. Start a new run."
        )
    return {"joined": facts} if facts else {}


def _check_columns(dataset: Dataset, columns: Mapping[str, np.ndarray], config: RunConfig, labels: np.ndarray) -> dict:
    """What the tabular inputs tell about the label, for the record.

    Raises ConfigError for a column that is not there, or that leaks the label unless that is allowed.
    """
    names = config.model.columns
    learn_columns(columns, names, np.flatnonzero(labels >= 0))
    if config.model.second_column is not None:  # what leaks the label may be answered, it is only not read
        words = second_words(config.model, columns, labels)
        second_classes(config.model, words, np.flatnonzero(labels >= 0))
    reports = column_reports(columns, labels, names, groups=dataset.groups)
    if config.model.columns_leak == "refuse":
        refuse_leaks(reports)
    if not dataset.has_pictures:
        bands = [band.name for band in choose_bands(config.data.bands, dataset.bands)]
        values = dict(zip(bands, dataset.images(bands=bands)[:, :, 0, 0].T, strict=True))
        reports += (own := column_reports(values, labels, groups=dataset.groups))
        if config.model.columns_leak == "refuse":
            refuse_leaks(own, "data.bands")
    return {"columns": [asdict(report) for report in reports]} if reports else {}


def check_memory(dataset: Dataset, n_bands: int) -> None:
    """Raise TrainingError, before anything is read, when the patches cannot be held in memory."""
    import psutil

    _, height, width = dataset.shape
    needed = COPIES * len(dataset) * n_bands * height * width * np.dtype(np.float32).itemsize
    free = psutil.virtual_memory().available
    if needed > free:
        raise TrainingError(
            f"{len(dataset):,} patches of {n_bands} bands and {height}x{width} pixels need about "
            f"{needed / 2**30:.1f} GiB of memory while training; {free / 2**30:.1f} GiB are free. Choose fewer bands "
            "(data.bands), a dataset of fewer or smaller patches, or a machine with more memory."
        )


def _check_folds(dataset: Dataset, labels: np.ndarray, folds: Folds) -> None:
    """Raise FoldError, before anything is trained, when a fold would leave nothing of a class to learn from.

    With one patch of a class a network can still be trained; heads that need two are left out, with the reason.
    """
    for fold in range(folds.n_splits):
        counts = np.bincount(labels[folds.train(fold)], minlength=2)
        if counts.min() == 0:
            name = dataset.class_names[int(counts.argmin())]
            raise FoldError(
                f"The training part of fold {fold + 1} would hold no patch of '{name}' to learn from. Label more "
                "patches of that class in other groups, or choose fewer folds."
            )


def groups_of(context: RunContext, index: np.ndarray) -> np.ndarray | None:
    """(n,) the groups of the patches at ``index``, or none where nothing needs to stay together."""
    return None if context.groups is None else context.groups[index]
