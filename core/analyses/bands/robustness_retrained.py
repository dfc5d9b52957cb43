"""What a drop-out drill found: the patches that flip, and what a run trained without the bands gains.

Comes in: run folders. Goes out: tables and plain values. It loads no network and no torch: the dashboard imports this
module, ``core.analyses.bands.robustness`` makes what is read here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.data.normalise import Normaliser
from core.errors import ConfigError, RunError
from core.evaluate.comparison.significance import compare
from core.evaluate.metrics import metrics
from core.explain.bands.corruptions import INTACT
from core.explain.bands.tables import groups_by_id
from core.runs.store import RunFolder


def flipped(table: pd.DataFrame, scenario: str, policy: str) -> pd.DataFrame:
    """The patches that are decided otherwise than intact: id, label, fold, prob and pred before and after, change.

    Sorted by how far the probability moved. change: "missed", "found", "new alarm" or "alarm gone".
    """
    before, after = answers_of(table, INTACT.name, "as_is"), answers_of(table, scenario, policy)
    both = before.assign(prob_after=after["prob"], pred_after=after["pred"])
    both = both[both["pred"] != both["pred_after"]]
    names = {(1, 0): "missed", (1, 1): "found", (0, 1): "new alarm", (0, 0): "alarm gone"}
    change = [names[int(label), int(pred)] for label, pred in zip(both["label"], both["pred_after"], strict=True)]
    moved = (both["prob_after"] - both["prob"]).abs()
    columns = ["id", "label", "fold", "prob", "prob_after", "pred", "pred_after", "change"]
    return both.assign(change=change, moved=moved).sort_values("moved", ascending=False).reset_index()[columns]


def against_retrained(run: RunFolder, other: RunFolder, scenario: str) -> dict[str, Any]:
    """What a run trained without the lost bands gains over this run with each policy, on the patches both judged.

    Returns scenario, other, n, intact (this run's F1 with every band), retrained (the other's F1), and rows: policy,
    f1, difference (retrained minus damaged) with lo, hi and p, within (whether the interval holds 0). Raises
    ConfigError when the other run was not trained on exactly the bands that are left, RunError when nothing was
    drilled yet or they share no patches.
    """
    found = run.drill()
    if found is None:
        raise RunError(f"Run '{run.name}' has not been drilled. Do so: python -m core explain {run.name} --drill")
    table, report = found
    lost = next((set(one["bands"]) for one in report["scenarios"] if one["name"] == scenario), set())
    names = [Normaliser.from_json(each.normaliser_text(0)).band_names for each in (run, other)]
    left = [name for name in names[0] if name not in lost]
    if not lost or set(left) != set(names[1]):
        raise ConfigError(
            f"'{other.name}' was trained on {', '.join(names[1])}; after {scenario} {', '.join(left)} are left. Train "
            f"one on those: --set data.bands={','.join(left)}"
        )
    theirs = other.oof().set_index(other.oof()["id"].astype(str))
    head = other.summary()["head"]
    rows, intact = [], answers_of(table, INTACT.name, "as_is")
    ids = intact.index.intersection(theirs.index)
    if len(ids) < 2 or (intact.loc[ids, "label"] != theirs.loc[ids, "label"]).any():
        raise RunError(f"'{run.name}' and '{other.name}' did not judge the same labelled patches.")
    groups, labels = groups_of(intact.loc[ids]), intact.loc[ids, "label"].to_numpy()
    better = theirs.loc[ids, f"pred_{head}"].to_numpy(), theirs.loc[ids, f"prob_{head}"].to_numpy()
    for policy in dict.fromkeys(table.loc[table["scenario"] == scenario, "policy"]):
        mine = answers_of(table, scenario, policy).loc[ids]
        one = compare(labels, *better, mine["pred"].to_numpy(), mine["prob"].to_numpy(), groups, ("f1",))
        d = one.differences["f1"]
        values = {"f1": d.b, "difference": d.difference, "lo": d.lo, "hi": d.hi, "p": d.p}
        rows.append({"policy": policy, **values, "within": bool(d.lo <= 0 <= d.hi)})
    return {
        "scenario": scenario,
        "other": other.name,
        "n": len(ids),
        "intact": metrics(labels, intact.loc[ids, "prob"].to_numpy(), pred=intact.loc[ids, "pred"].to_numpy())["f1"],
        "retrained": metrics(labels, better[1], pred=better[0])["f1"],
        "rows": rows,
    }


def answers_of(table: pd.DataFrame, scenario: str, policy: str) -> pd.DataFrame:
    """The rows of one scenario and policy, by id. Raises RunError when it was not drilled."""
    mine = table[(table["scenario"] == scenario) & (table["policy"] == policy)]
    if mine.empty:
        raise RunError(f"Nothing was drilled as '{scenario}' with the policy '{policy}'.")
    return mine.set_index(mine["id"].astype(str)).rename_axis(None)


def groups_of(answers: pd.DataFrame) -> np.ndarray | None:
    """The group of each row of :func:`answers_of`; none where there are no groups."""
    found = groups_by_id(answers)
    return None if found is None else np.array([found[i] for i in answers.index])
