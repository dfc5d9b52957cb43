"""The check of a dataset: what would spoil training, what is doubtful, and what is in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.analyses.base import Analysis, NoOptions
from core.analyses.datasets.state import state_of
from core.data.check import CheckReport, check
from core.data.exclusions import labels_in_use
from core.data.store import open_dataset
from core.progress import Progress, Steps
from core.runs.targets import DatasetTarget


@dataclass(frozen=True)
class DatasetCheck:
    """The findings, and ``facts`` of the state of the dataset that they speak of (``core.analyses.datasets.state``)."""

    report: CheckReport
    facts: dict[str, Any]


def analyse(target: DatasetTarget, options: NoOptions) -> Steps[dict[str, Any]]:
    """Look at every patch and every pair; patches on the exclusion list count as unlabelled, as in training.

    Raises DataError for a file that is no dataset.
    """
    yield Progress(0.0, "Opening the dataset.")
    dataset = open_dataset(target.path)
    facts = state_of(dataset)
    report = yield from check(dataset, labels=labels_in_use(dataset))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    target.results(ANALYSIS.name).write_json("report.json", {**report.to_dict(), **facts, "made": made})
    errors, warnings = (sum(row.severity == word for row in report.rows) for word in ("error", "warning"))
    return {"message": f"{errors} errors, {warnings} warnings.", "ok": report.ok}


def read(target: DatasetTarget) -> DatasetCheck | None:
    """The newest report, or None before the first check."""
    results = target.results(ANALYSIS.name)
    if not results.has("report.json"):
        return None
    values = results.json("report.json")
    facts = {name: value for name, value in values.items() if name not in ("ok", "rows", "files")}
    return DatasetCheck(CheckReport.from_dict(values), facts)


ANALYSIS = Analysis(
    name="dataset_check",
    title="Dataset check",
    summary="What would spoil training: labels, units, damaged values, duplicates, and patches of the same ground.",
    page="dataset",
    view="check",
    target="dataset",
    run=analyse,
    read=read,
    needs_device=False,
)
