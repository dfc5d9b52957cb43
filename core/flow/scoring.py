"""The out-of-fold scores of a trained run, judged head by head, and its summary.

Every patch is scored by the one fold that has not seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.data.normalise import MINMAX_WARNING
from core.device import computing_cores
from core.evaluate.calibration.fit import log_odds
from core.evaluate.judge import HeadJudgement, difference, judge_head
from core.evaluate.second_head import second_facts
from core.flow.run_context import RunContext, groups_of
from core.heads import load_heads
from core.heads.baselines import BASELINES
from core.heads.blend import BLEND, STATS_BLEND, add_blends, kind_of


def judge(context: RunContext) -> dict[str, HeadJudgement]:
    """Out-of-fold scores of every head, each patch by the one fold that has not seen it; judged and written down."""
    labelled = np.flatnonzero(context.fold_of >= 0)
    labels, fold_of, groups = context.labels[labelled], context.fold_of[labelled], groups_of(context, labelled)
    scores = {name: values[labelled] for name, values in _out_of_fold(context).items()}

    def judged_as(name: str, is_log_odds: bool) -> HeadJudgement:
        rule = context.config.heads.threshold
        return judge_head(labels, scores[name], fold_of, groups, threshold=rule, is_log_odds=is_log_odds)

    judged = {name: judged_as(name, is_log_odds=name == "fc") for name in scores}
    blends = (*([BLEND] if context.config.heads.blend else []), STATS_BLEND)
    both = add_blends({name: log_odds(head.probs, edge=1e-7) for name, head in judged.items()}, blends)
    for name in (name for name in blends if name in both):
        scores[name] = both[name]
        judged[name] = judged_as(name, is_log_odds=True)
    table = {"id": context.dataset.ids[labelled], "label": labels, "fold": fold_of}
    table["group"] = groups if groups is not None else np.full(len(labelled), "")
    for name, head in judged.items():
        table |= {f"score_{name}": scores[name], f"prob_{name}": head.probs, f"pred_{name}": head.pred}
    context.run.write_oof(pd.DataFrame(table))
    context.run.write_json("rules.json", {name: head.rule.to_dict() for name, head in judged.items()})
    return judged


def _out_of_fold(context: RunContext) -> dict[str, np.ndarray]:
    """Name -> (N,) decision values, each patch's by the fold that has not seen it; heads that every fold has."""
    asked = (name for name in context.config.heads.names if name != BLEND)
    names = tuple(dict.fromkeys((*asked, *BASELINES)))
    scores = {name: np.full(len(context.labels), np.nan) for name in names}
    for fold in range(context.folds.n_splits):
        found, val = _scores(context, fold), context.folds.val(fold)
        scores = {name: scores[name] for name in scores if name in found}
        for name, values in scores.items():
            values[val] = found[name][val]
    return scores


def _scores(context: RunContext, fold: int) -> dict[str, np.ndarray]:
    """Decision values of all real patches by one fold's heads; computed where an earlier version trained the fold."""
    if context.run.has_scores(fold):
        return context.run.scores(fold)
    features = {**context.features, **context.run.embeddings(fold)}
    heads = load_heads(context.run.heads_path(fold))
    return {name: head.decision(features[kind_of(name)], context.device) for name, head in heads.items()}


def left_out(context: RunContext) -> dict[str, str]:
    """Heads that could not be fitted in every fold: name -> the first fold's reason."""
    found: dict[str, str] = {}
    for fold in range(context.folds.n_splits):
        for name, reason in context.run.fold_card(fold).get("left_out", {}).items():
            found.setdefault(name, f"Fold {fold + 1}: {reason}")
    return found


def summarise(context: RunContext, judged: dict[str, HeadJudgement], seconds_after_training: float) -> dict[str, Any]:
    """The run in one dictionary: headline, every head with intervals, folds, differences, warnings.

    The folds' own seconds are added up, so that a run that was interrupted counts each of them once.
    """
    config, run, dataset = context.config, context.run, context.dataset
    labelled = np.flatnonzero(context.fold_of >= 0)
    labels, groups = context.labels[labelled], groups_of(context, labelled)
    headline = config.heads.headline(judged)
    chosen = judged[headline]
    without_network = [name for name in judged if kind_of(name) != "embeddings" and name != headline]
    folds = []
    for fold in range(context.folds.n_splits):
        card = run.fold_card(fold)
        heads = {name: head.folds[fold] for name, head in judged.items()}
        folds.append({"fold": fold, **card, **heads[headline], "heads": heads})
    return {
        "run": run.name,
        "dataset": str(dataset.path.resolve()),
        "dataset_name": dataset.name,
        "preset": config.preset,
        "class_names": list(dataset.class_names),
        "positive": dataset.positive,
        "positive_share": float((labels == 1).mean()),
        "grouped": context.folds.grouped,
        "head": headline,
        "threshold_rule": config.heads.threshold,
        "oof": {**chosen.metrics, "f1_interval": chosen.intervals["f1"]},
        "heads": {name: {**head.metrics, "intervals": head.intervals} for name, head in judged.items()},
        "folds": folds,
        "differences": {name: difference(labels, chosen, judged[name], groups) for name in without_network},
        "seconds": sum(fold["seconds"] or 0.0 for fold in folds) + seconds_after_training,
        "core_seconds": _core_seconds(folds, seconds_after_training),
        "images_per_second": mean_of_known([fold["images_per_second"] for fold in folds]),
        "device": str(context.device),
        "left_out": left_out(context),
        "selection": context.selection.to_dict(),
        "ground": context.drawn.record(),
        "warnings": _warnings(context),
    } | _tabular_facts(context, judged["fc"])


def mean_of_known(values: Sequence[float | None]) -> float:
    """The mean of those that are known; nan where none is (JSON writes it as null)."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _core_seconds(folds: Sequence[dict[str, Any]], after: float) -> float | None:
    """Seconds of all cores that computed; None where an earlier version trained a fold and did not say on how many."""
    if any(fold.get("cores") is None for fold in folds):
        return None
    return sum((fold["seconds"] or 0.0) * fold["cores"] for fold in folds) + after * computing_cores()


def _tabular_facts(context: RunContext, fc: HeadJudgement) -> dict[str, Any]:
    """Scores with and without tabular inputs, and those of a second head, where the run has any.

    ``columns``: the network's own head with its columns, without them, and the difference. ``second``: the second
    head's answers where the class is known.
    """
    tables = [context.run.tabular(fold) for fold in range(context.folds.n_splits)]
    if any(table is None for table in tables):
        return {}
    table = pd.concat(tables, ignore_index=True)
    found: dict[str, Any] = {}
    labelled = np.flatnonzero(context.fold_of >= 0)
    labels, fold_of, groups = context.labels[labelled], context.fold_of[labelled], groups_of(context, labelled)
    if "log_odds_unknown" in table:
        scores = table.set_index("id")["log_odds_unknown"].loc[context.dataset.ids[labelled]].to_numpy()
        rule = context.config.heads.threshold
        unknown = judge_head(labels, scores, fold_of, groups, threshold=rule, is_log_odds=True)
        found["columns"] = {
            "names": list(context.config.model.columns),
            "known": {**fc.metrics, "intervals": fc.intervals},
            "unknown": {**unknown.metrics, "intervals": unknown.intervals},
            "difference": difference(labels, fc, unknown, groups),
        }
    if "second" in table:
        known = table[(table["second"] != "") & (table["label"] >= 0)].set_index("id")
        at = pd.Series(np.arange(len(labelled)), index=context.dataset.ids[labelled]).loc[known.index].to_numpy()
        truth, answered = (known[name].to_numpy(str) for name in ("second", "second_pred"))
        found["second"] = second_facts(truth, answered, None if groups is None else groups[at], fold_of[at])
        model = context.config.model
        found["second"] |= {"column": model.second_column, "of": model.second_of}
    return found


def _warnings(context: RunContext) -> list[str]:
    found = [f"{reason} It has no score in this run." for reason in left_out(context).values()]
    found += context.selection.notes
    if context.config.normalise.method == "minmax":
        found.append(MINMAX_WARNING)
    if names := context.config.model.columns:
        found.append(
            f"The network reads tabular inputs ({', '.join(names)}). Scores use their values in the dataset; "
            "occlusion, attention on demand and predictions without columns treat them as unknown."
        )
    if context.config.model.columns and context.config.model.columns_leak == "allow":
        reports = context.run.provenance().get("columns", ())
        found += [f"Allowed although it leaks the label: {report['reason']}" for report in reports if report["reason"]]
    if context.config.smote.enabled and context.config.smote.protocol == "before_folds":
        found.append(
            "Synthetic patches were made before the folds were drawn (paper A's way): some have parents in the "
            "validation part, so these scores are inflated."
        )
    if context.config.train.select == "fold_best":
        found.append(
            "The epoch of each fold was chosen by its F1 on that fold's validation part (the papers' way): these "
            "scores are inflated. train.select=inner or last is honest."
        )
    if context.config.folds.protocol == "single":
        n = int((context.fold_of >= 0).sum())
        found.append(
            f"One split: {n:,} of {len(context.folds.members):,} patches are evaluated, by one network. Thresholds are "
            "0.5 and probabilities uncalibrated, because there are no other folds to learn them from."
        )
    found += context.notes
    found += context.value_notes
    folds = context.config.folds
    without_groups = context.dataset.groups is None and not context.drawn.by_place
    if without_groups and folds.grouped and folds.group_by in ("groups", "duplicates"):
        way_out = " folds.group_by=block draws folds by place." if context.drawn.ground.known.any() else ""
        found.append(
            f"The dataset has no groups: patches of one scene may sit in two folds, which flatters the scores.{way_out}"
        )
    if not folds.grouped and context.groups is not None:
        found.append("The folds ignore the dataset's groups: patches of one scene may sit in two folds.")
    return found
