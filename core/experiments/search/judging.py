"""The winner of a search, and the settings as they are, trained again and judged on the patches that no trial saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from core.data.label_versions import with_labels
from core.errors import RunError
from core.experiments.running import train_here
from core.experiments.search.inflation import Answers, judged
from core.experiments.search.parts import Part
from core.experiments.search.plan import Plan
from core.experiments.search.record import Record
from core.experiments.search.study import AS_THEY_ARE, Trial
from core.experiments.search.trial_run import begun, judge_path, trial_path, without_networks
from core.flow.shared import Shared
from core.progress import Progress, Steps, part
from core.runs.compare import answers
from core.runs.repeats import repeated
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

OUTER = "outer"  # the table of a run's answers on the patches that it is judged on


def judgement(
    plan: Plan, record: Record, parts: Sequence[Part], winners: Sequence[Trial], shared: Shared
) -> Steps[dict[str, Any]]:
    """What ``core.experiments.search.inflation.judged`` says, with ``best`` (numbers of the winning trials).

    Trains what has not been trained and answered before. Raises RunError where a class is missing from what is judged.
    """
    tables: dict[str, list[pd.DataFrame]] = {"best": [], "as_they_are": []}
    steps_each = 1 / (2 * len(parts))
    for i, (one, winner) in enumerate(zip(parts, winners, strict=True)):
        found: dict[int, pd.DataFrame] = {}
        asked = (("as_they_are", AS_THEY_ARE, "the settings as they are"), ("best", winner.number, "the winner"))
        for j, (name, k, words) in enumerate(asked):
            if k not in found:
                start = (2 * i + j) * steps_each
                steps = _answered(plan, record.folder, one, record.trials(one.number)[k], shared)
                found[k] = yield from _named(f"Judging {words}", part(steps, start, start + steps_each))
            tables[name].append(found[k])
    inner = {
        "best": [_inner(record.folder, one, winner.number) for one, winner in zip(parts, winners, strict=True)],
        "as_they_are": [_inner(record.folder, one, AS_THEY_ARE) for one in parts],
    }
    best, same = (Answers(inner[name], pd.concat(tables[name], ignore_index=True)) for name in ("best", "as_they_are"))
    result = judged(best, same, plan.metric)
    return {**result, "best": [winner.number for winner in winners], "parts": [_counts(one) for one in tables["best"]]}


def _counts(table: pd.DataFrame) -> dict[str, int]:
    return {"n": len(table), "positives": int(table["label"].sum())}


def _inner(folder: ResultFolder, one: Part, k: int) -> pd.DataFrame:
    """What a trial answered out of fold: the answers that its score is of. A twin's are those of the first of them."""
    return answers(RunFolder(trial_path(folder, one.number, k)))


def _answered(plan: Plan, folder: ResultFolder, one: Part, trial: Trial, shared: Shared) -> Steps[pd.DataFrame]:
    """Answers of the trial's settings, trained with another seed, on the part's outer patches.

    id, label, group, prob and pred of all networks together, and prob_0, pred_0, ... of each alone.
    """
    path = judge_path(folder, one.number, trial.number)
    kept = ResultFolder(path)
    config = plan.space.base if trial.number == AS_THEY_ARE else plan.space.config(trial.params)
    again = repeated(one.config(config), 2)[1]
    run = begun(path, again, plan.dataset.path)
    if kept.has(f"{OUTER}.parquet"):
        return kept.table(OUTER)
    if run.known_status()["state"] != "succeeded":
        yield from part(_quiet(train_here(run, shared)), 0.0, 0.95)
    table = yield from part(outer_answers(run, plan, one), 0.95, 1.0)
    kept.write_table(OUTER, table)
    without_networks(run)
    return table


def outer_answers(run: RunFolder, plan: Plan, one: Part) -> Steps[pd.DataFrame]:
    """See :func:`_answered`. Patches that the run's starting weights know, and those without data, are left out.

    Raises RunError where what is left has one class only.
    """
    from core.predict.known_patches import known_from_weights
    from core.predict.patches import Ensemble, answer
    from core.predict.sources import batches_of

    config = run.config()
    dataset, rows = with_labels(plan.dataset, config.data.labels), one.outer
    if config.model.weights or config.model.sar_weights:
        known = yield from part(known_from_weights(run, dataset, rows, dataset.band_names), 0.0, 0.2)
        rows = rows[~known.any]
    ensemble = Ensemble.load(run)
    answered = yield from part(answer(run, batches_of(dataset, rows), dataset.bands, ensemble, dataset, n=len(rows)),
                               0.2, 1.0)  # fmt: skip
    there = answered.has_answer
    answered, rows = answered.only(there), rows[there]
    labels = one.labels[rows]
    if len(np.unique(labels)) < 2:
        raise RunError("The patches that judge the winner have one class only. Hold back a larger share.")
    table = pd.DataFrame(
        {
            "id": answered.ids, "label": labels, "group": one.groups[rows], "prob": answered.probs,
            "pred": answered.pred,
        }
    )  # fmt: skip
    thresholds = ensemble.rules[ensemble.head].thresholds
    for k, (probs, threshold) in enumerate(zip(answered.by_fold, thresholds, strict=True)):
        table[f"prob_{k}"], table[f"pred_{k}"] = probs, (probs >= threshold).astype(np.int8)
    return table


def _quiet(steps: Steps[None]) -> Steps[None]:
    """Events of a run are its own, not the search's."""
    try:
        for step in steps:
            yield replace(step, event="")
    finally:
        steps.close()


def _named(words: str, steps: Steps[Any]) -> Steps[Any]:
    try:
        while True:
            step: Progress = next(steps)
            yield replace(step, message=f"{words}: {step.message}")
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()
