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

from core.data.readers.base import Aside, Collection, Item, ReaderOptions, group_alone, some
from core.data.readers.files import KINDS, MASK_FOLDERS, FilePatch, in_order, patch_files
from core.data.readers.layouts import class_folders as layout
from core.data.readers.masks.files import FileMask
from core.data.readers.matching import FileIndex, Matched, match_masks, match_rows
from core.data.readers.pairs import Pairs, masks_beside, pair, split_of
from core.data.readers.tables import (
    DEFAULT_CLASSES,
    LANDSLIDE,
    UNNAMED,
    Table,
    is_empty,
    label_key,
    label_rule,
    positive_name,
    read_table,
    refuse_lost_class,
)
from core.data.readers.tables.facts import facts_of
from core.errors import Asks, FormatError, LabelError
from core.text import counted

ID_COLUMNS = (
    "id", "file", "filename", "path", "filepath", "image", "image_id", "image_name", "image_path", "name", "patch",
    "patch_id", "tile", "tile_id", "sample_id", UNNAMED,
)  # fmt: skip
LABEL_COLUMNS = ("label", "labels")
OTHER_LABEL_COLUMNS = ("class", "target", "is_landslide", "landslide", "landslides")  # where no folders are classes


def recognises(source: Path) -> bool:
    """Whether ``source`` is one file that may be a patch, or a folder with at least one."""
    if source.is_file():
        return source.suffix.lower() in KINDS
    return source.is_dir() and bool(patch_files(source, Aside()))


def collect(
    source: Path, options: ReaderOptions, aside: Aside, only: Callable[[Sequence[Path]], list[Path]] = list
) -> Collection:
    """The patches with what is known of them. Raises DataError when labels contradict the folders.

    only: which of the images found are patches.
    """
    if source.is_file():
        aside.warn(f"{source.name} is one file and has no label. Give a folder for labels and masks.")
        return collect_unlabelled(source, options, aside)
    masks = _place(source, options.masks)
    if masks is not None and not masks.is_dir():
        raise FormatError(f"There is no folder of masks {options.masks}, here or in {source}.")
    files = in_order(patch_files(source, aside, without=masks, masks_too=masks is None))
    apart = Pairs((), {}, {}) if masks is not None else masks_apart(source, files, aside)
    files = layout.only_images(source, [path for path in files if path not in apart.masks], aside)
    beside = dict(apart.mask_of) or (masks_beside(files) if masks is None else {})
    if beside and not apart.mask_of:
        image, mask = next(iter(beside.items()))
        aside.warn(f"{len(beside)} masks lie beside their images ({mask.name} beside {image.name}) and are no patches.")
        taken = set(beside.values())
        files = [path for path in files if path not in taken]
    files = only(files)
    if not files:
        links = " ".join(text for text in aside.warnings if "links were set aside" in text)
        raise FormatError(
            f"{source} holds no patches. Accepted: .npy (H, W, C), PNG, JPEG, BMP, GIF, TIFF. {links}".rstrip()
        )
    if options.labels is None:
        _refuse_lost_folder(source, files, options, masks)
    labels = _place(source, options.labels)
    table = None if labels is None else read_table(labels, aside)
    found = _with_labels(source, files, table, options, aside, bool(beside))
    mask_of = _mask_of(masks, found, options, aside) or {
        image: FileMask(mask, str(mask.relative_to(source))) for image, mask in beside.items()
    }
    items = _items(source, found, mask_of, table, options, aside)
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
    files = layout.only_images(source, list(masks_apart(source, files, aside).images), aside)
    masks = set(masks_beside(files).values())
    files = [path for path in files if path not in masks]
    items = [Item(i, FilePatch(path, str(path.relative_to(source)))) for path, i in ids(source, files).items()]
    return Collection(_title(source), items, DEFAULT_CLASSES)


def _refuse_lost_folder(source: Path, files: Sequence[Path], options: ReaderOptions, masks: Path | None) -> None:
    """Raise FormatError where one class folder is left because the other is a link, or holds nothing that is read."""
    class_of = layout.classes(source, files, options.positive)
    if len(set(class_of.values())) > 1 or any(path.parent == source for path in files):
        return
    around = {folder for path in files for folder in path.parents} | ({masks.absolute()} if masks else set())
    beside = {folder for path in files for folder in layout.class_folder(source, path, class_of[path]).parent.iterdir()}
    for folder in sorted(beside):
        if folder.name.startswith(".") or not folder.is_dir() or {folder, folder.absolute()} & around:
            continue
        is_class = "slide" in folder.name.lower() or label_key(folder.name) == label_key(options.positive or "")
        members = [] if folder.is_symlink() else [path for path in folder.rglob("*") if not path.is_dir()]
        if folder.is_symlink() or (members and (is_class or all(path.is_symlink() for path in members))):
            why = "is a link, which is not followed" if folder.is_symlink() else "holds no file that can be read"
            raise FormatError(
                f"{folder} {why}, so its class would be lost. Put the files themselves there; accepted: .npy (H, W, "
                "C), PNG, JPEG, BMP, GIF, TIFF."
            )


def _title(source: Path) -> str:
    return f"folders: {source.resolve().name}"


@dataclass(frozen=True)
class _Found:
    files: tuple[Path, ...]
    label_of: dict[Path, int]
    row_of: dict[Path, dict[str, str]]
    classes: tuple[str, str]
    conflicting: tuple[str, ...] = ()
    label_column: str | None = None


def _place(source: Path, path: Path | None) -> Path | None:
    if path is None or Path(path).exists() or Path(path).is_absolute():
        return path and Path(path)
    return source / path


def _with_labels(
    source: Path, files: list[Path], table: Table | None, options: ReaderOptions, aside: Aside, has_masks: bool = False
) -> _Found:
    label_column = _label_column(table, options, LABEL_COLUMNS)
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


def _label_column(table: Table | None, options: ReaderOptions, usual: Sequence[str]) -> str | None:
    """The column of labels: the one asked for, or one of these names where there is one."""
    if table is None:
        if options.label_column is not None:
            raise FormatError(f"The label column '{options.label_column}' needs a table: name it with --labels.")
        return None
    if options.label_column is None and not any(table.has(name) for name in usual):
        return None
    return table.column(options.label_column, usual, "labels", "--label-column")


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
    return len(names) > 1 and (says_so or names <= {text.lower() for text in table.cells(label_column)})


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
    others = [name for name in names if label_key(name) != label_key(positive)]
    if len(others) > 1:
        aside.warn(f"The folders {some(others, 20)} are all taken as not '{positive}'.")
    negative = others[0] if len(others) == 1 else f"not {positive}" if others else DEFAULT_CLASSES[0]
    label_of = {path: int(label_key(class_of[path]) == label_key(positive)) for path in files}
    matched = Matched({})
    if table is not None:
        meaning = (lambda row: label_key(row[label_column])) if label_column else (lambda row: None)
        matched = _matched(source, files, table, options, meaning, aside)
        if label_column is not None:
            _check_agreement(matched, label_column, label_of, class_of, positive, table)
        missing = [path.name for path in files if path not in matched.row_of]
        if missing:
            files_have = counted(len(missing), "file has", "files have")
            aside.warn(f"{files_have} no row in {table.path.name}: {some(missing)}.")
    return _Found(tuple(files), label_of, matched.row_of, (negative, positive), label_column=label_column)


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
        agrees = label_key(text) in (label_of[path], label_key(class_of[path]))
        if not agrees and not is_empty(text):
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
    id_column = table.column(options.id_column, ID_COLUMNS, "patch ids", "--id-column")
    return match_rows(table, id_column, FileIndex(source, files), label_of, aside, table.path.parent)


def _from_table(
    source: Path,
    files: list[Path],
    table: Table,
    label_column: str | None,
    options: ReaderOptions,
    aside: Aside,
) -> _Found:
    label_column = label_column or _label_column(table, options, OTHER_LABEL_COLUMNS)
    if label_column is None:
        raise FormatError(
            f"{table.path.name} has no column 'label', and the folders are no classes. Its columns: "
            f"{some(list(table.columns), 20)}. Name the one that holds the labels with --label-column, or add it.",
            Asks("label_column", table.columns),
        )
    rule = label_rule(table.cells(label_column), options.positive, aside, label_column)
    matched = _matched(source, files, table, options, lambda row: rule.label(row[label_column]), aside)
    _tell_unlisted(source, files, matched, table, aside)
    listed = tuple(path for path in files if path in matched.row_of)
    label_of = {path: rule.label(matched.row_of[path][label_column]) for path in listed}
    refuse_lost_class(map(rule.label, table.cells(label_column)), label_of.values(), rule.classes, aside)
    return _Found(listed, label_of, matched.row_of, rule.classes, matched.conflicting, label_column)


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
    candidates = match_masks(found.files, FileIndex(masks, patch_files(masks, aside)), aside)
    mask_of = {
        path: FileMask(named[0], f"{masks.name}/{named[0].relative_to(masks).as_posix()}")
        for path, named in candidates.items()
        if len(named) == 1
    }
    several = [path.name for path, named in candidates.items() if len(named) > 1]
    if several:
        told = counted(len(several), "patch with several masks of its name", "patches with several masks of their name")
        aside.warn(f"{told} got none: {some(several)}.")
    if not mask_of:
        raise FormatError(
            f"No mask in {masks} has the name of a patch. Masks are matched by file name without ending, also with "
            "_mask or _label behind it or mask_ in front."
        )
    without = [path.name for path in found.files if found.label_of[path] == 1 and path not in mask_of]
    if without:
        aside.warn(f"{len(without)} positive patches have no mask and get an empty one: {some(without)}.")
    return mask_of


def masks_apart(source: Path, files: list[Path], aside: Aside) -> Pairs:
    """Masks in a folder beside one of images, under their names (``landslide/image/a.png``, ``landslide/mask/a.png``).

    Where there are none, folders called masks are left out with a word, and other files are patches.
    """
    found = pair(source, files, Aside())
    if found.mask_of and all(layout.in_images(source, path) for path in found.mask_of):
        pair(source, files, aside)  # once more, to tell of masks without an image
        return found
    hidden = {path for path in files if any(part.lower() in MASK_FOLDERS for part in path.relative_to(source).parts)}
    for folder in sorted({layout.mask_folder(source, path, MASK_FOLDERS) for path in hidden}):
        asks = Asks("masks", (str(folder),), str(folder))
        aside.warn(f"The folder {folder} was not read: name it with --masks if it holds masks.", asks)
    return Pairs(tuple(path for path in files if path not in hidden), {}, found.split_of, frozenset(hidden))


def _items(
    source: Path,
    found: _Found,
    mask_of: dict[Path, FileMask],
    table: Table | None,
    options: ReaderOptions,
    aside: Aside,
) -> tuple[Item, ...]:
    group_column, taken, facts = None, set(), None
    if table is not None:
        id_column = table.column(options.id_column, ID_COLUMNS, "patch ids")
        taken = {id_column, *(name for name in table.columns if name == found.label_column)}
        if options.group_column is not None:
            group_column = table.column(options.group_column, (), "groups")
            taken.add(group_column)
    elif options.group_column is not None:
        raise FormatError(f"The group column '{options.group_column}' needs a table: name it with --labels.")
    splits = {path: split for path in found.files if (split := split_of(source, path))}
    if table is not None:
        rows = [found.row_of.get(path, {}) for path in found.files]
        unused = [name for name in table.columns if name not in taken]
        facts = facts_of(table.path.name, unused, rows, aside, tell_groups=group_column is None)
        taken |= facts.used
    items = []
    for i, (path, name) in enumerate(ids(source, found.files).items()):
        row = found.row_of.get(path, {})
        kept = {key: value for key, value in row.items() if key not in taken}
        # A patch without a group is alone in one of its own.
        group = None if group_column is None else row.get(group_column) or f"only {group_alone(name, i)}"
        file = str(path.relative_to(source))
        columns = {"file": file} | {key if key != "file" else "file_": value for key, value in kept.items()}
        mask, lonlat = mask_of.get(path), facts.lonlat[i] if facts else None
        split = splits.get(path) or (facts and facts.split[i]) or ("" if splits else None)
        items.append(Item(name, FilePatch(path, file), found.label_of[path], group, split, mask, lonlat, columns))
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
