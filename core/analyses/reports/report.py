"""A report as one self-contained HTML file: of a run, of a scene that it answered for, or of several runs compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from core.analyses.base import Analysis, Options
from core.config.sections import names_of
from core.errors import ConfigError
from core.progress import Progress, Steps, part
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, open_run

NAME, FILE = "report", "report.html"
MOST_BYTES = 10 * 2**20  # of a report: what can be sent by mail
ENDINGS = (".html", ".htm")


class ReportOptions(Options):
    """Which of the three documents, and where it goes."""

    scene: str | None = Field(
        None,
        max_length=200,
        title="Scene",
        description="Report this scene's map instead of the run: its name, as Predict and the job list show it.",
    )
    against: Annotated[tuple[str, ...], BeforeValidator(names_of)] = Field(
        (), max_length=8, title="Against", description="Names of finished runs to compare with, commas between."
    )
    out: str | None = Field(
        None, title="File to write", description="An .html file; none: kept with the run, where the page shows it."
    )

    @field_validator("out")
    @classmethod
    def _is_html(cls, value: str | None) -> str | None:
        if value is None:
            return None
        path = Path(value).resolve()  # the worker has another working directory
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(f"out is {path.name}; accepted: a name that ends in .html")
        return str(path)


def analyse(run: RunFolder, options: ReportOptions) -> Steps[dict[str, Any]]:
    """Gather, lay out and write the document.

    Raises RunError for a run, scene or other run that is not there or has not finished.
    """
    from core.io.atomic import write_text
    from core.report.page import html_of

    check(run, options)
    yield Progress(0.0, "Gathering what was found.")
    document = yield from part(_document(run, options), 0.0, 0.95)
    text = html_of(document)
    size = len(text.encode("utf-8"))
    if size > MOST_BYTES:
        raise ConfigError(
            f"The report would have {size / 2**20:.0f} MiB, more than {MOST_BYTES // 2**20}. Report a bug."
        )
    own = kept(run, options)
    own.path.mkdir(parents=True, exist_ok=True)
    write_text(own.path / FILE, text)
    if options.out:
        write_text(Path(options.out), text)
    report = {
        "made": now(), "kind": document.kind, "title": document.title, "bytes": size, "out": options.out,
        "options": options.model_dump(mode="json"),
        "missing": [
            {"title": one.title, "what": one.what, "command": one.command, "analysis": one.analysis,
             "target": one.target, "options": dict(one.options)}
            for one in document.missing
        ],
    }  # fmt: skip
    own.write_json("report.json", report)
    lacking = f", {len(document.missing)} sections not computed" if document.missing else ""
    where = Path(options.out).name if options.out else FILE
    return report | {
        "run": run.name,
        "name": own.path.name,
        "message": f"{where}: {document.title}, {size / 1e6:.1f} MB{lacking}.",
        "warnings": [f"{one.title}: {one.what}" for one in document.missing],
    }


def check(run: RunFolder, options: ReportOptions) -> None:
    """Raises ConfigError for two documents at once, RunError for a run or scene that is not there or not finished."""
    run.require_finished()
    if options.scene is not None and options.against:
        raise ConfigError("A report is of a scene, or it compares runs: give --scene or --against.")
    if options.out and Path(options.out).is_dir():
        raise ConfigError(f"{Path(options.out).name} is a folder. Name the file: report.html in it, for example.")
    if options.scene is not None:
        from core.analyses.reports.scene_document import chosen

        chosen(run, options.scene)
    for name in options.against:
        if name == run.name:
            raise ConfigError(f"Run '{name}' cannot be compared with itself. Name another.")
        open_run(run.checkpoints, name).require_finished()


def kept(run: RunFolder, options: ReportOptions) -> ResultFolder:
    """Where this document is kept with the run: one folder a kind of document, scene or set of runs.

    Raises RunError for a scene that is not there.
    """
    results = run.results(NAME)
    if options.scene is not None:
        from core.analyses.reports.scene_document import chosen

        return results.part(f"scene-{chosen(run, options.scene)[0]}")
    return results.part("-".join(("against", *sorted(options.against))) if options.against else "run")


def read(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """The cards of the reports that were made, by name; None before the first."""
    results = run.results(NAME)
    return {name: results.part(name).json("report.json") for name in results.parts()} or None


def text_of(run: RunFolder, name: str) -> str:
    """The HTML of a report that was made. Raises RunError where it is not there."""
    from core.io.plain_file import read_bytes

    return read_bytes(run.results(NAME).part(name).path / FILE, MOST_BYTES).decode("utf-8")


def _document(run: RunFolder, options: ReportOptions) -> Steps[Any]:
    from core.analyses.reports import comparison_document, run_document, scene_document

    if options.scene is not None:
        return (yield from scene_document.document_of(run, options.scene))
    if options.against:
        others = [open_run(run.checkpoints, name) for name in options.against]
        return (yield from comparison_document.document_of(run, others))
    return (yield from run_document.document_of(run))


ANALYSIS = Analysis(
    name=NAME,
    title="Report",
    summary="One self-contained HTML file of a run, of a scene it answered for, or of several runs compared.",
    page="report",
    Options=ReportOptions,
    run=analyse,
    read=read,
    check=check,
    needs_device=False,
)
