"""A run's summary in words, for the command line and the pages."""

from __future__ import annotations

from typing import Any

from core.text import number


def headline(summary: dict[str, Any]) -> str:
    """The run in one sentence, with its set, its n and its interval."""
    oof = summary["oof"]
    low, high = oof["f1_interval"]
    return (
        f"Out-of-fold F1 of '{summary['positive']}' {number(oof['f1'])} "
        f"(95 % interval {number(low)} to {number(high)}), AUC {number(oof['auc'])}, head {summary['head']}, "
        f"{len(summary['folds'])} folds, n = {oof['n']}."
    )
