"""Zindi's "Classification for Landslide Detection": Train.csv, Test.csv and (64, 64, 12) arrays.

The source is the folder with ``Train.csv`` (ID,label) and ``train_data/{ID}.npy``, and optionally ``Test.csv`` (ID) and
``test_data/{ID}.npy``; some archives unpack to ``train_data/train_data``. Training patches are labelled, test patches
are not (split "train" and "test"). The full set has 7147 training patches, 1255 of them landslides, and 5398 test
patches; float64 (H, W, C), Sentinel-2 digital numbers and Sentinel-1 dB in the order of ``ZINDI_BANDS``.
"""

from __future__ import annotations

from pathlib import Path

from core.data.bands import ZINDI_BANDS
from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import FilePatch, patch_files
from core.data.readers.matching import FileIndex, match_rows
from core.data.readers.tables import (
    DEFAULT_CLASSES,
    NO_LABELS,
    UNNAMED,
    LabelRule,
    Table,
    label_rule,
    read_table,
    refuse_lost_class,
)
from core.errors import FormatError
from core.text import counted

IDS, LABELS = ("id", "image_id", "image", "filename", "file", UNNAMED), ("label", "target", "class")
LICENCE = "CC-BY-SA 4.0 (by the challenge's rules)"


def recognises(source: Path) -> bool:
    """Whether ``source`` has this format's table with its folder of arrays."""
    return any((source / f"{n}.csv").is_file() and (source / f"{n.lower()}_data").is_dir() for n in ("Train", "Test"))


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """Training patches with their labels, then test patches without. Raises DataError for another layout."""
    items, classes, conflicting = _train(source, options, aside)
    if _has(source, "Test"):
        items += _unlabelled(source, "Test", options, aside)
    elif (source / "Test.csv").is_file():
        aside.warn("Test.csv is there but test_data is not: the test patches were left out.")
    return _collection(source, items, classes, conflicting)


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """Patches to predict: the test ones where they are there, otherwise the training ones without their labels."""
    name = "Test" if _has(source, "Test") else "Train"
    _must_have(source, name)
    return _collection(source, _unlabelled(source, name, options, aside))


def _collection(
    source: Path, items: list[Item], classes: tuple[str, str] = DEFAULT_CLASSES, conflicting: tuple[str, ...] = ()
) -> Collection:
    name = f"zindi: {source.resolve().name}"
    return Collection(name, items, classes, LICENCE, conflicting_ids=conflicting, bands=ZINDI_BANDS)


def _has(source: Path, name: str) -> bool:
    return (source / f"{name}.csv").is_file() and (source / f"{name.lower()}_data").is_dir()


def _must_have(source: Path, name: str) -> None:
    if not _has(source, name):
        raise FormatError(
            f"{source} is not laid out as Zindi's data: Train.csv (ID,label) beside train_data/ID.npy is expected. "
            "For other folders of patches use the format 'folders'."
        )


def _train(source: Path, options: ReaderOptions, aside: Aside) -> tuple[list[Item], tuple[str, str], tuple[str, ...]]:
    _must_have(source, "Train")
    table = read_table(source / "Train.csv", aside)
    label = table.column(options.label_column, LABELS, "labels", "--label-column")
    rule = label_rule(table.cells(label), options.positive, aside, label)
    items, conflicting = _items(source, "Train", table, rule, label, options, aside)
    refuse_lost_class(map(rule.label, table.cells(label)), (item.label for item in items), rule.classes, aside)
    return items, rule.classes, conflicting


def _unlabelled(source: Path, name: str, options: ReaderOptions, aside: Aside) -> list[Item]:
    table = read_table(source / f"{name}.csv", aside)
    return _items(source, name, table, NO_LABELS, None, options, aside)[0]


def _items(
    source: Path,
    name: str,
    table: Table,
    rule: LabelRule,
    label: str | None,
    options: ReaderOptions,
    aside: Aside,
) -> tuple[list[Item], tuple[str, ...]]:
    id_column = table.column(options.id_column, IDS, "patch ids", "--id-column")
    folder = source / f"{name.lower()}_data"
    files = [path for path in patch_files(folder, aside) if path.suffix.lower() == ".npy"]
    index = FileIndex(folder, files)

    def label_of(row: dict[str, str]) -> int:
        return rule.label(row[label]) if label else -1

    matched = match_rows(table, id_column, index, label_of, aside)
    extra = [str(path.relative_to(source)) for path in files if path not in matched.mentioned]
    if extra:
        aside.warn(f"{counted(len(extra), 'file')} left out, not in {name}.csv: {some(extra)}.")
    return [
        Item(row[id_column], FilePatch(path, str(path.relative_to(source))), label_of(row), split=name.lower())
        for path, row in matched.row_of.items()
    ], matched.conflicting
