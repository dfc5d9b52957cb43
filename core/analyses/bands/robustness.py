"""The drop-out drill: what a finished run is worth when clouds come, a sensor or an orbit fails, or noise grows.

Comes in: a finished run and its dataset, and with it a run that was trained without the bands in question. Goes out:
F1 by scenario and missing-band policy, out of fold at the run's own cross-fitted thresholds, and the patches whose
decision flips, in the run folder. Policies learn from the training part of each fold only. It wires stages, as
``core.flow.scoring`` does; the only thing it trains is logistic regression on statistics of the bands that are left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core.analyses.bands.robustness_retrained import answers_of, groups_of
from core.data.band_statistics import band_statistics
from core.data.bands import Band
from core.data.store import Dataset
from core.device import choose_device
from core.errors import ConfigError, TrainingError
from core.evaluate.comparison.significance import compare
from core.evaluate.intervals import bootstrap_intervals
from core.evaluate.judge import Rule, judge_head
from core.evaluate.metrics import metrics
from core.explain.bands.corruptions import COVERAGES, INTACT, Scenario, damage, scenarios
from core.explain.bands.missing_bands import POLICIES, Training, fill_missing, policies_for
from core.heads.baselines import fit_baseline
from core.predict.fold_model import FoldModel
from core.predict.training_dataset import training_dataset
from core.progress import Progress
from core.runs.store import RunFolder

TRAINING_SAMPLE = 1000  # patches of a fold's training part that policies learn from
CHUNK = 256  # patches damaged at a time
RETRAINED = "stats_logreg"  # the baseline that is trained on the bands that are left


@dataclass(frozen=True)
class RobustnessOptions:
    """What is drilled. coverages: of clouds. names: of scenarios; none: all that these bands allow.

    tta: average over flips and turns; none: as the run was judged, so that "intact" is its own F1.
    """

    coverages: tuple[float, ...] = COVERAGES
    names: tuple[str, ...] | None = None
    tta: bool | None = None
    seed: int = 0


def run_robustness(
    run: RunFolder, options: RobustnessOptions | None = None, device: Any | None = None
) -> Iterator[Progress]:
    """Drill a finished run and write ``RunFolder.drill``; the last step tells the worst of it.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for an unknown scenario.
    """
    options, began = options or RobustnessOptions(), time.monotonic()
    dataset, oof, config = training_dataset(run), run.oof(), run.config()
    device = choose_device(config.device) if device is None else device
    rules = {name: Rule.from_dict(values) for name, values in run.rules().items()}
    head, n_folds, tables = config.heads.headline(rules), config.folds.n_splits, []
    for fold in range(n_folds):
        model = FoldModel.load(run, fold, device)
        bands = model.network.bands
        planned = _planned(bands, options)
        training = _training(dataset, oof, model, options.seed)
        facts = oof[oof["fold"] == fold].reset_index(drop=True)
        rows = dataset.index_of(facts["id"])
        for start in range(0, len(rows), CHUNK):
            images = dataset.images(rows[start : start + CHUNK], model.normaliser.band_names)
            part = facts.iloc[start : start + CHUNK][["id", "label", "fold", "group"]].reset_index(drop=True)
            for number, scenario in enumerate(planned):
                share = (fold + (start + len(part) * number / len(planned)) / len(rows)) / n_folds
                yield Progress(share, f"Fold {fold + 1} of {n_folds}: {scenario.title}.")
                hurt = damage(images, bands, scenario, options.seed + 1000 * fold + start)
                for policy in _policies(scenario, bands):
                    seen = fill_missing(policy, hurt.images, hurt.missing, training)
                    probs = expit(model.log_odds(seen, [head], rules, options.tta)[head])
                    called = (probs >= rules[head].thresholds[fold]).astype(np.int8)
                    found = {"scenario": scenario.name, "policy": policy, "prob": probs, "pred": called}
                    tables.append(part.assign(**found))
    yield Progress(0.97, "Band statistics, trained on what is left.")
    table = pd.concat(tables, ignore_index=True)
    report = summarise(table, planned) | {"run": run.name, "head": head, "positive": dataset.positive}
    report["retrained"] = _retrained(dataset, run, oof, table, planned, bands)
    report |= {"options": asdict(options), "policies": POLICIES}
    report |= {"made": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": time.monotonic() - began}
    run.write_robustness(table, report)
    return {"message": report["sentence"]}


def summarise(table: pd.DataFrame, planned: Sequence[Scenario]) -> dict[str, Any]:
    """``{"scenarios": [...], "rows": [...], "sentence"}``: a row a scenario and policy, intact first.

    A row: scenario, title, policy, f1 with lo and hi, recall, precision, difference from intact with diff_lo, diff_hi
    and p, n, n_flipped, n_missed (landslides found before and now missed), n_found, n_alarms (new false alarms),
    n_cleared. Undefined values are nan. table: ``RunFolder.drill()``.
    """
    intact = answers_of(table, INTACT.name, "as_is")
    groups, rows = groups_of(intact), []
    for scenario in planned:
        for policy in dict.fromkeys(table.loc[table["scenario"] == scenario.name, "policy"]):
            rows.append(_row(scenario, policy, answers_of(table, scenario.name, policy), intact, groups))
    return {"scenarios": [one.to_dict() for one in planned], "rows": rows, "sentence": _sentence(rows)}


# --------------------------------------------------------------------------------------------------- parts


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


def _training(dataset: Dataset, oof: pd.DataFrame, model: FoldModel, seed: int) -> Training:
    """At most TRAINING_SAMPLE real patches of the fold's training part, drawn evenly."""
    ids = oof.loc[oof["fold"] != model.fold, "id"].to_numpy()
    rows = np.sort(np.random.default_rng(seed).permutation(dataset.index_of(ids))[:TRAINING_SAMPLE])
    images = dataset.images(rows, model.normaliser.band_names)
    return Training(images, np.asarray(model.normaliser.mean_, np.float32), seed)


def _row(
    scenario: Scenario, policy: str, mine: pd.DataFrame, intact: pd.DataFrame, groups: np.ndarray | None
) -> dict[str, Any]:
    mine = mine.loc[intact.index]
    labels, probs, pred = (mine[name].to_numpy() for name in ("label", "prob", "pred"))
    before = intact["pred"].to_numpy()
    found, intervals = metrics(labels, probs, pred=pred), bootstrap_intervals(labels, probs, pred, groups)
    d = compare(labels, pred, probs, before, intact["prob"].to_numpy(), groups, ("f1",)).differences["f1"]

    def count(label: int, now: int) -> int:
        return int(((labels == label) & (pred == now) & (before != now)).sum())

    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "policy": policy,
        **{name: found[name] for name in ("f1", "recall", "precision")},
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
    text = f"Intact, F1 is {intact['f1']:.3f} (n = {intact['n']:,}, out of fold)."
    if not best:
        return text
    worst = min(best.values(), key=lambda row: np.nan_to_num(row["f1"]))
    n_policies = sum(row["scenario"] == worst["scenario"] for row in hurt)
    tried = f", the best of {n_policies} policies, chosen after the fact" if n_policies > 1 else ""
    filled = f"with missing values {POLICIES[worst['policy']]}{tried}"
    interval = f"{worst['difference']:+.3f} (95 % {worst['diff_lo']:+.3f} to {worst['diff_hi']:+.3f})"
    return (
        f"{text} The worst that was tried is: {worst['title']}. F1 is then {worst['f1']:.3f}, {interval}, {filled}. "
        f"{worst['n_flipped']:,} decisions flip: {worst['n_missed']:,} landslides are missed, {worst['n_alarms']:,} "
        "alarms are new."
    )


def _retrained(
    dataset: Dataset, run: RunFolder, oof: pd.DataFrame, table: pd.DataFrame, planned: Sequence[Scenario],
    bands: Sequence[Band],
) -> list[dict[str, Any]]:  # fmt: skip
    """Logistic regression on statistics of the bands that are left, trained in each fold: a row a lost set of bands.

    scenario, head, f1 with lo and hi, and by policy what the damaged run has more or less (difference, lo, hi).
    """
    names = [band.name for band in bands]
    rows, labels, fold_of = dataset.index_of(oof["id"]), oof["label"].to_numpy(), oof["fold"].to_numpy()
    parts = (dataset.images(rows[i : i + CHUNK], names) for i in range(0, len(rows), CHUNK))
    statistics = np.concatenate([band_statistics(images, dataset.nodata) for images in parts])
    by_band = statistics.reshape(len(rows), len(names), -1)
    intact = answers_of(table, INTACT.name, "as_is").loc[oof["id"].astype(str)]
    groups, found = groups_of(intact), []
    for scenario in (one for one in planned if one.kind == "lost"):
        left = [i for i, name in enumerate(names) if name not in scenario.bands]
        features, scores = by_band[:, left].reshape(len(rows), -1), np.zeros(len(rows))
        try:
            for fold in np.unique(fold_of):
                train, val = fold_of != fold, fold_of == fold
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
        found.append(row)
    return found
