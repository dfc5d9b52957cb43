"""What a finished run is worth when clouds come, a sensor or an orbit fails, or noise grows.

F1 by scenario and missing-band policy on patches that the folds have not seen, at the run's own cross-fitted
thresholds, and the patches whose decision changes. Policies learn from the training part of each fold only. The only
thing that is trained is a logistic regression on statistics of the bands that are left.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator
from scipy.special import expit

from core.analyses.bands.flips import answers_of, groups_of
from core.analyses.base import Analysis, Options
from core.config.sections import names_of
from core.data.bands import Band
from core.data.folds import training_ids
from core.data.selection import cloud_of
from core.data.store import Dataset
from core.errors import ConfigError, TrainingError
from core.evaluate.comparison.significance import compare
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.judge import Rule, judge_head
from core.evaluate.metrics import metrics
from core.explain.bands.corruptions import COVERAGES, INTACT, Damaged, Scenario, damage, scenarios
from core.explain.bands.missing_bands import POLICIES, Training, fill_missing, policies_for
from core.progress import Progress, Steps
from core.runs.store import RunFolder
from core.text import difference, interval

if TYPE_CHECKING:
    from core.predict.fold_model import FoldModel

TRAINING_SAMPLE = 1000  # patches of a fold's training part that policies learn from
CHUNK = 256  # patches damaged at a time
RETRAINED = "stats_logreg"  # the baseline that is trained on the bands that are left


class RobustnessOptions(Options):
    """What happens to the patches."""

    coverages: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        COVERAGES, title="Cloud cover", description="Shares of a patch that clouds cover, in turn."
    )
    names: tuple[str, ...] | None = Field(
        None, title="Scenarios", description="Names of scenarios; none: all that the run's bands allow."
    )
    tta: bool | None = Field(
        None,
        title="Test-time augmentation",
        description="Average over flips and turns; none: as the run did, so that intact bands give the run's own F1.",
    )
    max_cloud: float | None = Field(
        None,
        ge=0.0,
        title="Most cloud before",
        description="Only patches with at most this much cloud in the dataset's cloud column (or csmask_cloud) are "
        "damaged, so that clouds come over clear patches; none: all. In the column's unit.",
    )
    seed: int = Field(0, ge=0, title="Seed", description="Of what is drawn at random.")

    @field_validator("coverages", "names", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)


@dataclass(frozen=True)
class Robustness:
    """table: id, label, fold, group, scenario, policy, prob, pred, a row each. report: see :func:`summarise`.

    The report also has ``retrained``: a row a lost set of bands, for logistic regression trained on the others.
    """

    table: pd.DataFrame
    report: dict[str, Any]


def analyse(run: RunFolder, options: RobustnessOptions) -> Steps[dict[str, Any]]:
    """Damage the run's patches in every way that its bands allow, and keep the decisions.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for an unknown scenario.
    """
    from core.device import choose_device
    from core.predict.fold_model import FoldModel
    from core.predict.training_dataset import training_dataset

    began = time.monotonic()
    dataset, config = training_dataset(run), run.config()
    oof, told = _clear(dataset, run.oof(), config.data.cloud_column, options.max_cloud)
    device = choose_device(config.device)
    rules = {name: Rule.from_dict(values) for name, values in run.rules().items()}
    head, n_folds, tables = config.heads.headline(rules), config.folds.n_splits, []
    for fold in range(n_folds):
        model = FoldModel.load(run, fold, device)
        bands = model.network.bands
        planned = _planned(bands, options)
        training = _training(dataset, oof, run.folds(), model, options.seed)
        facts = oof[oof["fold"] == fold].reset_index(drop=True)
        rows = dataset.index_of(facts["id"])
        for start in range(0, len(rows), CHUNK):
            images = dataset.images(rows[start : start + CHUNK], model.normaliser.band_names)
            part = facts.iloc[start : start + CHUNK][["id", "label", "fold", "group"]].reset_index(drop=True)
            for number, scenario in enumerate(planned):
                share = (fold + (start + len(part) * number / len(planned)) / len(rows)) / n_folds
                yield Progress(share, f"Fold {fold + 1} of {n_folds}: {scenario.title}.")
                damaged = damage(images, bands, scenario, options.seed + 1000 * fold + start)
                for policy in _policies(scenario, bands):
                    decided = _decided(model, damaged, policy, training, head, rules, options.tta)
                    tables.append(part.assign(scenario=scenario.name, policy=policy, **decided))
    yield Progress(0.97, "Band statistics, trained on the bands that are left.")
    table = pd.concat(tables, ignore_index=True)
    report = summarise(table, planned) | {"run": run.name, "head": head, "positive": dataset.positive}
    report["sentence"] = f"{told}{report['sentence']}"
    report["retrained"] = _retrained(dataset, run, oof, table, planned, bands)
    report |= {"options": options.model_dump(mode="json"), "policies": POLICIES}
    report |= {"made": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": time.monotonic() - began}
    results = run.results(ANALYSIS.name)
    results.write_table("patches", table)
    results.write_json("report.json", report)
    return {"message": report["sentence"]}


def read(run: RunFolder) -> Robustness | None:
    """The results, or None before the run's robustness was tested."""
    results = run.results(ANALYSIS.name)
    if not results.has("report.json"):
        return None
    return Robustness(results.table("patches"), results.json("report.json"))


def not_tested(run: RunFolder) -> str:
    """What to say where the results are missing and needed."""
    return f"The robustness of '{run.name}' has not been tested: python -m core explain {run.name} --robustness"


def summarise(table: pd.DataFrame, planned: Sequence[Scenario]) -> dict[str, Any]:
    """``{"scenarios": [...], "rows": [...], "sentence"}``: a row a scenario and policy, intact first.

    A row: scenario, title, policy, f1 with lo and hi, recall, precision, difference from intact with diff_lo, diff_hi
    and p, n, n_flipped, n_missed (landslides found before and now missed), n_found, n_alarms (new false alarms),
    n_cleared. Undefined values are nan. table: that of :class:`Robustness`.
    """
    intact = answers_of(table, INTACT.name, "as_is")
    groups, rows = groups_of(intact), []
    for scenario in planned:
        for policy in dict.fromkeys(table.loc[table["scenario"] == scenario.name, "policy"]):
            rows.append(_row(scenario, policy, answers_of(table, scenario.name, policy), intact, groups))
    return {"scenarios": [one.to_dict() for one in planned], "rows": rows, "sentence": _sentence(rows)}


# --------------------------------------------------------------------------------------------------- parts


def _clear(dataset: Dataset, oof: pd.DataFrame, column: str | None, limit: float | None) -> tuple[pd.DataFrame, str]:
    """The patches that are clear enough, and a sentence on those that are not; unknown cloud is no reason to go.

    Raises ConfigError without a column of cloud, or where one class would be gone.
    """
    if limit is None:
        return oof, ""
    name, values = cloud_of(dataset, column)
    kept = oof[~(values[dataset.index_of(oof["id"])] > limit)].reset_index(drop=True)
    if kept["label"].nunique() < 2:
        raise ConfigError(
            f"With {name} of at most {limit:g} no patches of both classes are left. Choose a larger limit."
        )
    return kept, f"{len(oof) - len(kept):,} of {len(oof):,} patches have {name} above {limit:g} and are left out. "


def _planned(bands: Sequence[Band], options: RobustnessOptions) -> tuple[Scenario, ...]:
    known = scenarios(bands, options.coverages)
    wanted = options.names
    if wanted is None:
        return known
    if unknown := [name for name in wanted if name not in {one.name for one in known}]:
        raise ConfigError(
            f"These bands allow no scenario '{unknown[0]}'. Known: {', '.join(one.name for one in known)}."
        )
    return tuple(one for one in known if one is INTACT or one.name in wanted)


def _policies(scenario: Scenario, bands: Sequence[Band]) -> tuple[str, ...]:
    return policies_for(scenario.kind, len(bands) - len(scenario.bands))


def _decided(
    model: FoldModel, damaged: Damaged, policy: str, training: Training, head: str, rules: dict[str, Rule],
    tta: bool | None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """What ``head`` says (prob, pred) of damaged patches whose missing values are filled as ``policy`` says."""
    images = fill_missing(policy, damaged.images, damaged.missing, training)
    probs = expit(model.log_odds(images, [head], rules, tta)[head])
    return {"prob": probs, "pred": (probs >= rules[head].thresholds[model.fold]).astype(np.int8)}


def _training(dataset: Dataset, oof: pd.DataFrame, folds: Mapping[str, Any], model: FoldModel, seed: int) -> Training:
    """At most TRAINING_SAMPLE real patches of the fold's training part, drawn evenly."""
    learnt = training_ids(folds, model.fold)
    ids = oof.loc[oof["id"].astype(str).isin(learnt), "id"].to_numpy()
    if not len(ids):  # one split: nothing that is judged was learnt from
        ids = np.array(learnt)
    rows = np.sort(np.random.default_rng(seed).permutation(dataset.index_of(ids))[:TRAINING_SAMPLE])
    images = dataset.images(rows, model.normaliser.band_names)
    return Training(images, np.asarray(model.normaliser.mean_, np.float32), seed)


def _row(
    scenario: Scenario, policy: str, mine: pd.DataFrame, intact: pd.DataFrame, groups: np.ndarray | None
) -> dict[str, Any]:
    mine = mine.loc[intact.index]
    labels, probs, pred = (mine[name].to_numpy() for name in ("label", "prob", "pred"))
    before = intact["pred"].to_numpy()
    scores, intervals = metrics(labels, probs, pred=pred), bootstrap_intervals(labels, probs, pred, groups)
    d = compare(labels, pred, probs, before, intact["prob"].to_numpy(), groups, ("f1",)).differences["f1"]

    def count(label: int, now: int) -> int:
        return int(((labels == label) & (pred == now) & (before != now)).sum())

    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "policy": policy,
        **{name: scores[name] for name in ("f1", "recall", "precision")},
        "lo": intervals["f1"][0],
        "hi": intervals["f1"][1],
        **{"difference": d.difference, "diff_lo": d.lo, "diff_hi": d.hi, "p": d.p, "n": len(mine)},
        "n_flipped": int((pred != before).sum()),
        **{"n_missed": count(1, 0), "n_found": count(1, 1), "n_alarms": count(0, 1), "n_cleared": count(0, 0)},
    }


def _sentence(rows: Sequence[dict[str, Any]]) -> str:
    """The worst scenario by its best policy: what remains when everything that can be done is done."""
    intact, hurt = rows[0], rows[1:]
    best = {name: max((row for row in hurt if row["scenario"] == name), key=lambda row: np.nan_to_num(row["f1"]))
            for name in dict.fromkeys(row["scenario"] for row in hurt)}  # fmt: skip
    text = f"With all bands intact, F1 is {intact['f1']:.3f} (n = {intact['n']:,}, out of fold)."
    if not best:
        return text
    worst = min(best.values(), key=lambda row: np.nan_to_num(row["f1"]))
    n_policies = sum(row["scenario"] == worst["scenario"] for row in hurt)
    tried = f" (the best of {n_policies} policies, chosen afterwards)" if n_policies > 1 else ""
    around = interval((worst["diff_lo"], worst["diff_hi"]), signed=True)
    return (
        f"{text} The worst scenario is: {worst['title']}. F1 is then {worst['f1']:.3f}, a difference of "
        f"{difference(worst['difference'])} (95% {around}); "
        f"missing values are {POLICIES[worst['policy']]}{tried}. {worst['n_flipped']:,} decisions change: "
        f"{worst['n_missed']:,} more landslides are missed, {worst['n_alarms']:,} alarms are new."
    )


def _retrained(
    dataset: Dataset, run: RunFolder, oof: pd.DataFrame, table: pd.DataFrame, planned: Sequence[Scenario],
    bands: Sequence[Band],
) -> list[dict[str, Any]]:  # fmt: skip
    """Logistic regression on statistics of the bands that are left, trained in each fold: a row a lost set of bands.

    scenario, head, f1 with lo and hi, and by policy the damaged run's F1 minus that (difference, lo, hi, p).
    """
    from core.data.band_statistics import band_statistics
    from core.heads.baselines import fit_baseline

    names = [band.name for band in bands]
    rows, labels, fold_of = dataset.index_of(oof["id"]), oof["label"].to_numpy(), oof["fold"].to_numpy()
    parts = (dataset.images(rows[i : i + CHUNK], names) for i in range(0, len(rows), CHUNK))
    statistics = np.concatenate([band_statistics(images) for images in parts])
    by_band = statistics.reshape(len(rows), len(names), -1)
    intact = answers_of(table, INTACT.name, "as_is").loc[oof["id"].astype(str)]
    groups, folds, gained = groups_of(intact), run.folds(), []
    for scenario in (one for one in planned if one.kind == "lost"):
        left = [i for i, name in enumerate(names) if name not in scenario.bands]
        features, scores = by_band[:, left].reshape(len(rows), -1), np.zeros(len(rows))
        try:
            for fold in np.unique(fold_of):
                train, val = oof["id"].astype(str).isin(training_ids(folds, int(fold))).to_numpy(), fold_of == fold
                scores[val] = fit_baseline(RETRAINED, features[train], labels[train]).decision(features[val])
        except TrainingError:
            continue
        rule = run.config().heads.threshold
        judged = judge_head(labels, scores, fold_of, groups, threshold=rule, is_log_odds=False)
        row = {"scenario": scenario.name, "head": RETRAINED, "f1": judged.metrics["f1"], "policies": []}
        row["lo"], row["hi"] = judged.intervals["f1"]
        for policy in _policies(scenario, bands):
            mine = answers_of(table, scenario.name, policy).loc[intact.index]
            d = compare(labels, mine["pred"].to_numpy(), mine["prob"].to_numpy(), judged.pred, judged.probs, groups,
                        ("f1",)).differences["f1"]  # fmt: skip
            row["policies"].append({"policy": policy, "difference": d.difference, "lo": d.lo, "hi": d.hi, "p": d.p})
        gained.append(row)
    return gained


ANALYSIS = Analysis(
    name="robustness",
    title="Robustness",
    summary="What F1 is left when clouds come, a sensor or an orbit fails, or noise grows.",
    page="explain",
    view="robustness",
    Options=RobustnessOptions,
    run=analyse,
    read=read,
)
