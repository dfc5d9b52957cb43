"""How surely patches and scenes unlike the training set are told from others, measured by planting faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from core.analyses.base import Analysis, Options
from core.progress import Steps, part
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

if TYPE_CHECKING:
    from core.predict.novelty.own import OwnNovelty

NAME = "novelty"


class NoveltyOptions(Options):
    """How many held-out patches faults are planted in."""

    patches: int = Field(
        150,
        ge=20,
        le=5000,
        title="Patches",
        description="Held-out patches in which each fault is planted, spread over the folds.",
    )


def analyse(run: RunFolder, options: NoveltyOptions) -> Steps[dict[str, Any]]:
    """Calibrate, plant each fault in held-out patches, and count what is found.

    Raises RunError where the run has not finished or its dataset has changed, DataError for too few groups.
    """
    from core.predict.novelty.fit import fit, save
    from core.predict.novelty.rates import planted_rates

    novelty = yield from part(fit(run), 0.0, 0.4)
    results = run.results(NAME)
    save(_calibration(run), novelty)
    report = yield from part(planted_rates(run, novelty, options.patches), 0.4, 1.0)
    results.write_json("report.json", report)
    false = report["false_alarms"]["patches"]
    planted = f"{len(report['faults'])} faults planted in {report['n']:,} held-out patches"
    message = f"{planted}; false alarms {false['share']:.1%}."
    return {"run": run.name, "message": message, **report}


def read(run: RunFolder) -> dict[str, Any] | None:
    """The rates, or None before they were measured."""
    results = run.results(NAME)
    return results.json("report.json") if results.has("report.json") else None


def read_patches(run: RunFolder) -> OwnNovelty | None:
    """How unlike the others each of the run's own patches is, or None before anything was calibrated."""
    from core.predict.novelty.fit import load
    from core.predict.novelty.own import own_novelty

    novelty = load(run, _calibration(run))
    return None if novelty is None else own_novelty(run, novelty)


def patches_file(run: RunFolder) -> Path | None:
    """What :func:`read_patches` reads, written last; None where nothing was calibrated."""
    folder = _calibration(run)
    return folder.path / "report.json" if folder.has("report.json") else None


def _calibration(run: RunFolder) -> ResultFolder:
    return run.results(NAME).part("calibration")


ANALYSIS = Analysis(
    name=NAME,
    title="Novelty",
    summary="How surely swapped bands, wrong units and other faults are found in new patches, at which false alarms.",
    page="results",
    view="novelty",
    Options=NoveltyOptions,
    run=analyse,
    read=read,
)
