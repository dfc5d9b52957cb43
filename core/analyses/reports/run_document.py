"""The report of a run: its first page and its sections, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator

from core.analyses.reports.given import UNREADABLE, Given
from core.analyses.reports.run import (
    attention,
    bands,
    calibration,
    cost,
    data,
    errors,
    front,
    labels,
    limits,
    novelty,
    projection,
    reproduce,
    scores,
    shortcuts,
    slices,
    splits,
)
from core.progress import Progress, Steps
from core.report.parts import Document, Missing, Section
from core.runs.job_folder import now
from core.runs.labels import label_of, title_of
from core.runs.store import RunFolder
from core.text import one_line
from core.wording.names import head_title

SECTIONS = (
    data, splits, shortcuts, scores, calibration, slices, errors, projection, attention, bands, labels, novelty, limits,
    cost, reproduce,
)  # fmt: skip


def gathered(given: Given) -> Iterator[Section | Missing]:
    """Each section in turn; one that cannot be read does not take the others along."""
    for module in SECTIONS:
        try:
            yield module.made(given)
        except UNREADABLE as error:
            # damaged, or of another version: said in its place
            yield Missing(module.ANCHOR, module.TITLE, f"Its results cannot be read: {one_line(error, 300)}")


def document_of(run: RunFolder) -> Steps[Document]:
    """The whole document. Raises RunError for a run that has not finished or cannot be read."""
    yield Progress(0.0, "Reading the run.")
    given = Given.of(run)
    sections = []
    for section in gathered(given):
        sections.append(section)
        yield Progress(len(sections) / (len(SECTIONS) + 1), f"{section.title}: done.")
    record, note = given.record, label_of(run).note
    simulated = given.data is not None and bool(given.data.facts.get("simulated"))
    facts = [
        ("Dataset", str(record["dataset"]["name"])),
        ("Patches evaluated", f"{len(given.labels):,}, {int(given.labels.sum()):,} {given.positive}"),
        ("Network", given.config.model.backbone),
        ("Head", head_title(given.head)),
        ("Preset", given.config.preset),
        ("Run", run.name),
    ]
    return Document(
        "run", title_of(run), note, tuple(facts), tuple(sections), now()[:16].replace("T", " ") + " UTC",
        front.made(given), "Simulated data" if simulated else "",
    )  # fmt: skip
