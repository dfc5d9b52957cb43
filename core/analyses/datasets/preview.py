"""A look at a source before it is imported: what was understood, twelve patches, and what is left open.

Nothing is imported. The newest looks are kept; an older one is made anew when it is asked for again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from core.analyses.base import Analysis
from core.analyses.datasets.importing import SourceOptions
from core.data import uploads
from core.data.readers.archives.unpack import unpacked
from core.data.readers.preview import Preview, look
from core.errors import RunError
from core.io.atomic import remove_tree
from core.progress import Progress, Steps
from core.runs.targets import CheckpointsTarget
from core.text import counted

KEPT = 8  # looks whose pictures are kept
REPORT = "report.json"
NAMED = 5  # files set aside, in a terminal


class PreviewOptions(SourceOptions):
    """What is looked at, and how it is read."""

    declined: tuple[str, ...] = Field(
        (),
        title="Not to be tried",
        description="Options whose likely answer is not tried: labels, masks or group_column.",
    )


@dataclass(frozen=True)
class Look:
    """facts: see ``core.data.readers.preview``. images: (n, C, h, w), nan: no data. masks: (n, h, w), or None."""

    facts: dict[str, Any]
    images: np.ndarray
    masks: np.ndarray | None


def analyse(target: CheckpointsTarget, options: PreviewOptions) -> Steps[dict[str, Any]]:
    """Look at the source; the result is what was understood, and ``pictures``: the name under which they are kept.

    Raises DataError or FormatError, in plain words, when the source cannot be used.
    """
    yield Progress(0.0, "Looking at the source.")
    options.must_exist()
    upload = uploads.folder_of(options.source, target.checkpoints) if options.uploaded else None
    with unpacked(options.source, beside=options.source if upload else None) as folder:
        found = yield from look(options.named_format, folder, options.reader_options(), options.declined)
    facts = {"source": str(options.source), **found.facts}
    name = hashlib.sha256(options.model_dump_json().encode()).hexdigest()[:16]
    _keep(target, name, found, facts)
    return {"message": _message(facts), "pictures": name, **facts}


def _keep(target: CheckpointsTarget, name: str, found: Preview, facts: dict[str, Any]) -> None:
    results = target.results(ANALYSIS.name)
    part = results.part(name)
    arrays = {"images": found.images} | ({} if found.masks is None else {"masks": found.masks})
    part.write_arrays("patches", arrays)
    part.write_json(REPORT, facts)
    others = sorted((results.path / one for one in results.parts(REPORT) if one != name), key=_age)
    for path in others[: max(0, len(others) + 1 - KEPT)]:
        remove_tree(path)


def _age(path: Any) -> float:
    return (path / REPORT).stat().st_mtime


def _message(facts: dict[str, Any]) -> str:
    if facts["n"] is None:
        return "One question must be answered before patches can be shown."
    n_open = sum(question["must"] and question["answer"] is None for question in facts["questions"])
    asked = f" Questions to answer before an import: {n_open}." if n_open else ""
    return f"{found_words(facts)}.{asked}"


def found_words(facts: dict[str, Any]) -> str:
    """How many patches were found: ``2,800 patches``, ``1 image, cut into 288 tiles``."""
    if not facts["n_tiles"]:
        return counted(facts["n"], "patch", "patches")
    images, tiles = counted(facts["n"], "image"), counted(facts["n_tiles"], "tile")
    if facts["n_looked"] < facts["n"]:
        return f"{images}, {facts['n_looked']:,} of them cut into {tiles}"
    return f"{images}, cut into {tiles}"


def text(facts: dict[str, Any]) -> str:
    """What was understood, for the terminal."""
    lines = [f"Format: {facts['format']}"]
    if facts["n"] is not None:
        lines += [
            f"Found: {found_words(facts)} ({facts['n_looked']:,} looked at)",
            f"Classes: {class_counts(facts['labels'])}",
            f"Patch: {' x '.join(map(str, facts['shape']))} (bands, rows, columns), {facts['dtype']}",
            *(f"Band {band_text(band)}" for band in facts["bands"]),
            f"Groups: {facts['groups'] or 'none'}; masks: {facts['n_masks']:,}; places: {facts['n_placed']:,}; splits: "
            + (", ".join(f"{name} {n:,}" for name, n in facts["splits"].items()) or "none"),
            *(f"Warning: {text}" for text in facts["warnings"]),
            *(f"Set aside: {one['file']}: {one['reason']}" for one in facts["rejected"][:NAMED]),
        ]
        more = facts["n_rejected"] - NAMED
        lines += [f"Set aside: {more:,} more"] if more > 0 else []
    for asked in facts["questions"]:
        flag = f"--{asked['option'].replace('_', '-')}"
        answer = "" if asked["answer"] is None else f" {asked['answer']}"
        state = "Assumed" if answer else "To be answered" if asked["must"] else "Open"
        until = "" if asked["meanwhile"] is None else f" Shown here with {asked['meanwhile']}."
        lines.append(f"{state} [{flag}{answer}]: {asked['text']}{until}")
    return "\n".join(lines)


def class_counts(labels: dict[str, Any]) -> str:
    """The classes with their numbers of patches: ``12 landslide, 20 other``."""
    words = ((labels["positive"], "n_positive"), (labels["negative"], "n_negative"), ("unlabelled", "n_unlabelled"))
    known = ", ".join(f"{labels[key]:,} {name}" for name, key in words if labels[key])
    return f"{known or 'none'}{' (of those looked at)' if labels['counted'] == 'some' else ''}"


def band_text(band: dict[str, Any]) -> str:
    """A band with its unit and the values found: ``red (DN), 300 to 1,700``."""
    values = band["values"]
    found = f", {values['q01']:.4g} to {values['q99']:.4g}" if values else ", no values"
    unit = f" ({band['unit']})" if band["unit"] else ""
    note = f": {band['note']}" if band["note"] else ""
    return f"{band['name']}{unit}{found}{note}"


def read(target: CheckpointsTarget, pictures: str | None = None) -> Look | None:
    """The look of that name; None where its pictures are no longer kept."""
    part = target.results(ANALYSIS.name).part(pictures) if pictures else None
    if part is None or not part.has(REPORT):
        return None
    try:
        arrays = part.arrays("patches")
    except RunError:
        return None
    return Look(part.json(REPORT), arrays["images"], arrays.get("masks"))


ANALYSIS = Analysis(
    name="preview_import",
    title="Import preview",
    summary="What an import would make of a source: bands, classes, groups, some patches, and what is left open.",
    page="dataset",
    view="import",
    target="checkpoints",
    Options=PreviewOptions,
    run=analyse,
    read=read,
    needs_device=False,
)
