"""Answers (:class:`core.predict.patches.Answer`) as files: a CSV of probabilities, or Zindi's submission."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from core.data.readers.archives.unpack import small_file
from core.data.readers.base import Aside
from core.data.readers.tables.text import names_in, table_of
from core.data.readers.zindi import IDS
from core.errors import FormatError
from core.io.csv_injection import csv_cell
from core.predict.patches import Answer
from core.predict.triage import Triage


def write_predictions(
    out: Path,
    answer: Answer,
    known: np.ndarray,
    triaged: Triage | None = None,
    at_prevalence: np.ndarray | None = None,
    novelty: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Columns id, prob (of landslide, 0-1), pred (0/1 at the run's deployed threshold) and known.

    Probability and decision are empty where a patch holds no data.

    known: (N,) text, how the run knows the patch from its training (identical, near, place, group), "" if it does not.
    With a safety target also prob_highest (of the folds' models) and triage ("cleared" or "inspect"). at_prevalence:
    (N,) probabilities at the stated share of landslides, as prob_at_prevalence. novelty: (N,) p-values, nan for none,
    and (N,) the names of what is most unusual, as novelty and unusual.
    """
    rows = zip(answer.ids, answer.probs, answer.pred, strict=True)
    cells = [(csv_cell(str(i)), _prob(p), int(d) if d >= 0 else "") for i, p, d in rows]
    header: tuple[str, ...] = ("id", "prob", "pred")
    if at_prevalence is not None:
        header += ("prob_at_prevalence",)
        cells = [(*row, _prob(p)) for row, p in zip(cells, at_prevalence, strict=True)]
    if triaged is not None:
        header += ("prob_highest", "triage")
        more = zip(answer.by_fold.max(axis=0), triaged.cleared, strict=True)
        cells = [(*row, _prob(p), "cleared" if c else "inspect") for row, (p, c) in zip(cells, more, strict=True)]
    if novelty is not None:
        header += ("novelty", "unusual")
        cells = [(*row, _prob(p), str(name)) for row, p, name in zip(cells, *novelty, strict=True)]
    _write(out, (*header, "known"), [(*row, str(kind)) for row, kind in zip(cells, known, strict=True)])


def _prob(value: float) -> str:
    return f"{value:.6f}" if np.isfinite(value) else ""


def write_submission(out: Path, answer: Answer, source: Path) -> None:
    """``ID,label`` with integers 0/1, in the order of Test.csv where ``source`` (a folder or an archive) has one.

    A SampleSubmission.csv beside it gives the header. Raises FormatError when a patch of Test.csv has no answer.
    """
    header, decided = (
        ("ID", "label"),
        {str(name): int(pred) for name, pred in zip(answer.ids, answer.pred, strict=True) if pred >= 0},
    )
    if sample := small_file(source, "SampleSubmission.csv"):
        names = names_in(sample, Path("SampleSubmission.csv"))
        header = (*names, *header[len(names) :])[:2]
    order = list(decided)
    if content := small_file(source, "Test.csv"):
        test = table_of(content, Path("Test.csv"), Aside())
        order = test.cells(test.column(None, IDS, "patch ids"))
    missing = [name for name in order if name not in decided]
    if missing:
        raise FormatError(
            f"{len(missing)} of {len(order)} patches of Test.csv have no answer (first: {missing[0]}). "
            "Their files are missing, unusable or without any data; a submission needs every one."
        )
    _write(out, header, ((csv_cell(name), decided[name]) for name in order))


def _write(out: Path, header: tuple[str, ...], rows: object) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
