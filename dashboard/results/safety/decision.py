"""A safety target as a decision: threshold, promise, inspections and their cost, in words and as a file to keep."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from core.evaluate.prevalence import with_intervals
from core.evaluate.risk_control import Target, TriageRule
from core.text import duration
from dashboard.results.predictions import Predictions
from dashboard.ui.formatting import escape_markdown

TIME = "minutes"
UNITS = (TIME, "EUR", "USD", "GBP", "CHF")


@dataclass(frozen=True)
class Inspections:
    """What inspecting costs: ``cost`` in ``unit`` (``UNITS``) for a patch; how many patches are screened."""

    cost: float
    unit: str
    patches: int

    def price(self, per_1000: float) -> float:
        """Of inspecting so many of every 1,000 patches."""
        return self.cost * self.patches * per_1000 / 1000

    def words(self, per_1000: float) -> str:
        """The same for people: ``18 h 56 min``, ``1,136 EUR``."""
        price = self.price(per_1000)
        return duration(60 * price) if self.unit == TIME else f"{price:,.0f} {self.unit}"


@dataclass(frozen=True)
class Decision:
    """A rule at the prevalence where it is used.

    target: as it was chosen; rule: what keeps it. share: of landslides there, 0-1. inspect: of 1,000 patches, with its
    interval. missed_most: what the promise allows there, in the target's unit.
    """

    target: Target
    rule: TriageRule
    share: float
    inspect: tuple[float, float, float]
    missed_most: float
    n_models: int

    @property
    def cleared(self) -> float:
        """Of 1,000 patches: neither inspected nor accepted."""
        return 1000 - self.inspect[0] - self.rule.accepted.value

    def promise(self, positive: str) -> str:
        """One sentence for a stakeholder, plain text."""
        return self.rule.promise(positive, self.n_models, self.target, self.inspect[0])


def decide(predictions: Predictions, target: Target, rule: TriageRule, share: float, is_own: bool) -> Decision:
    """What a rule comes to where ``share`` of the patches are landslides. is_own: as many as among these patches."""
    if is_own:
        load = rule.workload
        most = rule.miss_rate_upper if target.kind == "miss_rate" else rule.missed_per_1000_upper
        return Decision(target, rule, share, (load.value, load.lo, load.hi), most, predictions.n_models)
    called = (predictions.probs >= rule.threshold).astype(np.int8)
    there = with_intervals(predictions.labels, called, share, predictions.groups)
    inspect = (there["alarms_per_1000"], *there["intervals"]["alarms_per_1000"])
    most = rule.miss_rate_upper if target.kind == "miss_rate" else 1000 * share * rule.miss_rate_upper
    return Decision(target, rule, share, inspect, most, predictions.n_models)


def path_at(predictions: Predictions, path: pd.DataFrame, share: float, scale: float) -> pd.DataFrame:
    """Every threshold where ``share`` of the patches are landslides: threshold, missed, most (upper bound), inspect.

    path: of ``tradeoff``. scale: what its bounds are multiplied by to be in the target's unit.
    """
    n, positives = len(predictions.labels), max(int(predictions.labels.sum()), 1)
    found = 1 - path["missed"] / positives
    alarms = (path["workload"] * n / 1000 - (positives - path["missed"])) / max(n - positives, 1)
    inspect = 1000 * (share * found + (1 - share) * alarms)
    return pd.DataFrame(
        {
            "threshold": path["threshold"], "missed": path["missed"], "most": scale * path["upper"],
            "inspect": inspect.clip(0, 1000),
        }
    )  # fmt: skip


def record(decision: Decision, inspections: Inspections, predictions: Predictions, run: str, dataset: str) -> dict:
    """The decision as plain values, to be kept and to be handed on."""
    rule, target = decision.rule, decision.target
    return {
        "run": run,
        "dataset": dataset,
        "head": predictions.head or None,
        "decided": datetime.now(UTC).isoformat(timespec="seconds"),
        "target": {"kind": target.kind, "at_most": target.limit, "confidence": round(1 - target.delta, 6)},
        "threshold": _plain(rule.threshold),
        "accept_from": _plain(rule.accept_at),
        "promise": decision.promise(predictions.positive),
        "assumes": rule.rests_on(predictions.n_models),
        "prevalence": decision.share,
        "n": rule.n,
        "n_landslides": rule.n_positive,
        "n_groups": rule.n_groups,
        "models_that_must_agree": predictions.n_models,
        "inspect_per_1000": round(decision.inspect[0], 3),
        "inspect_per_1000_interval": [_plain(round(end, 3)) for end in decision.inspect[1:]],
        "cleared_per_1000": round(decision.cleared, 3),
        "missed_upper_bound": decision.missed_most,
        "missed_here": rule.missed,
        "inspection": {
            "cost_per_patch": inspections.cost, "unit": inspections.unit, "patches": inspections.patches,
            "total": round(inspections.price(decision.inspect[0]), 2),
        },
    }  # fmt: skip


def as_json(kept: dict) -> str:
    """:func:`record` as text."""
    return json.dumps(kept, indent=2, allow_nan=False) + "\n"


def as_table(kept: dict) -> pd.DataFrame:
    """:func:`record` as one row, nested names joined by an underscore."""
    row: dict[str, Any] = {}
    for name, value in kept.items():
        if isinstance(value, dict):
            row |= {f"{name}_{inner}": one for inner, one in value.items()}
        elif isinstance(value, list):
            row |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        else:
            row[name] = value
    return pd.DataFrame([row])


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def smallest(path: pd.DataFrame, in_share: bool, positive: str) -> str:
    """The smallest target that can be promised, in Markdown; empty where none can. path: of :func:`path_at`."""
    if path.empty:
        return ""
    least = float(path["most"].min())
    rounded = math.ceil(10 * least) / 10  # a little more can be promised too
    what = f"{rounded:g}% of {escape_markdown(positive)} patches"
    if not in_share:
        what = f"{rounded:g} {escape_markdown(positive)} patches per 1,000"
    return f"The smallest target that these patches can promise is {what}."
