"""Runs side by side: their headline numbers, and whether a difference between two of them is real."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from core.errors import RunError
from core.runs.store import RunFolder

if TYPE_CHECKING:
    from core.evaluate.comparison.significance import Comparison


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


def pair(a: RunFolder, b: RunFolder, head_a: str | None = None, head_b: str | None = None) -> Comparison:
    """Two runs, or two heads of one run, on the patches that both answered out of fold; each group drawn whole.

    head_a, head_b: none is each run's headline. Raises RunError when they share no patch, when a head is not there, or
    when the same patch has different labels in the two.
    """
    from core.evaluate.comparison.significance import compare

    first, second = _answers(a, head_a), _answers(b, head_b)
    both = first.merge(second, on="id", suffixes=("_a", "_b"))
    if both.empty:
        raise RunError(f"'{a.name}' and '{b.name}' share no patch. Compare runs on the same dataset.")
    differ = int((both["label_a"] != both["label_b"]).sum())
    if differ:
        raise RunError(
            f"{differ} of the {len(both)} patches that '{a.name}' and '{b.name}' share have different labels. "
            "Train one of them again on the corrected dataset."
        )
    groups = both["group_a"].to_numpy()
    grouped = len(groups) > 0 and bool((groups != "").all())
    columns = (both[name].to_numpy() for name in ("pred_a", "prob_a", "pred_b", "prob_b"))
    return compare(both["label_a"].to_numpy(), *columns, groups if grouped else None)


def rows(against: RunFolder, others: Iterable[RunFolder], metric: str = "f1") -> list[dict]:
    """Every other run against one, by headline heads, each p beside Holm's for all of them; see ``many.with_holm``.

    A run that cannot be compared is there with its ``reason``.
    """
    from core.evaluate.comparison.many import with_holm

    found, left_out = {}, []
    for run in others:
        try:
            found[run.name] = pair(run, against)
        except RunError as error:
            left_out.append({"name": run.name, "metric": metric, "reason": str(error)})
    return [row | {"reason": ""} for row in with_holm(found, metric)] + left_out


def _answers(run: RunFolder, head: str | None) -> pd.DataFrame:
    """id, label, group, prob, pred of one head."""
    head, oof = head or run.summary()["head"], run.oof()
    if f"prob_{head}" not in oof:
        known = ", ".join(str(name)[5:] for name in oof if str(name).startswith("prob_"))
        raise RunError(f"Run '{run.name}' has no head '{head}'. Its heads: {known}.")
    names = {f"prob_{head}": "prob", f"pred_{head}": "pred"}
    return oof[["id", "label", "group", *names]].rename(columns=names)
