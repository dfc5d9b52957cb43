"""A finished run evaluated on another labelled dataset, and how far that lies from the data it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.progress import Steps
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from core.text import number


class ExternalOptions(Options):
    """The dataset to evaluate on."""

    dataset: str = Field(
        min_length=1, title="Dataset", description="A labelled dataset file (.h5) that has the run's bands."
    )
    groups: Literal["same", "other"] = Field(
        "same",
        title="Groups of one name",
        description="In this dataset and in the run's. same: the same scene, so its patches are left out. other: a "
        "coincidence of names.",
    )

    @field_validator("dataset")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return str(Path(value).resolve())  # the worker has another working directory


@dataclass(frozen=True)
class ExternalValidation:
    """The evaluation on one dataset; the same dataset's earlier one is replaced.

    report: see ``core.predict.external.External.to_dict``.
    """

    name: str
    report: dict[str, Any]
    results: ResultFolder

    def patches(self) -> pd.DataFrame:
        """Its patches: id, label, prob, pred, group where groups are known, prob_fold_1 and so on."""
        return self.results.table("patches")


def analyse(run: RunFolder, options: ExternalOptions) -> Steps[dict[str, Any]]:
    """Evaluate the run on the dataset and keep what was measured.

    Raises DataError for a dataset that cannot be opened, and what ``core.predict.external.evaluate_on`` does.
    """
    from core.data.store import open_dataset
    from core.predict.external import evaluate_on

    external = yield from evaluate_on(run, open_dataset(Path(options.dataset)), group_names=options.groups == "same")
    results = run.results(ANALYSIS.name).part(external.dataset_name)
    results.write_table("patches", external.patches)
    results.write_json("report.json", external.to_dict())
    n, f1 = external.judged["n"], number(external.judged["f1"])
    return {"name": results.path.name, "message": f"F1 {f1} on {external.dataset_name}, n = {n:,} patches."}


def read(run: RunFolder) -> dict[str, ExternalValidation] | None:
    """Every evaluation by its name, or None before the first."""
    results = run.results(ANALYSIS.name)
    parts = {name: results.part(name) for name in results.parts()}
    return {name: ExternalValidation(name, part.json("report.json"), part) for name, part in parts.items()} or None


ANALYSIS = Analysis(
    name="external_validation",
    title="External validation",
    summary="Metrics on another labelled dataset, beside those of training and validation, and how the data differ.",
    page="results",
    view="external",
    Options=ExternalOptions,
    run=analyse,
    read=read,
)
