"""Runs side by side. Comes in: run folders. Goes out: one table. It knows only what their summaries say."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from core.errors import RunError
from core.runs.store import RunFolder


def table(runs: Iterable[RunFolder]) -> pd.DataFrame:
    """One row a run: dataset, preset, head, out-of-fold F1 with interval, AUC, recall, precision, n, seconds.

    A run without a summary (not finished, failed) has its state and no numbers.
    """
    rows = []
    for run in runs:
        row = {"run": run.name, "state": run.status()["state"], "preset": run.config().preset}
        try:
            summary = run.summary()
        except RunError:
            rows.append(row)
            continue
        oof = summary["oof"]
        low, high = oof["f1_interval"]
        rows.append(
            row
            | {"dataset": summary["dataset_name"], "head": summary["head"], "n": oof["n"], "f1": oof["f1"]}
            | {"f1_low": low, "f1_high": high, "auc": oof["auc"], "recall": oof["recall"]}
            | {"precision": oof["precision"], "seconds": summary["seconds"]}
        )
    return pd.DataFrame(rows)
