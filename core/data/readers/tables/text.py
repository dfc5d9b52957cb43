"""A table of labels or facts from a CSV, as text.

The CSV has a header, is in UTF-8 (a BOM is fine) or UTF-16, and separated by comma, semicolon, tab or bar, which a
first line ``sep=;`` may state. Cells are stripped text; a column whose numbers have decimal commas gets points. A
column without a name that only counts the rows (as pandas and R write it) is left out.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.readers.base import Aside, some
from core.data.readers.tables.numbers import decimal_commas
from core.errors import Asks, FormatError

MAX_BYTES = 256 * 2**20
MAX_COLUMNS = 1000
SEPARATORS = ",;\t|"
UNNAMED = "unnamed"  # what a column without a name is called
_SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t| ]*', re.IGNORECASE)
_NO_NAME = re.compile(r"(unnamed:\s*\d+([._]\w+)*)?", re.IGNORECASE)


def key_of(name: str) -> str:
    """What names of columns have in common that differ in case, blanks, units or punctuation: ``Image ID`` is imageid.

    What stands in brackets is left out.
    """
    plain = re.sub(r"[(\[][^)\]]*[)\]]", "", name)
    return re.sub(r"[\W_]+", "", plain).casefold() or name.strip().casefold()


@dataclass(frozen=True)
class Table:
    """Rows of text by column name. lines: (n,) line in the file where each row ends, for messages."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]

    def column(self, wanted: str | None, usual: Sequence[str], what: str, option: str | None = None) -> str:
        """Name of the column ``wanted``, or of the first usual one that is there, whatever its case and punctuation.

        ``option`` names a column on the command line. Raises FormatError listing the columns, or where several
        columns with different cells answer to the name.
        """
        for name in [wanted] if wanted is not None else usual:
            found = self.find(name)
            if len(found) > 1 and any(len({row[column] for column in found}) > 1 for row in self.rows):
                raise FormatError(
                    f"{self.path.name} has several columns for the {what}: {some(found)}. Rename all but one."
                )
            if found:
                return found[0]
        asked = f"'{wanted}'" if wanted is not None else " or ".join(f"'{name}'" for name in usual if name != UNNAMED)
        hint = f" Name the right one with {option}." if option else ""
        raise FormatError(
            f"{self.path.name} has no column {asked} for the {what}. Its columns: "
            f"{some(list(self.columns), 20)}.{hint}",
            Asks(option.removeprefix("--").replace("-", "_"), self.columns) if option else None,
        )

    def find(self, name: str) -> list[str]:
        """The columns of that name: the one written exactly so, or all that differ in case and punctuation only."""
        if name in self.columns:
            return [name]
        return [column for column in self.columns if key_of(column) == key_of(name)]

    def has(self, name: str) -> bool:
        """Whether there is such a column, whatever its case and punctuation."""
        return bool(self.find(name))

    def cells(self, column: str) -> list[str]:
        """(n,) of one column."""
        return [row[column] for row in self.rows]


def read_table(path: Path, aside: Aside) -> Table:
    """The rows of a CSV; rows with another number of cells than the header are set aside.

    Raises FormatError when there is no such file, it is empty, or it is not text with a header.
    """
    return table_of(_content(path), path, aside)


def table_of(content: bytes, path: Path, aside: Aside) -> Table:
    """As :func:`read_table`, of the ``content`` of the file ``path``, which need not be on the disk."""
    separator, lines = _parse(content, path)
    header, lines = _header(lines[0][1], lines[1:])
    if not any(header) or len(header) > MAX_COLUMNS:
        raise FormatError(f"{path.name} does not begin with a row of different column names. Add one.")
    columns = _named(header)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise FormatError(
            f"{path.name} does not begin with a row of different column names: {some(twice)} occurs twice. "
            "Rename or remove one."
        )
    kept, numbers, repeats = [], [], 0
    for number, cells in lines:
        while len(cells) > len(columns) and not cells[-1]:
            cells.pop()
        if cells == header:
            repeats += 1
        elif len(cells) != len(columns):
            reason = f"It has {len(cells)} cells; the header has {len(columns)}."
            aside.reject(f"{path.name}, line {number}", reason, is_row=True)
        else:
            kept.append(cells)
            numbers.append(number)
    if repeats:
        aside.warn(f"{repeats} rows of {path.name} repeat its header and were left out.")
    if not kept:
        title = " Is its first line a title? Remove what stands above the names of the columns." if lines else ""
        raise FormatError(f"{path.name} has a header but no rows. It must name the patches, one a row.{title}")
    by_name: dict[str, Sequence[str]] = dict(zip(columns, zip(*kept, strict=True), strict=True))
    by_name = {
        name: decimal_commas(cells, separator) or cells
        for name, cells in by_name.items()
        if not (name.startswith(UNNAMED) and (_counts(cells) or not any(cells)))
    }
    if not by_name:
        raise FormatError(f"{path.name} does not begin with a row of different column names. Add one.")
    rows = tuple(dict(zip(by_name, cells, strict=True)) for cells in zip(*by_name.values(), strict=True))
    return Table(path, tuple(by_name), rows, tuple(numbers))


def names_in(content: bytes, path: Path) -> tuple[str, ...]:
    """The names of the columns that have one, of a table that may have no rows. Raises as :func:`read_table`."""
    lines = _parse(content, path)[1]
    names = _named(_header(lines[0][1], lines[1:])[0])
    return tuple(name for name in names if not name.startswith(UNNAMED))


def _header(header: list[str], lines: list[tuple[int, list[str]]]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of the columns ("" where there is none) without empty columns at the end, and the rows below."""
    widest = max((len(cells) - cells[::-1].index(next(filter(None, cells[::-1]))) for _, cells in lines), default=0)
    header = [*header]
    while header and not header[-1] and len(header) > widest:
        header.pop()
    if all(len(cells) == len(header) + 1 for _, cells in lines) and _counts([cells[0] for _, cells in lines]):
        header = ["", *header]  # R writes the number of the row in front, and no name for it
    return header, lines


def _named(header: Sequence[str]) -> list[str]:
    names: list[str] = []
    for name in header:
        if _NO_NAME.fullmatch(name):
            n = sum(other.startswith(UNNAMED) for other in names)
            name = f"{UNNAMED}_{n + 1}" if n else UNNAMED
        names.append(name)
    return names


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells number the rows from 0 or 1."""
    return any(all(cell == str(n) for n, cell in enumerate(cells, first)) for first in (0, 1))


def separator_of(text: str) -> tuple[str, int]:
    """What separates the cells of a table that begins with ``text``, and the lines before its header that say so."""
    filled = [(n, line) for n, line in enumerate(text.splitlines()) if line.strip()]
    if not filled:
        return SEPARATORS[0], 0
    number, first = filled[0]
    if stated := _SEP_LINE.fullmatch(first.strip(" \r\n")):
        return stated[1], number + 1
    return max(SEPARATORS, key=lambda one: _cells_in(first, one)), 0


def _cells_in(line: str, separator: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=separator)))
    except (csv.Error, StopIteration):
        return line.count(separator)


def _parse(content: bytes, path: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """The separator, and (line where the row ends, its cells as stripped text) of every row that is not blank."""
    text = _decode(content, path)
    if not text.strip():
        raise FormatError(f"{path.name} is empty. It must have a header and one row a patch.")
    separator, above = separator_of(text[: 1 << 20])
    stream = io.StringIO(text, newline="")
    for _ in range(above):
        stream.readline()
    reader = csv.reader(stream, delimiter=separator)
    rows = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append((reader.line_num + above, stripped))
    except csv.Error as error:
        raise FormatError(f"{path.name} is not a CSV: {error} in line {reader.line_num + above}.") from error
    if not rows:
        raise FormatError(f"{path.name} is empty. It must have a header and one row a patch.")
    return separator, rows


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES or not path.is_file():
            raise FormatError(f"{path.name} is not a CSV file of at most {MAX_BYTES >> 20} MiB.")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"The table {path} cannot be opened ({error.strerror}). Check its path.") from error


def _decode(content: bytes, path: Path) -> str:
    if content[:4] == b"PK\3\4" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise FormatError(
            f"{path.name} is an Excel workbook, not a CSV. Save the sheet as CSV in UTF-8 and give that file."
        )
    try:
        text = content.decode(encoding_of(content))
    except UnicodeDecodeError as error:
        raise FormatError(f"{path.name} is not UTF-8 text ({error.reason}). Save it as CSV in UTF-8.") from error
    if "\0" in text:
        raise FormatError(f"{path.name} holds NUL characters, so it is not text. Save it as CSV in UTF-8.")
    return text.removeprefix("\ufeff")


def encoding_of(start: bytes) -> str:
    """UTF-16 where a BOM says so, or every second byte of the beginning is NUL as in plain letters; else UTF-8."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = start[: min(len(start) & ~1, 64)]
    if len(start) >= 4 and 0 not in (start[0], start[2]) and start[1::2].count(0) == len(start) // 2:
        return "utf-16-le"
    if len(start) >= 4 and 0 not in (start[1], start[3]) and start[0::2].count(0) == len(start) // 2:
        return "utf-16-be"
    return "utf-8-sig"
