"""Folders of patches: one folder a class, or any folder with a table of labels.

The source is a folder of pictures or ``.npy`` (H, W, C), optionally with a CSV of labels, groups and further facts and
with a folder of masks; masks under the images' names in a folder beside theirs are found. Folders called train,
validation and test are the split, above or below the classes. With class folders the folder is the label and the CSV
adds to it; a label there that disagrees is an error. With neither, masks give the labels by the area that they cover.
The positive class is never inferred from alphabetical order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import KINDS, MASK_FOLDERS, FileMask, FilePatch, patch_files
from core.data.readers.layouts import class_folders as layout
from core.data.readers.matching import FileIndex, Matched, match_rows
from core.data.readers.pairs import Pairs, pair, split_of
from core.data.readers.tables import (
    DEFAULT_CLASSES,
    LANDSLIDE,
    NO_VALUE,
    Table,
    as_number,
    label_rule,
    positive_name,
    read_table,
)
from core.errors import FormatError, LabelError

ID_COLUMNS = ("id", "file", "filename", "file_name", "path", "image", "image_id", "name")


def recognises(source: Path) -> bool:
    """Whether ``source`` is one file that may be a patch, or a folder with at least one."""
    if source.is_file():
        return source.suffix.lower() in KINDS
    return source.is_dir() and bool(patch_files(source, Aside()))


def collect(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """The patches with what is known of them. Raises DataError when labels contradict the folders."""
    masks = _place(source, options.masks)
    if masks is not None and not masks.is_dir():
        raise FormatError(f"There is no folder of masks {options.masks}, here or in {source}.")
    files = patch_files(source, aside, without=masks, masks_too=masks is None)
    beside = Pairs((), {}, {}) if masks is not None else masks_beside(source, files, aside)
    files = layout.only_images(source, [path for path in files if path not in beside.masks], aside)
    if not files:
        raise FormatError(f"{source} holds no patches. Accepted: .npy (H, W, C), PNG, JPEG, BMP, GIF, TIFF.")
    table = None if options.labels is None else read_table(_place(source, options.labels), aside)
    found = _with_labels(source, files, table, options, aside, bool(beside.mask_of))
    mask_of = _mask_of(masks, found, options, aside) if masks is not None else _masks_of(source, beside, options)
    items = _items(source, found, mask_of, table, options)
    return Collection(
        _title(source),
        items,
        found.classes,
        has_masks=bool(mask_of),
        conflicting_ids=found.conflicting,
        labels_from_masks=bool(mask_of) and set(found.label_of.values()) == {-1},
    )


def collect_unlabelled(source: Path, options: ReaderOptions, aside: Aside) -> Collection:
    """Patches to predict: the file itself, or every file of the folder that may be one, whatever its class folder."""
    if source.is_file():
        return Collection(_title(source), [Item(source.stem, FilePatch(source, source.name))], DEFAULT_CLASSES)
    files = patch_files(source, aside, masks_too=True)
    beside = masks_beside(source, files, aside)
    files = layout.only_images(source, [path for path in files if path not in beside.masks], aside)
    items = [Item(i, FilePatch(path, str(path.relative_to(source)))) for path, i in ids(source, files).items()]
    return Collection(_title(source), items, DEFAULT_CLASSES)


def _title(source: Path) -> str:
    return f"folders: {source.resolve().name}"


@dataclass(frozen=True)
class _Found:
    files: tuple[Path, ...]
    label_of: dict[Path, int]
    row_of: dict[Path, dict[str, str]]
    classes: tuple[str, str]
    conflicting: tuple[str, ...] = ()


def _place(source: Path, path: Path | None) -> Path | None:
    if path is None or Path(path).exists() or Path(path).is_absolute():
        return path and Path(path)
    return source / path


def _with_labels(
    source: Path, files: list[Path], table: Table | None, options: ReaderOptions, aside: Aside, has_masks: bool = False
) -> _Found:
    label_column = table.column(None, ("label",), "labels") if table and table.has("label") else None
    if _are_classes(source, files, table, label_column, options):
        return _from_folders(source, files, table, label_column, options, aside)
    if table is not None:
        return _from_table(source, files, table, label_column, options, aside)
    if options.masks is None and not has_masks:
        aside.warn("The patches have no labels: there are no class folders, and no table was named with --labels.")
    return _Found(tuple(files), dict.fromkeys(files, -1), {}, DEFAULT_CLASSES)


def are_classes(source: Path, files: list[Path], options: ReaderOptions) -> bool:
    """Whether one of the folders that hold the files is called as the positive class is."""
    names = {name.lower() for name in layout.classes(source, files, options.positive).values() if name}
    return bool(names & {*LANDSLIDE, (options.positive or LANDSLIDE[0]).lower()})


def _are_classes(
    source: Path, files: list[Path], table: Table | None, label_column: str | None, options: ReaderOptions
) -> bool:
    """Whether the folders that hold the files are classes.

    Where a table has labels, two or more folders are, if their names say so: the positive class, 'landslide', or the
    table's own labels. Without such a table two or more folders must be, and a single one may be.
    """
    names = {name.lower() for name in layout.classes(source, files, options.positive).values() if name}
    says_so = bool(names & {*LANDSLIDE, (options.positive or LANDSLIDE[0]).lower()})
    if table is None or label_column is None:
        return says_so or len(names) > 1
    return len(names) > 1 and (says_so or names <= {row[label_column].lower() for row in table.rows})


def _from_folders(
    source: Path,
    files: list[Path],
    table: Table | None,
    label_column: str | None,
    options: ReaderOptions,
    aside: Aside,
) -> _Found:
    class_of = layout.classes(source, files, options.positive)
    for path in files:
        if not class_of[path]:
            file = path.relative_to(source).as_posix()
            aside.reject(file, "It lies beside the class folders, so its class is unknown.")
    files = [path for path in files if class_of[path]]
    names = sorted({class_of[path] for path in files})
    positive = positive_name(names, options.positive, "class folders")
    others = [name for name in names if name != positive]
    if len(others) > 1:
        aside.warn(f"The folders {some(others, 20)} are all taken as not '{positive}'.")
    negative = others[0] if len(others) == 1 else f"not {positive}" if others else DEFAULT_CLASSES[0]
    label_of = {path: int(class_of[path] == positive) for path in files}
    matched = Matched({})
    if table is not None:
        meaning = (lambda row: _meaning(row[label_column])) if label_column else (lambda row: None)
        matched = _matched(source, files, table, options, meaning, aside)
        if label_column is not None:
            _check_agreement(matched, label_column, label_of, class_of, positive, table)
        missing = [path.name for path in files if path not in matched.row_of]
        if missing:
            aside.warn(f"{len(missing)} files have no row in {table.path.name}: {some(missing)}.")
    return _Found(tuple(files), label_of, matched.row_of, (negative, positive))


def _meaning(text: str) -> float | str:
    number = as_number(text)
    return text.lower() if number is None else number


def _check_agreement(
    matched: Matched,
    label_column: str,
    label_of: dict[Path, int],
    class_of: dict[Path, str],
    positive: str,
    table: Table,
) -> None:
    wrong = [f"{name} (listed with different labels)" for name in matched.conflicting]
    for path, row in matched.row_of.items():
        text = row[label_column]
        agrees = _meaning(text) in (label_of[path], class_of[path].lower())
        if not agrees and text.lower() not in NO_VALUE:
            wrong.append(f"{class_of[path]}/{path.name} ('{text[:40]}')")
    if wrong:
        raise LabelError(
            f"{len(wrong)} labels in {table.path.name} disagree with the class folders (1 or the folder's name stands "
            f"for '{positive}'): {some(wrong)}. Correct the table or move the files; nothing was written."
        )


def _matched(
    source: Path,
    files: list[Path],
    table: Table,
    options: ReaderOptions,
    label_of: Callable[[dict[str, str]], Hashable],
    aside: Aside,
) -> Matched:
    """The table's rows by file; names are looked for below the source and beside the table."""
    find = FileIndex(source, files).find
    id_column = table.column(options.id_column, ID_COLUMNS, "patch ids")
    return match_rows(table, id_column, lambda name: find(name, table.path.parent), label_of, aside)


def _from_table(
    source: Path,
    files: list[Path],
    table: Table,
    label_column: str | None,
    options: ReaderOptions,
    aside: Aside,
) -> _Found:
    if label_column is None:
        raise FormatError(f"{table.path.name} has no column 'label', and the folders are no classes. Add the column.")
    rule = label_rule([row[label_column] for row in table.rows], options.positive, aside)
    matched = _matched(source, files, table, options, lambda row: rule.label(row[label_column]), aside)
    _tell_unlisted(source, files, matched, table, aside)
    listed = tuple(path for path in files if path in matched.row_of)
    label_of = {path: rule.label(matched.row_of[path][label_column]) for path in listed}
    return _Found(listed, label_of, matched.row_of, rule.classes, matched.conflicting)


def _tell_unlisted(source: Path, files: list[Path], matched: Matched, table: Table, aside: Aside) -> None:
    """Files beside listed ones are named one by one; whole folders that the table never mentions only counted."""
    used = {path.parent for path in matched.row_of}
    elsewhere: Counter[str] = Counter()
    for path in files:
        if path in matched.mentioned:
            continue
        if path.parent in used:
            aside.leave_out(str(path.relative_to(source)), f"It is not listed in {table.path.name}.")
        else:
            elsewhere[str(path.parent.relative_to(source))] += 1
    if elsewhere:
        folders = [f"{name} ({n})" for name, n in sorted(elsewhere.items())]
        aside.warn(f"Folders that {table.path.name} does not mention were not read: {some(folders)}.")


def _mask_of(masks: Path | None, found: _Found, options: ReaderOptions, aside: Aside) -> dict[Path, FileMask]:
    if masks is None:
        return {}
    find = FileIndex(masks, patch_files(masks, aside)).find
    candidates = {path: find(path.stem) for path in found.files}
    mask_of = {
        path: FileMask(named[0], named[0].name, options.mask_value)
        for path, named in candidates.items()
        if len(named) == 1
    }
    if not mask_of:
        raise FormatError(f"No mask in {masks} has the name of a patch. Masks are matched by file name without ending.")
    without = [path.name for path in found.files if found.label_of[path] == 1 and path not in mask_of]
    if without:
        aside.warn(f"{len(without)} positive patches have no mask and get an empty one: {some(without)}.")
    return mask_of


def masks_beside(source: Path, files: list[Path], aside: Aside) -> Pairs:
    """Masks in a folder beside one of images, under their names (``landslide/image/a.png``, ``landslide/mask/a.png``).

    Where there are none, folders called masks are left out with a word, and other files are patches.
    """
    found = pair(source, files, Aside())
    if found.mask_of and all(layout.in_images(source, path) for path in found.mask_of):
        pair(source, files, aside)  # once more, to tell of masks without an image
        return found
    hidden = {path for path in files if any(part.lower() in MASK_FOLDERS for part in path.relative_to(source).parts)}
    for folder in sorted({layout.mask_folder(source, path, MASK_FOLDERS) for path in hidden}):
        aside.warn(f"The folder {folder} was not read: name it with --masks if it holds masks.")
    return Pairs(tuple(path for path in files if path not in hidden), {}, found.split_of, frozenset(hidden))


def _masks_of(source: Path, beside: Pairs, options: ReaderOptions) -> dict[Path, FileMask]:
    return {
        image: FileMask(mask, mask.relative_to(source).as_posix(), options.mask_value)
        for image, mask in beside.mask_of.items()
    }


def _items(
    source: Path, found: _Found, mask_of: dict[Path, FileMask], table: Table | None, options: ReaderOptions
) -> tuple[Item, ...]:
    group_column, taken = None, set()
    if table is not None:
        id_column = table.column(options.id_column, ID_COLUMNS, "patch ids")
        taken = {id_column, *(name for name in table.columns if name.lower() == "label")}
        if options.group_column is not None:
            group_column = table.column(options.group_column, (), "groups")
            taken.add(group_column)
    elif options.group_column is not None:
        raise FormatError(f"The group column '{options.group_column}' needs a table: name it with --labels.")
    splits = {path: split for path in found.files if (split := split_of(source, path))}
    items = []
    for path, name in ids(source, found.files).items():
        row = found.row_of.get(path, {})
        facts = {key: value for key, value in row.items() if key not in taken}
        # A patch without a group is alone in one of its own.
        group = None if group_column is None else row.get(group_column) or f"only {name}"
        file = str(path.relative_to(source))
        columns = {"file": file} | {key if key != "file" else "file_": value for key, value in facts.items()}
        mask = mask_of.get(path)
        split = splits.get(path, "" if splits else None)
        items.append(Item(name, FilePatch(path, file), found.label_of[path], group, split, mask, columns=columns))
    return tuple(items)


def ids(source: Path, files: Sequence[Path]) -> dict[Path, str]:
    """An id for each file: stems where they are unique, otherwise paths without ending, otherwise paths."""
    for name_of in (
        lambda path: path.stem,
        lambda path: path.relative_to(source).with_suffix("").as_posix(),
        lambda path: path.relative_to(source).as_posix(),
    ):
        names = {path: name_of(path) for path in files}
        if len(set(names.values())) == len(files):
            break
    return names
