"""Answers as Zindi's submission (``ID,label``), and what is wrong with a submission file, in plain words."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from core.data.readers.archives.unpack import small_file
from core.data.readers.base import Aside, shown
from core.data.readers.tables.text import names_in, table_of
from core.data.readers.zindi import IDS
from core.errors import FormatError, needed
from core.io.csv_injection import csv_cell

TEST, SAMPLE = "Test.csv", "SampleSubmission.csv"
HEADER = ("ID", "label")
MOST_TEXT = 40  # characters of a cell in a message


@dataclass(frozen=True)
class Expected:
    """What a submission must hold.

    header: two names. order: its ids, one that is listed twice twice; None where neither file is there. source: the
    file that says so.
    """

    header: tuple[str, str]
    order: tuple[str, ...] | None
    source: str


def expected(test: bytes | None, sample: bytes | None) -> Expected:
    """From the content of Test.csv and of SampleSubmission.csv, as far as they are there.

    The sample gives the header; ids come from Test.csv, without it from the sample. Raises FormatError for a table that
    cannot be read.
    """
    header, source = HEADER, TEST if test else SAMPLE
    if sample:
        names = names_in(sample, Path(SAMPLE))
        first, second = (*names, *header[len(names) :])[:2]
        header = (first, second)
    order = None
    if content := test or sample:
        table = table_of(content, Path(source), Aside())
        order = tuple(table.cells(table.column(None, IDS, "patch ids")))
    return Expected(header, order, source)


def expected_of(source: Path) -> Expected:
    """:func:`expected` of a folder or an archive that holds them, or of one of the two files itself."""
    if source.is_file() and source.suffix.lower() == ".csv":
        content = needed(small_file(source.parent, source.name), f"{source.name} cannot be read.")
        is_sample = len(names_in(content, source)) > 1
        return expected(None if is_sample else content, content if is_sample else small_file(source.parent, SAMPLE))
    return expected(small_file(source, TEST), small_file(source, SAMPLE))


def write_predictions(out: Path, table: pd.DataFrame) -> None:
    """A table of answers (``core.predict.answered.table``) as a CSV; numbers with six digits, unknown ones empty."""
    safe = table.apply(lambda column: column if pd.api.types.is_numeric_dtype(column) else column.map(csv_cell))
    with _writing(out) as file:
        safe.to_csv(file, index=False, float_format="%.6f")


class Decided(Protocol):
    """Patches with a decision each: ids (N,) text; pred (N,) 1, 0, or -1 for none."""

    @property
    def ids(self) -> np.ndarray:
        """(N,) text."""

    @property
    def pred(self) -> np.ndarray:
        """(N,)."""


def write_submission(out: Path, answer: Decided, source: Path) -> None:
    """``ID,label`` with integers 0/1, in the order of Test.csv where ``source`` has or is one.

    source: a folder, an archive, or the file itself. A SampleSubmission.csv beside it gives the header.

    Raises FormatError when a patch of Test.csv has no answer.
    """
    text = submission_csv(answer, expected_of(source))
    with _writing(out) as file:
        file.write(text)


def submission_csv(answer: Decided, wanted: Expected) -> str:
    """The text of a submission. Raises FormatError when a patch of Test.csv has no answer."""
    decided = {str(name): int(pred) for name, pred in zip(answer.ids, answer.pred, strict=True) if pred >= 0}
    order = list(decided) if wanted.order is None or wanted.source == SAMPLE else wanted.order
    missing = [name for name in order if name not in decided]
    if missing:
        raise FormatError(
            f"{len(missing)} of {len(order)} patches of Test.csv have no answer (first: {missing[0]}). "
            "Their files are missing, unusable or without any data; a submission needs every one."
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(wanted.header)
    writer.writerows((csv_cell(name), decided[name]) for name in order)
    return text.getvalue()


def _writing(out: Path) -> io.TextIOBase:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.open("w", encoding="utf-8", newline="")


# ------------------------------------------------------------------------------------------------- the validator


def faults_of(submission: bytes, wanted: Expected) -> list[str]:
    """What is wrong with a submission, a sentence each, the gravest first; empty where nothing is.

    Checked: encoding, separator, header, that each row has two cells, labels 0 or 1 in whole numbers, the number of
    rows, missing, unknown and repeated ids, one id with two labels, the order.
    """
    try:
        text = submission.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ["The file is not text in UTF-8. Save it as CSV in UTF-8, not as a spreadsheet."]
    lines = [(number, row) for number, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
    if not lines:
        return ["The file is empty."]
    header, rows = lines[0][1], lines[1:]
    if len(header) == 1 and (other := next((one for one in ";\t|" if one in header[0]), None)):
        named = {";": "semicolons", "\t": "tabs", "|": "bars"}[other]
        return [f"The columns are separated by {named}. Save the file with commas between them."]
    found = _header_faults(header, wanted)
    odd = [number for number, row in rows if len(row) != 2]
    if odd:
        found.append(f"{_rows(len(odd))} not exactly two cells, an id and a label (first: line {odd[0]}).")
    pairs = [(number, row[0].strip(), row[1].strip()) for number, row in rows if len(row) == 2]
    return found + _label_faults(pairs) + _id_faults([name for _, name, _ in pairs], wanted)


def _header_faults(header: Sequence[str], wanted: Expected) -> list[str]:
    if tuple(header) == wanted.header:
        return []
    if len(header) == 2 and header[1].strip() in ("0", "1"):
        return [f"There is no header: the first line must be {','.join(wanted.header)}."]
    return [f"The header is {_text(','.join(header))}; it must be {','.join(wanted.header)}, written exactly so."]


def _label_faults(pairs: Sequence[tuple[int, str, str]]) -> list[str]:
    found = []
    wrong = [(number, label) for number, _, label in pairs if label not in ("0", "1")]
    if wrong:
        number, label = wrong[0]
        why = " Submit decisions, not probabilities." if _is_fraction(label) else ""
        found.append(f"{_rows(len(wrong))} a label other than 0 or 1 (first: '{_text(label)}', line {number}).{why}")
    labels: dict[str, set[str]] = {}
    for _, name, label in pairs:
        labels.setdefault(name, set()).add(label)
    if torn := [name for name, own in labels.items() if len(own) > 1]:
        found.append(f"{_ids(len(torn))} listed with two different labels (first: {_text(torn[0])}).")
    return found


def _id_faults(names: Sequence[str], wanted: Expected) -> list[str]:
    if wanted.order is None:
        return []
    have, need = Counter(names), Counter(wanted.order)
    found = []
    if len(names) != len(wanted.order):
        twice = [name for name, times in need.items() if times > 1]
        also = f", {_text(twice[0])} among them twice" if twice else ""
        found.append(f"There are {len(names):,} rows; {wanted.source} lists {len(wanted.order):,}{also}.")
    kinds = (
        ("missing", [name for name in need if name not in have]),
        (f"not in {wanted.source}", [name for name in have if name not in need]),
        ("listed too often", [name for name, times in have.items() if name in need and times > need[name]]),
        ("listed too seldom", [name for name, times in have.items() if times < need[name]]),
    )
    found += [f"{_ids(len(some))} {what} (first: {_text(some[0])})." for what, some in kinds if some]
    if not found:
        place = next((i for i, pair in enumerate(zip(names, wanted.order, strict=True)) if pair[0] != pair[1]), None)
        if place is not None:
            found.append(
                f"The order differs from {wanted.source}, first in row {place + 1:,}: {_text(names[place])} stands "
                f"where {_text(wanted.order[place])} should."
            )
    return found


def _rows(n: int) -> str:
    return "1 row has" if n == 1 else f"{n:,} rows have"


def _ids(n: int) -> str:
    return "1 id is" if n == 1 else f"{n:,} ids are"


def _text(cell: str) -> str:
    return shown(cell if len(cell) <= MOST_TEXT else f"{cell[:MOST_TEXT]}…")


def _is_fraction(cell: str) -> bool:
    try:
        return 0 <= float(cell) <= 1
    except ValueError:
        return False
