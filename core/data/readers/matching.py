"""Which row of a table speaks of which file, and which rows contradict each other.

A file has one row at most. Names that differ from a file's in their form only (case, Unicode form, leading zeros) are
matched where one file answers to one name, which is told of. No file is opened: a path in a table can only ever name
one of the files that were found.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import islice
from pathlib import Path, PurePosixPath

from core.data.readers.base import Aside, shown, some
from core.data.readers.pairs import bare_name
from core.data.readers.tables import Table
from core.errors import Asks, FormatError, LabelError

# Endings that a name in a table may have and its file not; what else follows a point belongs to the name.
ENDINGS = frozenset(
    ".npy .npz .png .jpg .jpeg .bmp .gif .tif .tiff .webp .jp2 .h5 .hdf5 .hdf .he5 .nc .mat .zarr .img .dat .txt .json "
    ".xml .csv .pt .pkl".split()
)
NEAREST_OF = 20_000  # names that are compared for the nearest one
NEAREST_FOR = 3  # names of a table for which it is looked for


def without_ending(name: str) -> str:
    """A name without the ending of a file, if it has one."""
    stem, point, ending = name.rpartition(".")
    return stem if stem and point and f".{ending.lower()}" in ENDINGS else name


FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("Unicode form", lambda name: unicodedata.normalize("NFC", name)),
    ("upper and lower case", lambda name: unicodedata.normalize("NFC", name).casefold()),
    ("leading zeros", lambda name: _no_zeros(unicodedata.normalize("NFC", name).casefold())),
    ("blanks and dashes", lambda name: _plain(without_ending(name))),
    ("words such as mask or image", lambda name: _plain(bare_name(without_ending(name)))),
)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFC", name).casefold().strip())


def _no_zeros(name: str) -> str:
    whole = re.fullmatch(r"(\d+)\.0+", name)  # a number that pandas made of a name
    return re.sub(r"\d+", lambda digits: digits[0].lstrip("0") or "0", whole[1] if whole else name)


class FileIndex:
    """Finds a file by a path, a name or a stem, as tables write them."""

    def __init__(self, root: Path, files: Sequence[Path]):
        self._root = root
        self._files = tuple(files)
        self._by_path: dict[str, list[Path]] = defaultdict(list)
        for path in files:
            whole = os.path.abspath(path)
            for place in {whole, whole[: len(whole) - len(path.suffix)]}:
                self._by_path[place].append(path)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in files:
            for name in {path.name, path.stem}:
                self._by_name[name].append(path)
        self._folders = {path.parent.name for path in files}

    def find(self, text: str, table_folder: Path | None = None) -> list[Path]:
        """The files that ``text`` may mean: one by its path, otherwise all of that name or stem.

        Of several, those whose folders ``text`` names too; a folder of the source that it names is heeded.
        """
        text = text.replace("\\", "/").strip()
        for base in (self._root, table_folder):
            if paths := self._resolve(base, text):
                return paths
        return self._in_folders(text, self._named(text))

    def nearest(self, text: str, taken: Collection[Path] = ()) -> str:
        """The name of a file, not one of ``taken``, that ``text`` most resembles and what differs, as a sentence.

        "" where none does.
        """
        wanted = PurePosixPath(text.replace("\\", "/")).name
        free = islice((path for path in self._files if path not in taken), NEAREST_OF)
        stems = {unicodedata.normalize("NFC", path.stem): path.name for path in free}
        folded = {stem.casefold(): name for stem, name in stems.items()}
        close = get_close_matches(without_ending(wanted).casefold(), folded, n=1, cutoff=0.65)
        if not close:
            inside = [stem for stem in folded if wanted and without_ending(wanted).casefold() in stem]
            close = sorted(inside, key=len)[:1]
        if not close:
            return ""
        return f"The nearest file name is '{folded[close[0]]}'{_difference(without_ending(wanted), close[0])}."

    def forms(self, form: Callable[[str], str]) -> dict[str, list[Path]]:
        """The files by the ``form`` of their name and of their stem."""
        found: dict[str, list[Path]] = defaultdict(list)
        for path in self._files:
            for name in {form(path.name), form(path.stem)}:
                found[name].append(path)
        return found

    def named_in(self, text: str, by_form: Mapping[str, list[Path]], form: Callable[[str], str]) -> list[Path]:
        """The files that ``text`` may mean by a form of its name."""
        name = PurePosixPath(text.replace("\\", "/").strip()).name
        return self._in_folders(text, by_form.get(form(name)) or by_form.get(form(without_ending(name))) or [])

    def _named(self, text: str) -> list[Path]:
        name = PurePosixPath(text).name
        return self._by_name.get(name) or self._by_name.get(without_ending(name)) or []

    def _in_folders(self, text: str, candidates: list[Path]) -> list[Path]:
        folders = PurePosixPath(text.replace("\\", "/")).parts[:-1]
        if not folders or not candidates:
            return candidates
        shared = [_shared_end(folders, path.parent.parts) for path in candidates]
        if max(shared) == 0 and folders[-1] in self._folders:
            return []  # the folder that it names is there, and has no such file
        return [path for path, n in zip(candidates, shared, strict=True) if n == max(shared)]

    def _resolve(self, base: Path | None, text: str) -> list[Path]:
        # Names only: a path that leads out of the folder is simply none of its files.
        return self._by_path.get(os.path.abspath(os.path.join(base, text)), []) if base is not None and text else []


def _shared_end(a: Sequence[str], b: Sequence[str]) -> int:
    return next(
        (n for n, (x, y) in enumerate(zip(reversed(a), reversed(b), strict=False)) if x != y), min(len(a), len(b))
    )


def _difference(wanted: str, there: str) -> str:
    parts = SequenceMatcher(None, wanted.casefold(), there, autojunk=False).get_opcodes()
    said = [(wanted[a:b], there[c:d]) for kind, a, b, c, d in parts if kind != "equal"]
    if not said or len(said) > 3:
        return ""
    words = [
        f"'{b}' is only in the file's name"
        if not a
        else f"'{a}' is only in the table's"
        if not b
        else f"'{a}' is '{b}' there"
        for a, b in said
    ]
    return f" ({', '.join(words)})"


@dataclass(frozen=True)
class Matched:
    """row_of: the row for each file. conflicting: names of files whose rows have different labels.

    mentioned: files that a row names, also where the row was set aside.
    """

    row_of: dict[Path, dict[str, str]]
    conflicting: tuple[str, ...] = ()
    mentioned: frozenset[Path] = frozenset()


def match_names(
    names: Iterable[str], index: FileIndex, aside: Aside, where: str, table_folder: Path | None = None
) -> dict[str, list[Path]]:
    """The files that each name may mean; [] where none does.

    Names that no file has as they stand are matched by their form, where one name means one file that no other name
    means; a warning tells how many were.
    """
    found = {name: index.find(name, table_folder) if name else [] for name in dict.fromkeys(names)}
    taken = {path for files in found.values() for path in files}
    for what, form in FORMS:
        missing = [name for name, files in found.items() if name and not files]
        if not missing:
            break
        by_form = index.forms(form)
        like = {name: index.named_in(name, by_form, form) for name in missing}
        claimed: dict[Path, int] = defaultdict(int)
        for files in like.values():
            for path in files:
                claimed[path] += 1
        new = {
            name: files
            for name, files in like.items()
            if len(files) == 1 and claimed[files[0]] == 1 and files[0] not in taken
        }
        if new:
            found |= new
            taken |= {files[0] for files in new.values()}
            example, file = next(iter(new.items()))
            aside.warn(
                f"{len(new)} names in {where} were matched although they differ in {what}: '{shown(example)}' is "
                f"{shown(file[0].name)}."
            )
    return found


def match_masks(images: Iterable[Path], index: FileIndex, aside: Aside) -> dict[Path, list[Path]]:
    """The masks of ``index`` that each image's name may mean: of its stem, or of it with a word such as ``_mask``.

    A mask found by such a word has one image; a warning tells how many were.
    """
    found = {path: index.find(path.stem) for path in images}
    taken = {mask for masks in found.values() for mask in masks}
    by_name = index.forms(lambda name: bare_name(without_ending(name)))
    like = {path: by_name.get(bare_name(path.stem), []) for path, masks in found.items() if not masks}
    claimed = Counter(mask for masks in like.values() for mask in masks)
    new = {path: masks for path, masks in like.items() if masks and not taken & set(masks) and claimed[masks[0]] == 1}
    if new:
        path, masks = next(iter(new.items()))
        aside.warn(
            f"{len(new)} masks were matched although their names are not the image's: {shown(masks[0].name)} is "
            f"that of {shown(path.name)}."
        )
    return found | new


def match_rows(
    table: Table,
    id_column: str,
    index: FileIndex,
    label_of: Callable[[dict[str, str]], Hashable],
    aside: Aside,
    table_folder: Path | None = None,
) -> Matched:
    """One row a file. Rows without a file, with an unknown label, or that contradict each other are set aside.

    Equal rows for one file are told of once; when their labels differ the file is left out altogether. Raises
    FormatError when no row has a file.
    """
    rows: dict[Path, list[tuple[dict[str, str], Hashable]]] = defaultdict(list)
    found = match_names(table.cells(id_column), index, aside, table.path.name, table_folder)
    missing = [name for name, files in found.items() if not files]
    taken = {path for files in found.values() for path in files}
    near = {name: index.nearest(name, taken) for name in missing[:NEAREST_FOR]}
    if len(missing) == len(found):
        first = f"'{shown(missing[0][:200])}'" if missing[0] else "an empty name"
        raise FormatError(
            f"None of the {len(table.rows)} rows of {table.path.name} has a file in the source: the first is {first} "
            f"in the column '{id_column}'. {near[missing[0]]}".rstrip()
            + " If another column holds the names of the files, say --id-column NAME.",
            Asks("id_column", table.columns),
        )
    mentioned = set()
    for row, line in zip(table.rows, table.lines, strict=True):
        name, where = row[id_column], f"{table.path.name}, line {line}"
        files = found[name]
        if len(files) != 1:
            several = f"means several files: {some([str(f.name) for f in files])}."
            reason = several if files else f"has no file in the source. {near.get(name, '')}".rstrip()
            aside.reject(where, f"'{name[:200]}' {reason}", is_row=True)
            continue
        mentioned.add(files[0])
        try:
            label = label_of(row)
        except LabelError as error:
            aside.reject(f"{where}, {name[:200]}", error, is_row=True)
        else:
            rows[files[0]].append((row, label))
    row_of, conflicting = _one_each(rows, id_column, table, aside)
    return Matched(row_of, conflicting, frozenset(mentioned))


def _one_each(
    rows: dict[Path, list[tuple[dict[str, str], Hashable]]], id_column: str, table: Table, aside: Aside
) -> tuple[dict[Path, dict[str, str]], tuple[str, ...]]:
    repeated, conflicting = [], []
    row_of = {}
    for path, found in rows.items():
        name = found[0][0][id_column]
        if len({label for _, label in found}) > 1:
            conflicting.append(path.stem)
            aside.reject(name, f"{table.path.name} lists it with different labels. Correct the table.")
            continue
        if len(found) > 1:
            repeated.append(name)
        row_of[path] = found[0][0]
    if repeated:
        aside.warn(f"{table.path.name} lists {len(repeated)} ids more than once with one label: {some(repeated)}.")
    return row_of, tuple(conflicting)
