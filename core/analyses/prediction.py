"""Probability, decision and answer for patches without labels: a CSV of the user's choice, and what a page shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from core.analyses.base import Analysis
from core.analyses.safety import SafetyOptions
from core.config.sections import NoDataValue, names_of
from core.data import uploads
from core.data.readers.base import Rejection
from core.errors import UnsafeFileError
from core.progress import Progress, Steps, part
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, now

NAME = "prediction"


class PredictionOptions(SafetyOptions):
    """What is answered for, how it is read, and where the answer goes."""

    source: str = Field(min_length=1, title="Source", description="A dataset file, or a folder or file of patches.")
    out: str = Field(min_length=1, title="CSV to write", description="The CSV to write; an existing one is replaced.")
    format: str | None = Field(None, title="Format", description="As of ingest; otherwise recognised.")
    bands: tuple[str, ...] | None = Field(None, title="Bands", description="Names of the bands in their order: a,b,c.")
    unit: str | None = Field(None, title="Unit", description="Of the optical bands: DN, reflectance or 0-255.")
    nodata: NoDataValue = Field(None, title="No-data value", description="A pixel with it in all bands holds no data.")
    submission: bool = Field(False, title="Submission", description="ID,label in the order of Test.csv (Zindi).")
    false_per_1000: float | None = Field(
        None,
        gt=0,
        lt=1000,
        title="False alarms accepted per 1,000 patches",
        description="With a safety target: also accepts as landslides, without inspection, what is so probable that at "
        "most so many of 1,000 patches are false alarms among them (95% confidence).",
    )
    pictures: bool = Field(
        False,
        title="Keep patches to look at",
        description="Keeps the table and up to 60 patches of each answer, with attention maps, for the Predict page.",
    )
    uploaded: bool = Field(
        False, title="Uploaded", description="The source is an upload, which is removed when the job has ended."
    )

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.miss_rate is not None and self.missed_per_1000 is not None:
            raise ValueError("miss_rate and missed_per_1000 are two ways to state one target: give one of them.")
        if self.false_per_1000 is not None and self.target() is None:
            raise ValueError("false_per_1000 goes with a safety target: give miss_rate or missed_per_1000 too.")
        return self

    @field_validator("source", "out")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return str(Path(value).resolve())  # the worker has another working directory

    @field_validator("bands", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)


def analyse(run: RunFolder, options: PredictionOptions) -> Steps[dict[str, Any]]:
    """Answer for every usable patch of the source and write the CSV; an upload is removed, however this ends.

    Raises DataError for a source that is not recognised or has no usable patches, FormatError for other bands or units,
    UnsafeFileError for an upload that lies elsewhere than uploads do.
    """
    if not options.uploaded:
        return (yield from _answered(run, options))
    folder = uploads.folder_of(Path(options.source), run.checkpoints)
    if folder is None:
        raise UnsafeFileError(f"{Path(options.source).name} is no upload, so it is not used as one.")
    try:
        return (yield from _answered(run, options))
    finally:
        uploads.forget(folder)


def _answered(run: RunFolder, options: PredictionOptions) -> Steps[dict[str, Any]]:
    from core.flow.fold_rows import fold_rows
    from core.predict.answered.files import TABLE
    from core.predict.answered.kept import Kept, write_kept
    from core.predict.answered.nearest import nearest_ids
    from core.predict.answered.table import answer_table
    from core.predict.known_patches import Watch, by_kind
    from core.predict.novelty.collect import Collector
    from core.predict.novelty.fit import fitted
    from core.predict.patches import Ensemble, answer
    from core.predict.prevalence import at_prevalence, restated, share_there
    from core.predict.sources import patches_of
    from core.predict.submission import write_predictions, write_submission
    from core.predict.training_record import training_record
    from core.predict.triage import answers_of, run_rule, triage

    target, rule = options.target(), None
    stated = options.landslide_share(run)
    if target is not None:  # before any network is loaded: it may be refused
        head, effect = run.config().heads.headline(run.rules()), options.design_effect
        rule = run_rule(run, head, target, effect, stated, options.false_per_1000)
    source, out = Path(options.source), Path(options.out)
    rejected: list[Rejection] = []
    warnings: list[str] = []
    bands, batches, dataset = patches_of(
        source, options.format, options.bands, rejected, options.unit, options.nodata, warnings
    )
    ensemble, record = Ensemble.load(run), (yield from part(training_record(run), 0.0, 0.05))
    watch = Watch(run, record, ensemble.band_names)
    near = nearest_ids(run, lambda fold: fold_rows(run, fold).train, warnings)
    threshold = ensemble.threshold if stated is None else restated(run, ensemble.head, stated)
    channels, (height, width) = len(ensemble.band_names), ensemble.shape_hw
    kept = Kept(4 * channels * height * width)

    def keep(ids: Any, images: Any, probs: Any) -> None:
        mean = probs.mean(axis=0)
        kept.add(ids, images, mean, answers_of(mean, threshold, triage(rule, probs) if rule else None))

    n, heads = (
        None if dataset is None else len(dataset),
        [name for name in run.config().heads.names if name in ensemble.rules],
    )
    fit, collector = (yield from part(fitted(run), 0.05, 0.1)), None
    if fit is not None:
        whole = all(dataset is not None and name in dataset.columns for name in ensemble.columns)
        collector = Collector(fit, ensemble.models[0].network.bands, embeds=whole)
    pictures = keep if options.pictures else None
    steps = answer(run, batches, bands, ensemble, dataset, n, watch, heads, near, pictures, collector)
    answered = yield from part(steps, 0.1, 0.7)
    unlike = None if collector is None else collector.found()
    novelty = None if unlike is None else unlike.columns(answered.has_answer)
    novel = [unlike.sentence()] if unlike is not None and unlike.is_told else []
    known = yield from part(watch.known(dataset), 0.7, 0.8)
    new, groups = ~known.any, None if dataset is None else dataset.groups
    yield Progress(0.8, "Estimating the share of landslides.")
    share = share_there(run, answered.only(new), None if groups is None else groups[new], options.design_effect)
    if share["share"] is None and known.any.any():
        share["reason"] += " Patches that the run knows from its training are not counted."
    there = None if stated is None else at_prevalence(run, answered, stated)
    if there is not None:
        answered = there.answer
    triaged = None if rule is None else triage(rule, answered.by_fold)
    table = answer_table(answered, known.kind, triaged, None if there is None else there.probs, novelty)
    if options.pictures:
        results_of(run, options).write_table(TABLE, table)
        steps = write_kept(run, ensemble, kept, results_of(run, options))
        warnings += yield from part(steps, 0.85, 1.0)
    if options.submission:
        write_submission(out, answered, source)
    else:
        write_predictions(out, table)
    n, n_positive = len(answered.ids), int((answered.pred == 1).sum())
    value = {
        "run": run.name,
        "out": str(out),
        "n": n,
        "n_positive": n_positive,
        "threshold": answered.threshold,
        "head": answered.head,
        "answers": {str(name): int(count) for name, count in table["answer"].value_counts().items()},
        "n_known": int(known.any.sum()),
        "known": by_kind(known),
        "n_no_data": int((~answered.has_answer).sum()),
        "warnings": list(dict.fromkeys([*novel, *warnings, *answered.notes, *watch.warnings(known)])),
        "novelty": None if unlike is None else unlike.to_dict(),
        "rejected": [{"file": item.file, "reason": item.reason} for item in rejected],
        "prevalence": None if there is None else there.to_dict(),
        "share": share,
        "triage": None if triaged is None else triaged.to_dict(),
        "message": f"{n:,} patches, {n_positive:,} of them called landslide, in {out.name}."
        + (f" {triaged.sentence(share.get('fits', True))}" if triaged else ""),
    }
    if options.pictures:
        made = {"made": now(), "options": options.model_dump(mode="json")}
        results_of(run, options).write_json("report.json", value | made)
    return value


def results_of(run: RunFolder, options: PredictionOptions | Mapping[str, Any]) -> ResultFolder:
    """Where the answer to these options is kept for a page: its table, some of its patches and their attention."""
    options = PredictionOptions.model_validate(options)
    return run.results(NAME).part(hashlib.sha256(options.model_dump_json().encode()).hexdigest()[:12])


ANALYSIS = Analysis(
    name=NAME,
    title="Prediction",
    summary="Probability, decision and answer for patches without labels, as a CSV.",
    page="predict",
    view="patches",
    Options=PredictionOptions,
    run=analyse,
)
