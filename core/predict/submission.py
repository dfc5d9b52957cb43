"""Answers as files: a CSV of probabilities, or Zindi's submission.

Comes in: an :class:`core.predict.patches.Answer`. Goes out: a CSV. It knows nothing of models.
"""

from __future__ import annotations

import csv
from pathlib import Path

from core.errors import FormatError
from core.predict.patches import Answer
from core.tables import csv_cell


def write_predictions(out: Path, found: Answer) -> None:
    """Columns id, prob (of landslide, 0-1) and pred (0/1 at the run's deployed threshold)."""
    rows = zip(found.ids, found.probs, found.pred, strict=True)
    _write(out, ("id", "prob", "pred"), ((csv_cell(str(i)), f"{p:.6f}", int(d)) for i, p, d in rows))


def write_submission(out: Path, found: Answer, source: Path) -> None:
    """``ID,label`` with integers 0/1, in the order of Test.csv where ``source`` has one.

    A SampleSubmission.csv beside it names the header. Raises FormatError when a patch of Test.csv has no answer.
    """
    header = ("ID", "label")
    sample, test = source / "SampleSubmission.csv", source / "Test.csv"
    if sample.is_file():
        with sample.open(encoding="utf-8-sig", newline="") as file:
            header = tuple(next(csv.reader(file)))[:2]
    decided = {str(name): int(pred) for name, pred in zip(found.ids, found.pred, strict=True)}
    order = list(decided)
    if test.is_file():
        with test.open(encoding="utf-8-sig", newline="") as file:
            order = [row[0].strip() for row in csv.reader(file) if row][1:]
    missing = [name for name in order if name not in decided]
    if missing:
        raise FormatError(
            f"{len(missing)} of {len(order)} patches of {test.name} have no answer (first: {missing[0]}). "
            "Their files are missing or unusable; a submission needs every one."
        )
    _write(out, header, ((csv_cell(name), decided[name]) for name in order))


def _write(out: Path, header: tuple[str, ...], rows: object) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
