"""Several runs' heads and anybody's probabilities as one ensemble, kept beside the runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from core.analyses.base import Analysis, Options
from core.data import uploads
from core.errors import UnsafeFileError
from core.progress import Steps
from core.runs.targets import CheckpointsTarget

NAME = "ensemble"
CSV = ".csv"


class EnsembleOptions(Options):
    """Who is combined, and how."""

    members: tuple[str, ...] = Field(
        min_length=2, max_length=30, title="Members",
        description="Runs (RUN or RUN:HEAD) and CSVs of out-of-fold probabilities (FILE.csv or FILE.csv:COLUMN).",
    )  # fmt: skip
    title: str = Field("", max_length=80, title="Name", description="What it is called; empty: the moment it is made.")
    method: Literal["stack", "average"] = Field(
        "stack", title="Method",
        description="stack: non-negative weights learnt on the other folds. average: every member counts the same.",
    )  # fmt: skip
    dataset: str | None = Field(
        None, title="Dataset", description="A dataset file whose labels count; otherwise those of the first run."
    )
    uploaded: bool = Field(
        False, title="Uploaded", description="The CSVs are uploads, which are removed when the job has ended."
    )

    @model_validator(mode="before")
    @classmethod
    def _absolute(cls, values: Any) -> Any:
        """Paths hold for the worker too, which has another working directory."""
        if not isinstance(values, dict):
            return values
        members = values.get("members")
        if isinstance(members, list | tuple):
            values = values | {"members": tuple(_absolute(str(one)) for one in members)}
        return values | ({"dataset": str(Path(values["dataset"]).resolve())} if values.get("dataset") else {})

    @model_validator(mode="after")
    def _different(self) -> Self:
        if twice := next((one for place, one in enumerate(self.members) if one in self.members[:place]), None):
            raise ValueError(f"'{twice}' is named twice: the same answers a second time add nothing. Leave one out.")
        return self


def _absolute(member: str) -> str:
    before, colon, column = member.rpartition(":")
    if member.lower().endswith(CSV):
        return str(Path(member).resolve())
    return f"{Path(before).resolve()}:{column}" if colon and before.lower().endswith(CSV) else member


def check(target: CheckpointsTarget, options: EnsembleOptions) -> None:
    """Raise ConfigError for a name that is taken, before a job is made of it."""
    from core.ensembles.folder import free_place

    if options.title.strip():
        free_place(target.checkpoints, options.title.strip())


def analyse(target: CheckpointsTarget, options: EnsembleOptions) -> Steps[dict[str, Any]]:
    """Make the ensemble (``core.ensembles.make``); uploaded CSVs are removed, however this ends."""
    from core.ensembles.make import make, sentence

    folders = {uploads.folder_of(Path(one), target.checkpoints) for one in options.members if CSV in one.lower()}
    if options.uploaded and None in folders:
        raise UnsafeFileError("A member is no upload, so it is not used as one. Upload it again.")
    try:
        dataset = None if options.dataset is None else Path(options.dataset)
        made = yield from make(options.members, target.checkpoints, options.title, options.method, dataset)
    finally:
        for folder in folders if options.uploaded else ():
            if folder is not None:
                uploads.forget(folder)
    return {"ensemble": made.name, "message": sentence(made)}


ANALYSIS = Analysis(
    name=NAME,
    title="Ensemble",
    summary="Several runs' heads and CSVs of probabilities, combined by weights that are learnt on the other folds.",
    page="results",
    view="ensemble",
    target="checkpoints",
    Options=EnsembleOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
