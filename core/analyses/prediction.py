"""Probability and decision of a finished run for patches without labels, written to a CSV of the user's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from core.analyses.base import Analysis, Options
from core.config.sections import NoDataValue, names_of
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target
from core.progress import Steps, part
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
    prevalence: float | None = Field(
        None,
        gt=0,
        lt=1,
        title="Share of landslides",
        description="How frequent landslides are there, such as 0.02; none: as stated for the run or its dataset.",
    )
    miss_rate: float | None = Field(
        None,
        gt=0,
        lt=1,
        title="Share of landslides that may be missed",
        description="Clears patches without inspection so that at most this share of the landslides is missed "
        "(95% confidence).",
    )
    missed_per_1000: float | None = Field(
        None,
        gt=0,
        lt=1000,
        title="Missed landslides per 1,000 patches",
        description="Clears patches without inspection so that at most so many of 1,000 patches are a missed landslide "
        "(95% confidence).",
    )
    design_effect: float = Field(
        UNGROUPED_EFFECT,
        ge=1,
        title="Design effect",
        description="Patches that count as one independent patch for a safety target, where the run knows no groups.",
    )

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.miss_rate is not None and self.missed_per_1000 is not None:
            raise ValueError("miss_rate and missed_per_1000 are two ways to state one target: give one of them.")
        return self

    def target(self) -> Target | None:
        """The safety target, or None."""
        if self.miss_rate is not None:
            return Target("miss_rate", self.miss_rate)
        return None if self.missed_per_1000 is None else Target("missed_per_1000", self.missed_per_1000)

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
    from core.predict.known_patches import Watch, by_kind
    from core.predict.novelty.collect import Collector
    from core.predict.novelty.fit import fitted
    from core.predict.patches import Ensemble, answer
    from core.predict.prevalence import at_prevalence
    from core.predict.sources import patches_of
    from core.predict.submission import write_predictions, write_submission
    from core.predict.training_record import training_record
    from core.predict.triage import run_rule, triage
    from core.runs.prevalence import prevalence_of

    target, triaged = options.target(), None
    if target is not None:  # before any network is loaded: it may be refused
        rule = run_rule(run, run.config().heads.headline(run.rules()), target, options.design_effect)
    stated = options.prevalence or (of_run.share if (of_run := prevalence_of(run)) else None)
    source, out, rejected, warnings = Path(options.source), Path(options.out), [], []
    bands, batches, dataset = patches_of(
        source, options.format, options.bands, rejected, options.unit, options.nodata, warnings
    )
    ensemble, record = Ensemble.load(run), (yield from part(training_record(run), 0.0, 0.05))
    watch = Watch(run, record, ensemble.band_names)
    fit, collector = (yield from part(fitted(run), 0.05, 0.1)), None
    if fit is not None:
        whole = all(dataset is not None and name in dataset.columns for name in ensemble.columns)
        collector = Collector(fit, ensemble.models[0].network.bands, embeds=whole)
    n = None if dataset is None else len(dataset)
    steps = answer(run, batches, bands, ensemble, known=dataset, n=n, watch=watch, novelty=collector)
    answered = yield from part(steps, 0.1, 0.8)
    known = yield from part(watch.known(dataset), 0.8, 1.0)
    there = None if stated is None else at_prevalence(run, answered, stated)
    if there is not None:
        answered = there.answer
    if target is not None:
        triaged = triage(rule, answered.by_fold)
    unlike = None if collector is None else collector.found()
    if options.submission:
        write_submission(out, answered, source)
    else:
        columns = None if unlike is None else unlike.columns(answered.has_answer)
        write_predictions(out, answered, known.kind, triaged, None if there is None else there.probs, columns)
    novel = [unlike.sentence()] if unlike is not None and unlike.is_told else []
    n, n_positive = len(answered.ids), int((answered.pred == 1).sum())
    return {
        "run": run.name,
        "out": str(out),
        "n": n,
        "n_positive": n_positive,
        "threshold": answered.threshold,
        "head": answered.head,
        "n_known": int(known.any.sum()),
        "known": by_kind(known),
        "n_no_data": int((~answered.has_answer).sum()),
        "warnings": list(dict.fromkeys([*novel, *warnings, *answered.notes, *watch.warnings(known)])),
        "novelty": None if unlike is None else unlike.to_dict(),
        "rejected": [{"file": item.file, "reason": item.reason} for item in rejected],
        "prevalence": None if there is None else there.to_dict(),
        "triage": None if triaged is None else triaged.to_dict(),
        "message": f"{n:,} patches, {n_positive:,} of them called landslide, in {out.name}."
        + (f" {triaged.sentence()}" if triaged else ""),
    }


ANALYSIS = Analysis(
    name="prediction",
    title="Prediction",
    summary="Probability and decision for patches without labels, as a CSV.",
    page="predict",
    view="patches",
    Options=PredictionOptions,
    run=analyse,
)
