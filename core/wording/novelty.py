"""How surely data unlike the training set is told, in sentences and as rates by fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.text import count, interval_percent, percent
from core.wording.voice import PLAIN, Voice

SURE = 0.95  # share of places from which a fault is found surely
WHAT = {"sets": "A whole place", "patches": "A single patch"}
EVIDENCE = {
    "both": "band values and embeddings", "bands": "band values", "embedding": "embeddings",
}  # fmt: skip


def rates(report: Mapping[str, Any]) -> pd.DataFrame:
    """One row per fault, no fault first: key, title, sets and patches with lo, hi and text, refused, named."""
    evidence, rows = report["evidence"], []
    false = report["false_alarms"]
    found = {"none": {"title": "Nothing wrong (false alarms)", **_as_rates(false, evidence)}, **report["faults"]}
    for key, one in found.items():
        row = {"key": key, "title": one["title"], "refused": one.get("refused", 0), "named": one.get("named", 0)}
        for what in WHAT:
            of = one[what].get(evidence) or next(iter(one[what].values()))
            row |= {what: of["share"], f"{what}_lo": of["lo"], f"{what}_hi": of["hi"], f"{what}_n": of["n"]}
            row[f"{what}_text"] = _with_interval(of)
        rows.append(row)
    table = pd.DataFrame(rows)
    return pd.concat([table[:1], table[1:].sort_values(["sets", "patches"], ascending=False, kind="stable")])


def _as_rates(false: Mapping[str, Any], evidence: str) -> dict[str, Any]:
    return {"sets": {evidence: false["sets"]}, "patches": {evidence: false["patches"]}, "refused": false["refused"]}


def _with_interval(of: Mapping[str, Any]) -> str:
    ends = interval_percent((of["lo"], of["hi"]))
    return f"{percent(of['share'], 1 if of['share'] < 0.05 else 0)}" + (f" ({ends})" if ends else "")


def sentence(report: Mapping[str, Any], table: pd.DataFrame, voice: Voice = PLAIN) -> str:
    """What it means."""
    faults = table[table["key"] != "none"]
    sure = int((faults["sets"] >= SURE).sum())
    false = report["false_alarms"]["sets"]
    hidden = [voice.shown(text) for text in faults.loc[faults["sets"] < 0.2, "title"]]
    words = voice.strong(
        f"{sure} of {len(faults)} planted faults are found in at least {percent(SURE, 0)} of places; "
        f"{percent(false['share'], 1)} of places without a fault raise an alarm."
    )
    return words + (f" Hardly ever found: {'; '.join(hidden)}." if hidden else "")


def basis(report: Mapping[str, Any], voice: Voice = PLAIN) -> str:
    """What the numbers rest on."""
    whose = "groups" if report["grouped"] else "patches (the run has no groups)"
    return (
        f"Dotted line: the promised rate of false alarms, 1 in {1 / report['level']:.0f}. Compared: "
        f"{EVIDENCE[report['evidence']]}. Calibrated on {count(report['n_calibrated'])} held-out patches of "
        f"{count(report['n_groups'])} {whose}, {report['n_folds']} folds; each fault planted in "
        f"{count(report['n'])} of them. A place is one held-out group. Measured {voice.shown(report['made'][:10])}."
    )
