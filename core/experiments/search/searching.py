"""Runs a search: trials one after the other in one process, each an ordinary training, then the judgement."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from core.errors import LandslideLensError, RunError
from core.experiments.running import train_here
from core.experiments.search.judging import judgement
from core.experiments.search.parts import Part, parts_of
from core.experiments.search.plan import Plan
from core.experiments.search.record import NAMES, Record
from core.experiments.search.score_so_far import score_so_far
from core.experiments.search.space import setting_of
from core.experiments.search.study import (
    AS_THEY_ARE,
    Trial,
    best_of,
    hopeless,
    importance,
    next_params,
)
from core.experiments.search.trial_run import begun, trial_path, without_networks
from core.flow.shared import Shared
from core.flow.starting_weights import KEPT
from core.io.atomic import remove_tree
from core.progress import Progress, Steps, part
from core.runs.results import ResultFolder
from core.text import number

JUDGING = 2  # trainings of the judgement: of the winner and of the settings as they are


def search(plan: Plan, folder: ResultFolder, facts: dict[str, Any]) -> Steps[Record]:
    """Do what is missing of the trials, and judge the best. Returns the record, which is written as it grows.

    Raises FoldError where nothing can be held back, and what keeps the settings as they are from being trained;
    RunError where nothing has a score.
    """
    shared, record = Shared(), Record.opened(folder, facts)
    yield Progress(0.0, "Dividing the patches into those that are searched on and those that judge.")
    parts = parts_of(plan.dataset, plan.space.base, plan.judge, plan.share, plan.outer_folds, shared)
    if len(record.parts) != len(parts):
        record.parts = [_facts(one) for one in parts]
    record.save()
    each = plan.trials + 1
    units = len(parts) * (each + JUDGING)
    for one in parts:
        for k in range(each):
            start = one.number * each + k
            yield from part(_trial(plan, record, one, k, shared), start / units, (start + 1) / units)
        record.parts[one.number]["importance"] = importance(plan.space, record.trials(one.number))
        record.save()
    winners = [_winner(record, one) for one in parts]
    steps = judgement(plan, record, parts, winners, shared)
    record.judgement = yield from part(steps, len(parts) * each / units, 1.0)
    remove_tree(folder.path / KEPT)  # packaged weights, a copy of what is beside the dataset's runs
    record.save()
    return record


def _facts(one: Part) -> dict[str, Any]:
    labels = one.labels
    return {
        "number": one.number, "n_search": len(one.search), "positives_search": int(labels[one.search].sum()),
        "n_outer": len(one.outer), "positives_outer": int(labels[one.outer].sum()), "trials": [], "importance": None,
    }  # fmt: skip


def _winner(record: Record, one: Part) -> Trial:
    best = best_of(record.trials(one.number))
    if best is None:
        reasons = [trial.reason for trial in record.trials(one.number) if trial.reason]
        raise RunError(f"No trial has a score. {reasons[0] if reasons else ''}".strip())
    return best


def _trial(plan: Plan, record: Record, one: Part, k: int, shared: Shared) -> Steps[None]:
    """Trial ``k`` of a part, or what is left of it; nothing where it has ended before."""
    known = {trial.number: trial for trial in record.trials(one.number)}
    trial = known.get(k)
    if trial is not None and trial.state != "running":
        return
    earlier = [other for other in known.values() if other.number < k]
    if trial is None:
        trial = _next(plan, earlier, k)
        record.put(one.number, trial)
    words = f"Trial {k} of {plan.trials}" if k else "The settings as they are"
    if len(record.parts) > 1:
        words = f"Search {one.number + 1} of {len(record.parts)}, {words[0].lower()}{words[1:]}"
    twin = next((other for other in earlier if k and other.settings == trial.settings), None)
    if twin is not None and twin.state != "failed":
        reason = f"The same settings as trial {twin.number}; not trained again."
        trial = record.change(
            one.number, trial, state=twin.state, folds=twin.folds, value=twin.value, reason=reason, seconds=0.0
        )
    else:
        try:
            trial = yield from _named(words, _trained(plan, record, one, trial, earlier, shared))
        except LandslideLensError as error:
            if k == AS_THEY_ARE:
                raise
            trial = record.change(one.number, trial, state="failed", reason=str(error))
    fields = {"part": one.number, "trial": k, "state": trial.state, "value": trial.value}
    yield Progress(1.0, f"{words}: {_ended(trial, plan.metric)}", "trial", fields)


def _next(plan: Plan, earlier: list[Trial], k: int) -> Trial:
    space = plan.space
    if k == AS_THEY_ARE:
        settings = {one.name: setting_of(space.base, one.name) for one in space.parameters}
        return Trial(k, space.here() or {}, settings)
    params = next_params(space, earlier, plan.sampler, plan.seed)
    return Trial(k, params, space.settings(params))


def _trained(plan: Plan, record: Record, one: Part, trial: Trial, earlier: list[Trial], shared: Shared) -> Steps[Trial]:
    """Train it fold by fold; after each its score is written down, and a hopeless trial ends."""
    k = trial.number
    config = plan.space.config(trial.params) if k else plan.space.base
    run = begun(trial_path(record.folder, one.number, k), one.config(config), plan.dataset.path)
    began, before = time.monotonic(), trial.seconds
    scores: list[float] = []
    steps = train_here(run, shared)
    try:
        for step in steps:
            yield replace(step, event="")
            if step.event != "fold":
                continue
            scores.append(score_so_far(run, len(scores) + 1, plan.metric))
            seconds = before + time.monotonic() - began
            trial = record.change(one.number, trial, folds=tuple(scores), seconds=seconds)
            whole = len(scores) == step.fields["n_folds"]
            if k and plan.prune and not whole and hopeless(earlier, scores):
                reason = f"Stopped after fold {len(scores)} of {step.fields['n_folds']}: in the lower half there."
                steps.close()
                run.write_status(message=reason)
                trial = record.change(one.number, trial, state="pruned", reason=reason)
                break
        else:
            if not scores or not math.isfinite(scores[-1]):
                raise RunError(f"Its {NAMES[plan.metric]} is undefined: a class is missing from what is judged.")
            seconds = before + time.monotonic() - began
            trial = record.change(one.number, trial, state="complete", value=scores[-1], seconds=seconds)
    finally:
        steps.close()
    without_networks(run)
    return trial


def _named(words: str, steps: Steps[Trial]) -> Steps[Trial]:
    try:
        while True:
            step = next(steps)
            yield replace(step, message=f"{words}: {step.message}")
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


def _ended(trial: Trial, metric: str) -> str:
    if trial.state == "complete":
        return f"{NAMES[metric]} {number(trial.value)}."
    return trial.reason
