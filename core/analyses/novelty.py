"""How surely patches and scenes unlike the training set are told from others, measured by planting faults."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.analyses.base import Analysis, Options
from core.progress import Steps, part
from core.runs.store import RunFolder

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
    save(results.part("calibration"), novelty)
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
