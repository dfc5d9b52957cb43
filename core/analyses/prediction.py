"""Probability and decision of a finished run for patches without labels, written to a CSV of the user's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.config.sections import NoDataValue, names_of
from core.progress import Steps
from core.runs.store import RunFolder


class PredictionOptions(Options):
    """What is answered for, how it is read, and where the answer goes."""

    source: str = Field(min_length=1, title="Source", description="A dataset file, or a folder or file of patches.")
    out: str = Field(min_length=1, title="CSV to write", description="The CSV to write; an existing one is replaced.")
    format: str | None = Field(None, title="Format", description="As of ingest; otherwise recognised.")
    bands: tuple[str, ...] | None = Field(None, title="Bands", description="Names of the bands in their order: a,b,c.")
    unit: str | None = Field(None, title="Unit", description="Of the optical bands: DN, reflectance or 0-255.")
    nodata: NoDataValue = Field(None, title="No-data value", description="A pixel with it in all bands holds no data.")
    submission: bool = Field(False, title="Submission", description="ID,label in the order of Test.csv (Zindi).")

    @field_validator("source", "out")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return str(Path(value).resolve())  # the worker has another working directory

    @field_validator("bands", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)


def analyse(run: RunFolder, options: PredictionOptions) -> Steps[dict[str, Any]]:
    """Answer for every usable patch of the source and write the CSV.

    Raises DataError for a source that is not recognised or has no usable patches, FormatError for other bands or units.
    """
    from core.predict.patches import answer
    from core.predict.sources import patches_of
    from core.predict.submission import write_predictions, write_submission

    source, out, rejected, warnings = Path(options.source), Path(options.out), [], []
    bands, batches, dataset = patches_of(
        source, options.format, options.bands, rejected, options.unit, options.nodata, warnings
    )
    answered = yield from answer(run, batches, bands, known=dataset, n=None if dataset is None else len(dataset))
    if options.submission:
        write_submission(out, answered, source)
    else:
        write_predictions(out, answered)
    n, n_positive = len(answered.ids), int((answered.pred == 1).sum())
    return {
        "run": run.name,
        "out": str(out),
        "n": n,
        "n_positive": n_positive,
        "threshold": answered.threshold,
        "head": answered.head,
        "n_no_data": int((~answered.known).sum()),
        "warnings": list(dict.fromkeys([*warnings, *answered.notes])),
        "rejected": [{"file": item.file, "reason": item.reason} for item in rejected],
        "message": f"{n:,} patches, {n_positive:,} of them called landslide, in {out.name}.",
    }


ANALYSIS = Analysis(
    name="prediction",
    title="Prediction",
    summary="Probability and decision for patches without labels, as a CSV.",
    page="results",
    Options=PredictionOptions,
    run=analyse,
)
