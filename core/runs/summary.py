"""A run's summary in words, for the command line and the pages."""

from __future__ import annotations

from typing import Any

from core.evaluate.prevalence import of_counts
from core.runs.prevalence import Prevalence
from core.text import interval, number


def headline(summary: dict[str, Any], prevalence: Prevalence | None = None) -> str:
    """The run in a sentence, with its set, its share of landslides, its n and its interval.

    prevalence: stated for where the model is used; a second sentence says what the numbers become there.
    """
    oof = summary["oof"]
    low, high = oof["f1_interval"]
    cells = oof["confusion"]
    own = (cells["tp"] + cells["fn"]) / max(oof["n"], 1)
    first = (
        f"Out-of-fold F1 of '{summary['positive']}' {number(oof['f1'])} "
        f"(95% interval {interval((low, high))}), AUC {number(oof['auc'])}, head {summary['head']}, "
        f"{len(summary['folds'])} folds, n = {oof['n']}, {own:.1%} {summary['positive']}."
    )
    if prevalence is None:
        return first
    there = of_counts(cells, prevalence.share)
    return (
        f"{first} With {prevalence.words()}: precision {number(there['precision'])}, F1 {number(there['f1'])}, "
        f"{number(there['alarms_per_1000'], 0)} alarms per 1,000 patches, {number(there['missed_per_1000'], 1)} missed."
    )
