"""What a search's best score is worth: the same settings on patches that no trial has seen, and what was too high.

``inner`` is the cross-validated score that the winner was chosen by. ``outer`` is of the winner trained again, with
another seed, on what the search could look at, and judged on the rest: one network at a time, because that is how the
inner score is made (the mean of several networks is better than one, which would hide the inflation). Their difference
is the inflation. Part of it may be that the two sets of patches differ, so the settings as they are, which nobody has
chosen by a score, are judged in the same two ways: what the search promised over them, and what was kept of it.

All differences are drawn in the same resamples of whole groups (of the inner and the outer patches together).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.evaluate.intervals import effective_groups_by_metric, interval, resampled_sets
from core.evaluate.metrics import metrics
from core.stats.intervals import t_interval

N_BOOT = 1000


@dataclass(frozen=True, eq=False)
class Answers:
    """One configuration by its answers: of each search part out of fold, and of the outer patches of all together.

    inner: tables of id, label, group, prob, pred. outer: the same, and prob_0, pred_0, ... of each fold's network.
    """

    inner: Sequence[pd.DataFrame]
    outer: pd.DataFrame

    @property
    def networks(self) -> int:
        """How many networks answered for every outer patch."""
        return sum(name.startswith("prob_") and not self.outer[name].isna().any() for name in self.outer)


def judged(best: Answers, as_they_are: Answers, metric: str) -> dict[str, Any]:
    """Plain values: inner, outer, deployed, inflation, promised, kept, as_they_are (its inner and outer), n, positives.

    A value with its 95 % interval is {value, lo, hi}. deployed: the mean of all networks, as predictions are made.
    """
    sets: list[Any] = []
    places = {}
    for name, answers in (("best", best), ("as_they_are", as_they_are)):
        places[name, "inner"] = _add(sets, [(one, "prob", "pred") for one in answers.inner])
        single = [(answers.outer, f"prob_{k}", f"pred_{k}") for k in range(answers.networks)]
        places[name, "outer"] = _add(sets, single)
        places[name, "deployed"] = _add(sets, [(answers.outer, "prob", "pred")])
    drawn = [one[metric] for one in resampled_sets(sets, N_BOOT, 0)]
    scores = [_score(one, metric) for one in sets]
    point = {key: float(np.mean([scores[i] for i in rows])) for key, rows in places.items()}
    samples = {key: np.mean([drawn[i] for i in rows], axis=0) for key, rows in places.items()}
    labels, pred, _, groups = sets[places["best", "outer"][0]]
    worth = effective_groups_by_metric(labels, pred, groups)[metric]

    def bounded(key: tuple[str, str]) -> dict[str, float]:
        lo, hi = interval(point[key], samples[key], worth, metric)
        return {"value": point[key], "lo": lo, "hi": hi}

    def between(*signed: tuple[int, tuple[str, str]]) -> dict[str, float]:
        value = float(sum(sign * point[key] for sign, key in signed))
        lo, hi = t_interval(value, sum(sign * samples[key] for sign, key in signed), worth)
        return {"value": value, "lo": float(lo), "hi": float(hi)}

    inner, outer = ("best", "inner"), ("best", "outer")
    base_inner, base_outer = ("as_they_are", "inner"), ("as_they_are", "outer")
    return {
        "inner": point[inner], "outer": bounded(outer), "deployed": bounded(("best", "deployed")),
        "inflation": between((1, inner), (-1, outer)),
        "promised": between((1, inner), (-1, base_inner)), "kept": between((1, outer), (-1, base_outer)),
        "lost": between((1, inner), (-1, base_inner), (-1, outer), (1, base_outer)),
        "as_they_are": {
            "inner": point[base_inner], "outer": bounded(base_outer), "deployed": bounded(("as_they_are", "deployed")),
        },
        "n": len(labels), "positives": int(labels.sum()), "networks": best.networks,
        "n_groups": len(np.unique(groups)),
    }  # fmt: skip


def _add(sets: list, tables: Sequence[tuple[pd.DataFrame, str, str]]) -> list[int]:
    """Places of these tables among the sets."""
    first = len(sets)
    for table, prob, pred in tables:
        groups = table["group"].to_numpy(str)
        alone = np.char.add("patch ", table["id"].to_numpy(str))
        groups = np.where(groups == "", alone, groups)
        sets.append((table["label"].to_numpy(), table[pred].to_numpy(), table[prob].to_numpy(), groups))
    return list(range(first, len(sets)))


def _score(one: tuple[np.ndarray, ...], metric: str) -> float:
    labels, pred, probs, _ = one
    return float(metrics(labels, probs, pred=pred)[metric])
