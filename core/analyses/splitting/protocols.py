"""What a score is worth depends on how the patches were split: one recipe, judged under four ways of splitting.

A classifier on band statistics, or on a frozen network's features, is fitted anew under each way, which takes minutes;
finished runs that differ in the way of splitting alone are set side by side in the same form.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.analyses.splitting.features import TRAINED, WORDS
from core.config import FoldsConfig
from core.errors import ConfigError, LandslideLensError
from core.progress import Progress, Steps, part
from core.runs.store import RunFolder, list_runs
from core.text import interval, number

VERSION = 1
_FOLDS: dict[str, Any] = dict(FoldsConfig.model_fields)  # Any: a field stands here as a default of its own type
IN_WORDS = {
    "random": "with random folds", "grouped": "with groups kept together", "block": "with blocks of ground kept apart",
    "region": "in a region left out of training",
}  # fmt: skip
METRIC_WORDS = {"auc": "AUC", "f1": "F1", "auc_within": "AUC within regions"}


class ProtocolOptions(Options):
    """What is fitted, and how the ground is divided."""

    recipe: Literal["statistics", "packaged", "trained"] = Field(
        "statistics",
        title="What is judged",
        description="statistics: an SVM on band statistics, in a minute. packaged: an SVM on the features of a frozen "
        "EfficientNet-Lite0 with packaged ImageNet weights; pictures with red, green and blue, a quarter of a second a "
        "patch. trained: the finished runs whose settings are this run's but for the folds.",
    )
    region: str | None = Field(
        None,
        title="Region",
        description="Column that names the region; none: the run's, or the first that names 2 to 20 (source, country, "
        "event).",
    )
    buffer_m: float = Field(
        1000.0, ge=0.0, le=1_000_000.0, title=_FOLDS["buffer_m"].title,
        description="Around each evaluated patch of blocks of ground: training patches nearer than this are left out.",
    )  # fmt: skip
    block_km: float | None = _FOLDS["block_km"]
    draws: int = Field(
        3, ge=1, le=20, title="Draws of folds",
        description="Random, grouped and block folds are drawn this often, and scores are means over the draws.",
    )  # fmt: skip


def must_be_possible(run: RunFolder, options: ProtocolOptions) -> None:
    """Raise ConfigError for a recipe that does not suit the dataset, or a column that is not there."""
    from core.analyses.splitting.features import must_suit
    from core.analyses.splitting.trained import runs_by_way
    from core.data.bands import choose_bands
    from core.data.regions.leave_one_out import region_names
    from core.data.store import open_dataset

    dataset, config = open_dataset(run.dataset_path()), run.config()
    if options.region is not None:
        region_names(dataset, options.region)
    must_suit(options.recipe, dataset, choose_bands(config.data.bands, dataset.bands))
    if options.recipe == TRAINED and len(runs_by_way(run, list_runs(run.checkpoints))) < 2:
        raise ConfigError(
            "No finished run has this run's settings under another way of splitting. Train the other ways first "
            f"(python -m core ablate {dataset.path.name} splits, with this run's preset and settings)."
        )


def analyse(run: RunFolder, options: ProtocolOptions) -> Steps[dict[str, Any]]:
    """Judge the recipe under every way that is possible here; an earlier answer for the same recipe is replaced.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError as the check does.
    """
    from core.data.leakage.split_audit import leaks_of
    from core.data.selection import select
    from core.predict.training_dataset import training_dataset

    began = time.monotonic()
    yield Progress(0.0, "Opening the dataset.")
    dataset, config = training_dataset(run), run.config()
    selection = select(dataset, config.data, config.folds)
    oof = run.oof()
    labels = np.array(selection.labels)
    if config.folds.protocol == "folds":  # one split has judged a part of the patches only
        labels = np.full(len(dataset), -1, np.int8)
        labels[dataset.index_of(oof["id"].to_numpy())] = oof["label"].to_numpy()
    pairs = run.leaks()
    if pairs is None:
        pairs = (yield from part(leaks_of(dataset), 0.0, 0.1)).pairs
    if options.recipe == TRAINED:
        found = yield from part(judged_runs(run, dataset, labels, pairs, options), 0.1, 1.0)
    else:
        cheap = judged(
            dataset, labels, selection.bands, config.folds, pairs, options, config.fold_seed, selection.together
        )  # fmt: skip
        found = yield from part(cheap, 0.1, 1.0)
    report = found | {
        "version": VERSION, "run": run.name, "positive": dataset.positive, "dataset": dataset.name,
        "content_hash": dataset.content_hash, "options": options.model_dump(mode="json"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": time.monotonic() - began,
    }  # fmt: skip
    report["message"] = sentence(report)
    run.results(NAME).part(options.recipe).write_json("report.json", report)
    return {"message": report["message"], "recipe": options.recipe, "region": report["region"], "ways": report["ways"]}


def judged(
    dataset: Any,
    labels: np.ndarray,
    bands: Any,
    base: FoldsConfig,
    pairs: Any,
    options: ProtocolOptions,
    seed: int = 0,
    together: Any = (),
) -> Steps[dict[str, Any]]:
    """The report on a classifier that is fitted anew under each way.

    labels: (N,) int8 in use, -1 for what is left out. bands: in use. base: a run's way of splitting. pairs: of
    ``core.data.leakage.split_audit``. together: groups of ids that people keep in one fold.

    Returns recipe, head, n, n_positive, n_groups, region, and a row a way (``ways``): name, title, missing; and where
    it was possible ``metrics``, ``regions``, ``against`` (the way minus the kindest one), ``notes``, and what
    ``core.analyses.splitting.scored.facts_of`` tells.
    """
    from core.analyses.splitting import features, scored
    from core.data.regions import ways as splitting

    rows = np.flatnonzero(labels >= 0)
    hashes = yield from part(features.hashes_of(dataset, rows, bands), 0.0, 0.1)
    read = yield from part(features.features_of(options.recipe, dataset, rows, bands), 0.1, 0.6)
    ways = splitting.ways_of(dataset, labels, base, options.region, options.buffer_m, options.block_km)
    drawn, missing = {}, {way.name: way.missing for way in ways}
    for way in ways:
        try:
            drawn[way.name] = splitting.draws_of(way, dataset, labels, pairs, hashes, seed, options.draws, together)
        except LandslideLensError as error:
            missing[way.name] = str(error)
    grouped = drawn.get(splitting.GROUPED)
    if grouped and grouped[0].groups is None and not grouped[0].folds.left_out:
        missing[splitting.GROUPED] = splitting.NO_GROUPS
        del drawn[splitting.GROUPED]
    if not drawn:
        raise ConfigError(f"No way of splitting is possible here. {next(filter(None, missing.values()))}")
    groups = _clusters(drawn)
    answers, notes, facts = {}, {}, {}
    for k, (name, some) in enumerate(drawn.items()):
        folds = [one.folds for one in some]
        share = 0.6 + 0.3 * k / len(drawn), 0.6 + 0.3 * (k + 1) / len(drawn)
        answers[name] = yield from part(scored.answers_of(read, labels, folds), *share)
        notes[name], facts[name] = list(some[0].notes), scored.facts_of(folds, groups)
    regions = splitting.regions_by(dataset, labels, ways)
    found = yield from part(_report(labels, answers, groups, regions, missing, facts, notes), 0.9, 1.0)
    folds = next((way.folds for way in ways if way.name == splitting.REGION), None)
    return found | {
        "recipe": options.recipe, "head": WORDS[options.recipe], "region": folds and folds.region,
    }  # fmt: skip


def judged_runs(
    run: RunFolder, dataset: Any, labels: np.ndarray, pairs: Any, options: ProtocolOptions
) -> Steps[dict[str, Any]]:
    """The same report on finished runs; ``runs`` of each way names them."""
    from core.analyses.splitting import scored
    from core.analyses.splitting.trained import runs_by_way, trained_ways
    from core.data.grouping import rows_of
    from core.data.leakage.duplicates import joined
    from core.data.regions import ways as splitting

    by_way = runs_by_way(run, list_runs(run.checkpoints))
    by_way = {name: by_way[name] for name in splitting.TITLES if name in by_way}
    own = trained_ways(by_way, dataset)
    ways = splitting.ways_of(dataset, own.labels, run.config().folds, options.region, options.buffer_m)
    groups = joined(dataset.groups, len(dataset), rows_of(dataset, pairs))
    regions = splitting.regions_by(dataset, own.labels, ways)
    missing = {way.name: way.missing or "No finished run of this recipe splits this way." for way in ways}
    facts = {name: scored.facts_of(folds, groups) for name, folds in own.folds.items()}
    found = yield from _report(own.labels, own.answers, groups, regions, missing, facts, {})
    for row in found["ways"]:
        row["runs"] = own.runs.get(row["name"], [])
    folds = next((way.folds for way in ways if way.name == splitting.REGION), None)
    return found | {"recipe": TRAINED, "head": WORDS[TRAINED], "region": folds and folds.region}


def _clusters(drawn: Mapping[str, list[Any]]) -> np.ndarray | None:
    """(N,) what intervals resample whole: the groups of the grouped folds, or of blocks where there are none."""
    for name in ("grouped", "block", "region"):
        if name in drawn and drawn[name][0].groups is not None:
            return drawn[name][0].groups
    return None


def _report(
    labels: np.ndarray,
    answers: Mapping[str, list[Any]],
    groups: np.ndarray | None,
    regions: Any,
    missing: Mapping[str, str],
    facts: Mapping[str, dict[str, Any]],
    notes: Mapping[str, list[str]],
) -> Steps[dict[str, Any]]:
    from dataclasses import replace

    from core.analyses.splitting import scored
    from core.data.regions.ways import TITLES

    known = np.flatnonzero(labels >= 0)
    truth, clusters = labels[known], None if groups is None else groups[known]
    inside = None if regions is None else replace(regions, fold_of=regions.fold_of[known])
    kindest = next(name for name in TITLES if name in answers)
    rows = []
    for k, (name, title) in enumerate(TITLES.items()):
        yield Progress(k / len(TITLES), f"Intervals of {title.lower()}.")
        if name not in answers:
            rows.append({"name": name, "title": title, "missing": missing[name] or "Not possible here."})
            continue
        row = {"name": name, "title": title, "missing": "", "notes": notes.get(name, []), **facts[name]}
        row |= scored.scores_of(truth, answers[name], clusters, inside)
        row["against"] = (
            None if name == kindest else scored.differences(truth, answers[name], answers[kindest], clusters)
        )
        rows.append(row)
    return {
        "n": len(known), "n_positive": int(truth.sum()), "n_groups": None if clusters is None else len(set(clusters)),
        "ways": rows,
    }  # fmt: skip


def sentence(report: Mapping[str, Any], metric: str = "auc") -> str:
    """What the kindest and the hardest way say, how far apart they are, and the worst region."""
    from core.analyses.splitting.scored import worst_region

    able = [row for row in report["ways"] if not row["missing"]]
    first, last = able[0], able[-1]
    text = f"{METRIC_WORDS[metric]} is {number(first['metrics'][metric]['value'])} {IN_WORDS[first['name']]}"
    if first is last:
        return f"{text}; no other way of splitting is possible here."
    text = f"{text} and {number(last['metrics'][metric]['value'])} {IN_WORDS[last['name']]}"
    against = last["against"] and last["against"].get(metric)
    if against is not None and against["lo"] is not None:
        gap, ends = against["difference"], sorted((abs(against["lo"]), abs(against["hi"])))
        if against["lo"] > 0 or against["hi"] < 0:
            text += f": {number(abs(gap))} {'less' if gap < 0 else 'more'} ({interval(ends)})"
        else:
            text += ", a difference that may be chance"
    text += "."
    worst = worst_region(last["regions"], "f1" if metric == "f1" else "auc") if last["name"] == "region" else None
    if worst is not None:
        row = worst["f1" if metric == "f1" else "auc"]
        text += (
            f" Worst region: {worst['name']}, {_value(row)}, n = {worst['n']:,}, "
            f"{worst['n_positive'] / worst['n']:.0%} {report['positive']}."
        )
    return text


def _value(row: Mapping[str, Any]) -> str:
    words = interval((row["lo"], row["hi"]))
    return f"{number(row['value'])} ({words})" if words else number(row["value"])


def read(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """The reports by recipe, the newest of each; None before the first."""
    results = run.results(NAME)
    reports = {name: results.part(name).json("report.json") for name in results.parts()}
    return {name: one for name, one in reports.items() if one.get("version") == VERSION} or None


NAME = "protocols"
ANALYSIS = Analysis(
    name=NAME,
    title="Ways of splitting",
    summary="The same recipe judged with random, grouped, block and leave-one-region-out folds: what a score is worth "
    "depends on how the patches were split.",
    page="results",
    view="splits",
    Options=ProtocolOptions,
    run=analyse,
    read=read,
    check=must_be_possible,
    needs_device=False,
)
