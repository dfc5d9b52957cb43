"""The import of patches from a folder, a file or an archive; one that was killed continues where it stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from core.analyses.base import Analysis, Options
from core.data import uploads
from core.data.check.files import file_rows
from core.data.readers import FORMATS, ReaderOptions, ingest, looked_at, spool
from core.data.readers.archives.unpack import unpacked
from core.data.shortcuts.betrayed import betrayed
from core.data.store import open_dataset
from core.errors import DataError
from core.progress import Progress, Steps
from core.runs.targets import CheckpointsTarget

AUTO = "auto"  # the format is recognised
FIXED = ("source", "out", "manifest")  # paths that are always relative to the working directory
PATHS = (*FIXED, "labels", "masks")


class SourceOptions(Options, ReaderOptions):
    """What is read, and how.

    Paths become absolute when they are given, since the job works elsewhere: ``labels`` and ``masks`` where they exist
    below the working directory or below the source.
    """

    format: str = Field(AUTO, title="Format", description=f"One of {', '.join(FORMATS)}, or auto: recognised.")
    source: Path = Field(title="Source", description="A folder, a file of patches, or a .zip, .tar or .tar.gz of it.")
    uploaded: bool = Field(
        False, title="Uploaded", description="The source is an upload (core.data.uploads), removed when it is imported."
    )

    @model_validator(mode="before")
    @classmethod
    def _absolute(cls, given: Any) -> Any:
        paths = {name: Path(given[name]).expanduser() for name in PATHS if isinstance(given.get(name), str | Path)}
        absolute = {name: path.absolute() for name, path in paths.items() if name in FIXED or path.exists()}
        for name in paths.keys() - absolute.keys():
            below = absolute["source"] / paths[name] if "source" in absolute else paths[name]
            absolute[name] = below if below.exists() else paths[name]
        return {**given, **absolute}

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in (AUTO, *FORMATS):
            raise ValueError(f"There is no format '{value}'. Known: {', '.join((AUTO, *FORMATS))}")
        return value

    @property
    def named_format(self) -> str | None:
        """The format; None: recognised."""
        return None if self.format == AUTO else self.format

    def reader_options(self) -> ReaderOptions:
        """How the source is read."""
        return ReaderOptions(**{name: getattr(self, name) for name in ReaderOptions.model_fields})

    def must_exist(self) -> None:
        """Raises DataError, with what to do, where there is no source."""
        if not self.source.exists():
            again = "Upload it again." if self.uploaded else "Give its full path on the machine that runs this."
            raise DataError(f"There is no folder or file {self.source}. {again}")


class ImportOptions(SourceOptions):
    """What is imported, to where, and how it is read."""

    out: Path = Field(title="Dataset file", description="The dataset file to write (.h5).")
    replace: bool = Field(False, title="Replace", description="Replace the dataset file if there is one already.")


def check(target: CheckpointsTarget, options: ImportOptions) -> None:
    """Raises DataError when the dataset file is there already, unless it may be replaced."""
    if options.out.exists() and not options.replace:
        raise DataError(
            f"{options.out} is there already, and is left as it is. Give --replace to replace it, or another name."
        )


def analyse(target: CheckpointsTarget, options: ImportOptions) -> Steps[dict[str, Any]]:
    """Read the source and write the dataset file; the result is the report: counts, files set aside, warnings.

    Raises DataError or FormatError, in plain words, when the source cannot be used; then no file is written.
    """
    began = time.monotonic()
    yield Progress(0.0, "Looking at the source.")
    upload = uploads.folder_of(options.source, target.checkpoints) if options.uploaded else None
    try:
        options.must_exist()
        with unpacked(options.source, beside=options.source if upload else options.out) as folder:
            format, folder = looked_at(folder, options.named_format, options.reader_options())
            report = yield from ingest(format, folder, options.out, options.reader_options())
    finally:
        if upload:  # neither the upload nor what was read of it stays
            uploads.forget(upload)
            spool.discard(options.out)
    return {
        "message": f"{report.n:,} patches imported into {report.dataset.name}.",
        "dataset": str(report.dataset.resolve()),
        "n": report.n,
        "n_positive": report.n_positive,
        "n_unlabelled": report.n_unlabelled,
        "rejected": [{"file": item.file, "reason": item.reason} for item in report.rejected],
        "warnings": [*report.warnings, *_betrayed(report.dataset)],
        "format": format,
        "seconds": time.monotonic() - began,
    }


def _betrayed(path: Path) -> list[str]:
    """Sentences on what the source files give away of the label, which are told before anybody trains."""
    dataset = open_dataset(path)
    rows = file_rows(betrayed(dataset, dataset.labels), dataset.positive)
    return [row.sentence() for row in rows if row.severity == "warning"]


ANALYSIS = Analysis(
    name="import_dataset",
    title="Import",
    summary="Builds a dataset file from a folder or an archive of patches; unusable files are set aside, with reasons.",
    page="dataset",
    view="import",
    target="checkpoints",
    Options=ImportOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
