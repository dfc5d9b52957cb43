"""A finished run judged by a version of the labels: its metrics before and after, without any training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.data.label_versions import LATEST, LabelVersion, read_version
from core.data.store import open_dataset
from core.progress import Progress, Steps
from core.runs.job_folder import now
from core.runs.plain_files import to_json_value
from core.runs.store import RunFolder
from core.text import difference, interval, number

NAME = "corrected_labels"
CHOSEN = (
    "The reviewed labels were chosen where the run doubts them, so wrong labels that it agrees with are still there "
    "and the change is on the high side."
)


class CorrectedLabelsOptions(Options):
    """The version of the labels."""

    version: str = Field(
        LATEST, min_length=1, title="Version of the labels", description="Its name, its number (v2), or latest."
    )


def analyse(run: RunFolder, options: CorrectedLabelsOptions) -> Steps[dict[str, Any]]:
    """Judge the run's out-of-fold answers by the version of the labels, and keep what changed.

    Raises RunError for a run that has not finished, DataError for a version that does not fit its dataset.
    """
    yield Progress(0.1, "Judging the same answers by the corrected labels.")
    report = judged(run, version_of(run, options.version))
    run.results(NAME).part(report["version"]["name"]).write_json("report.json", report)
    return {"run": run.name, **report}


def check(run: RunFolder, options: CorrectedLabelsOptions) -> None:
    """Raises DataError for a version that is not there."""
    version_of(run, options.version)


def read(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """The reports by version; None before the first."""
    results = run.results(NAME)
    return {name: results.part(name).json("report.json") for name in results.parts()} or None


def version_of(run: RunFolder, name: str) -> LabelVersion:
    """The version of the labels of the run's dataset. Raises DataError as ``core.data.label_versions``."""
    return read_version(run.dataset_path(), name)


def judged(run: RunFolder, version: LabelVersion, heads: Sequence[str] | None = None) -> dict[str, Any]:
    """The run by its own labels and by those of the version: a fifth of a second a head.

    heads: the headline's is judged in any case; none: all.

    Returns plain values: version, run_labels (the version that it was trained with), head, n_before, n_after, n_both,
    n_changed, n_right, rows (see ``core.review.rejudged``), message, note.
    """
    from core.review.rejudged import rejudge

    run.require_finished()
    oof, summary = run.oof(), run.summary()
    dataset = open_dataset(Path(run.dataset_path()))
    ids = oof["id"].astype(str).tolist()
    after = version.apply(dataset)[dataset.index_of(ids)].astype(int)
    names = [name for name in summary["heads"] if heads is None or name in {*heads, summary["head"]}]
    answers = {name: (oof[f"pred_{name}"].to_numpy(), oof[f"prob_{name}"].to_numpy()) for name in names}
    groups = None if (oof["group"] == "").all() else oof["group"].to_numpy()
    found = rejudge(oof["label"].to_numpy().astype(int), after, answers, groups, summary["head"])
    report = {
        "made": now(),
        "version": version.record(),
        "run_labels": run.config().data.labels,
        "head": summary["head"],
        "n_before": found.n_before,
        "n_after": found.n_after,
        "n_both": found.n_both,
        "n_changed": found.n_changed,
        "n_right": found.n_right,
        "n_without_answer": int((np.isin([c.id for c in version.changes], ids, invert=True)).sum()),
        "rows": [row.to_dict() for row in found.rows],
    }
    report = to_json_value(report)
    return report | {"message": _message(report), "note": CHOSEN}


def _message(report: dict[str, Any]) -> str:
    row = next(row for row in report["rows"] if (row["head"], row["metric"]) == (report["head"], "f1"))
    sides = (f"{number(row[side])} [{interval(row[f'{side}_interval'])}]" for side in ("before", "after"))
    change = f"{difference(row['difference'])} [{interval(row['difference_interval'], signed=True)}]"
    return (
        f"F1 {' → '.join(sides)}; {report['n_changed']:,} of {report['n_both']:,} labels changed, difference {change}."
    )


ANALYSIS = Analysis(
    name=NAME,
    title="Corrected labels",
    summary="What a version of the labels changes in a run's metrics: the same answers, judged again.",
    page="review",
    Options=CorrectedLabelsOptions,
    run=analyse,
    read=read,
    check=check,
    needs_device=False,
)
