"""A run trained without some bands against a run that lost them afterwards: what training again would gain."""

from __future__ import annotations

from typing import Any

from core.analyses.bands.flips import answers_of, groups_of
from core.analyses.bands.robustness import not_tested, read
from core.data.normalise import Normaliser
from core.errors import ConfigError, RunError
from core.evaluate.comparison.significance import compare
from core.evaluate.metrics import metrics
from core.explain.bands.corruptions import INTACT
from core.runs.store import RunFolder


def against_retrained(run: RunFolder, other: RunFolder, scenario: str) -> dict[str, Any]:
    """What a run trained without the lost bands gains over this run with each policy, on the patches both judged.

    Returns scenario, other, n, intact (this run's F1 with every band), retrained (the other's F1), and rows: policy,
    f1, difference (retrained minus damaged) with lo, hi and p, within (whether the interval holds 0). Raises
    ConfigError when the other run was not trained on exactly the bands that are left, RunError when this run's
    robustness has not been tested or the two share no patches.
    """
    tested = read(run)
    if tested is None:
        raise RunError(not_tested(run))
    table, report = tested.table, tested.report
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
        compared = compare(labels, *better, mine["pred"].to_numpy(), mine["prob"].to_numpy(), groups, ("f1",))
        d = compared.differences["f1"]
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
