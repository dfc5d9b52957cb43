"""A table of labels or facts from a CSV, as text; and what a label's text means.

The CSV has a header, is in UTF-8 (a BOM is fine) or UTF-16, and separated by comma, semicolon, tab or bar. Cells are
stripped text. Which class is positive is never guessed.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.readers.base import Aside, some
from core.errors import FormatError, LabelError

MAX_BYTES = 256 * 2**20
MAX_COLUMNS = 1000
SEPARATORS = ",;\t|"
NO_VALUE = ("", "nan", "na", "none", "null")
LANDSLIDE = ("landslide", "landslides")  # the only names that say by themselves which class is positive
DEFAULT_CLASSES = ("non_landslide", "landslide")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Table:
    """Rows of text by column name. lines: (n,) line in the file where each row ends, for messages."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]

    def column(self, wanted: str | None, usual: Sequence[str], what: str) -> str:
        """Name of the column ``wanted``, or of the first usual one that is there, whatever its case.

        Raises FormatError listing the columns.
        """
        there = {name.lower(): name for name in reversed(self.columns)}
        for name in [wanted] if wanted is not None else usual:
            if name in self.columns or name.lower() in there:
                return name if name in self.columns else there[name.lower()]
        asked = f"'{wanted}'" if wanted is not None else " or ".join(f"'{name}'" for name in usual)
        raise FormatError(
            f"{self.path.name} has no column {asked} for the {what}. Its columns: {some(list(self.columns), 20)}."
        )

    def has(self, name: str) -> bool:
        """Whether there is such a column, whatever its case."""
        return name.lower() in (column.lower() for column in self.columns)


def read_table(path: Path, aside: Aside) -> Table:
    """The rows of a CSV; rows with another number of cells than the header are set aside.

    Raises FormatError when there is no such file, it is empty, or it is not text with a header.
    """
    header, *lines = _parse(path)
    columns = tuple(name.strip() for name in header[1])
    while columns and not columns[-1]:
        columns = columns[:-1]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice or not all(columns) or not columns or len(columns) > MAX_COLUMNS:
        raise FormatError(
            f"{path.name} does not begin with a row of different column names"
            + (f": {some(twice)} occurs twice." if twice else ". Add one.")
        )
    rows, numbers = [], []
    for number, cells in lines:
        cells = [cell.strip() for cell in cells]
        while len(cells) > len(columns) and not cells[-1]:
            cells.pop()
        if len(cells) != len(columns):
            aside.reject(f"{path.name}, line {number}", f"It has {len(cells)} cells; the header has {len(columns)}.")
            continue
        rows.append(dict(zip(columns, cells, strict=True)))
        numbers.append(number)
    if not rows:
        raise FormatError(f"{path.name} has a header but no rows. It must name the patches, one a row.")
    return Table(path, columns, tuple(rows), tuple(numbers))


def _parse(path: Path) -> list[tuple[int, list[str]]]:
    text = _decode(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise FormatError(f"{path.name} is empty. It must have a header and one row a patch.")
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise FormatError(f"{path.name} is not a CSV: {error} in line {reader.line_num}.") from error


def _decode(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES or not path.is_file():
            raise FormatError(f"{path.name} is not a CSV file of at most {MAX_BYTES >> 20} MiB.")
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"The table {path} cannot be opened ({error.strerror}). Check its path.") from error
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name} is not UTF-8 text ({error.reason}). Save it as CSV in UTF-8.") from error
    if "\0" in text:
        raise FormatError(f"{path.name} holds NUL characters, so it is not text. Save it as CSV in UTF-8.")
    return text


def as_number(text: str) -> float | None:
    """The number that a cell holds, or None. ``0002`` is a name here, not a number; ``0.0`` is a number."""
    if not _NUMBER.fullmatch(text) or re.match(r"[+-]?0\d", text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class LabelRule:
    """What a label's text means. classes: (negative, positive) names; numeric: the texts are 0 and 1."""

    classes: tuple[str, str]
    numeric: bool
    positive: str

    def label(self, text: str) -> int:
        """1, 0, or -1 for an empty cell. Raises LabelError for text that this rule does not know."""
        if text.lower() in NO_VALUE:
            return -1
        if not self.numeric:
            return int(text.lower() == self.positive.lower())
        value = as_number(text)
        if value not in (0.0, 1.0):
            raise LabelError(f"The label '{text[:40]}' is neither 0 nor 1.")
        return int(value == float(self.positive))


def label_rule(texts: Sequence[str], positive: str | None, aside: Aside) -> LabelRule:
    """The rule for the labels of a table.

    Numbers 0 and 1 mean what they say unless ``positive`` is the number that stands for the positive class; with names
    ``positive`` tells which one it is, and only 'landslide' or 'landslides' is understood without it.
    Raises LabelError listing the values that were found.
    """
    values = sorted({text for text in texts if text.lower() not in NO_VALUE})
    if not values:
        raise LabelError("The label column is empty. Fill in 0 and 1, or class names.")
    numbers = [as_number(value) for value in values]
    if any(number in (0.0, 1.0) for number in numbers):
        given = None if positive is None else as_number(positive)
        if given is not None and given not in (0.0, 1.0):
            raise LabelError(f"The positive value '{positive}' is not among the labels: {some(values, 20)}.")
        named = positive if positive is not None and given is None else DEFAULT_CLASSES[1]
        negative = DEFAULT_CLASSES[0] if named == DEFAULT_CLASSES[1] else f"not {named}"
        return LabelRule((negative, named), True, "1" if given is None else f"{given:g}")
    name = positive_name(values, positive, "labels")
    others = sorted({value for value in values if value.lower() != name.lower()})
    if len(others) > 1:
        aside.warn(f"The labels {some(others, 20)} are all taken as not '{name}'.")
    return LabelRule((others[0] if len(others) == 1 else f"not {name}", name), False, name)


def positive_name(names: Sequence[str], positive: str | None, what: str) -> str:
    """Which of ``names`` is the positive class: the one asked for, or the only one that is exactly 'landslide(s)'.

    Raises LabelError listing the names; alphabetical order decides nothing.
    """
    if positive is not None:
        exact = [name for name in names if name == positive] or [n for n in names if n.lower() == positive.lower()]
        if not exact:
            raise LabelError(f"None of the {what} is called '{positive}'. Found: {some(list(names), 20)}.")
        return exact[0]
    known = [name for name in names if name.lower() in LANDSLIDE]
    if len({name.lower() for name in known}) != 1:
        raise LabelError(
            f"Which of the {what} is the positive class? Found: {some(list(names), 20)}. Say --positive NAME."
        )
    return known[0]


def typed_column(texts: Sequence[str]) -> np.ndarray:
    """(n,) int64 or float64 when every filled cell is a number (an empty one then is nan), otherwise text."""
    filled = [text for text in texts if text.lower() not in NO_VALUE]
    numbers = [as_number(text) for text in filled]
    if not filled or any(number is None for number in numbers):
        return np.array(texts, dtype=np.str_)
    if len(filled) == len(texts) and all(re.fullmatch(r"[+-]?\d{1,15}", text) for text in filled):
        return np.array([int(text) for text in texts], np.int64)
    return np.array([np.nan if text.lower() in NO_VALUE else float(text) for text in texts], np.float64)
