"""An ensemble made: members joined, weights and thresholds learnt on the other folds, judged, compared, kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core import access
from core.ensembles.folder import CARD, OOF, SUMMARY, EnsembleFolder, free_place
from core.ensembles.members import Joined, Member, best_of, join, read_members
from core.ensembles.stacking import METHODS, CrossFitted, Method, cross_fit
from core.evaluate.calibration.fit import log_odds
from core.evaluate.comparison.many import with_holm
from core.evaluate.comparison.significance import compare
from core.evaluate.judge import HeadJudgement, judge_head
from core.progress import Progress, Steps
from core.runs.plain_files import write_json, write_table
from core.runs.store import now
from core.text import interval, number

COMPARED, TESTED = ("f1", "auc"), ("difference", "lo", "hi", "p")
KEEPS_ORDER = 1e-15  # a member's own probabilities are judged as they are: no two of them become one


def make(
    asked: Sequence[str], checkpoints: Path, title: str = "", method: Method = "stack", dataset: Path | None = None
) -> Steps[EnsembleFolder]:
    """Combine members and keep what comes of it beside the runs.

    asked: see :func:`core.ensembles.members.read_members`. title: also names the folder; none: the moment does.
    method: whose numbers are the headline; both are computed. dataset: whose labels count, see ``join``.

    Raises ConfigError for a name that is taken, and what ``read_members``, ``join`` and ``cross_fit`` raise.
    """
    access.require("train")
    title = title.strip() or f"{len(asked)} members {datetime.now(UTC):%Y%m%d-%H%M%S}"
    path = free_place(checkpoints, title)
    yield Progress(0.0, "Reading the members.")
    members = read_members(asked, checkpoints)
    joined = join(members, dataset)
    fitted: dict[str, CrossFitted] = {}
    scores: dict[str, np.ndarray] = {}
    for one in METHODS:
        yield Progress(0.1, f"Learning the weights of the {one}.")
        fitted[one] = cross_fit(joined.labels, joined.log_odds, joined.fold_of, one)
        scores[one] = fitted[one].scores
    scores |= {member.key: log_odds(probs, KEEPS_ORDER) for member, probs in zip(members, joined.probs, strict=True)}
    judged: dict[str, HeadJudgement] = {}
    for place, (name, values) in enumerate(scores.items()):
        yield Progress(0.2 + 0.4 * place / len(scores), f"Measuring {name}.")
        judged[name] = judge_head(
            joined.labels, values, joined.fold_of, joined.groups, threshold="best_f1", is_log_odds=True
        )
    found = {}
    for place, name in enumerate(name for name in judged if name != method):
        yield Progress(0.6 + 0.4 * place / len(scores), f"Comparing with {name}.")
        a, b = judged[method], judged[name]
        found[name] = compare(joined.labels, a.pred, a.probs, b.pred, b.probs, joined.groups, COMPARED)
    best = members[best_of([judged[member.key].metrics["f1"] for member in members])].key
    against = {metric: with_holm(found, metric) for metric in COMPARED}
    differences = {name: {metric: _row(rows, name) for metric, rows in against.items()} for name in found}
    table = {"id": joined.ids, "label": joined.labels, "fold": joined.fold_of}
    table["group"] = joined.groups if joined.groups is not None else np.full(len(joined.ids), "")
    for name, head in judged.items():
        table |= {f"score_{name}": scores[name], f"prob_{name}": head.probs, f"pred_{name}": head.pred}
    write_table(path / OOF, pd.DataFrame(table))
    write_json(path / SUMMARY, _summary(path.name, method, joined, judged, differences))
    write_json(path / CARD, {
        "format": 1,
        "title": title,
        "made": now(),
        "method": method,
        "best_member": best,
        "members": [_member(member, place, joined, fitted[method]) for place, member in enumerate(members)],
        "combinations": {
            name: {
                "folds": [one.to_dict() for one in crossed.folds],
                "deployed": crossed.deployed.to_dict(),
                "threshold": judged[name].rule.deployed,
            }
            for name, crossed in fitted.items()
        },
        "differences": differences,
        "folds_of": joined.folds_of,
        "notes": list(joined.notes),
    })  # fmt: skip
    return EnsembleFolder(path)


def _row(rows: list[dict], name: str) -> dict[str, Any]:
    return {key: value for key, value in next(row for row in rows if row["name"] == name).items() if key != "name"}


def _member(member: Member, place: int, joined: Joined, crossed: CrossFitted) -> dict[str, Any]:
    """share: its part of all weights for new patches; fold_shares: of each fold's; same_folds: None where unknown."""
    return {
        "key": member.key,
        "title": member.title,
        "kind": member.kind,
        **{name: member.facts[name] for name in ("run", "head", "headline", "file") if name in member.facts},
        "n": len(member.table),
        "weight": crossed.deployed.weights[place],
        "share": float(crossed.deployed.shares[place]),
        "fold_shares": [float(one.shares[place]) for one in crossed.folds],
        "same_folds": joined.same_folds[place],
    }


def _summary(
    name: str, method: str, joined: Joined, judged: dict[str, HeadJudgement], differences: dict[str, dict]
) -> dict[str, Any]:
    """As ``core.flow.scoring.summarise`` of a run."""
    chosen, folds = judged[method], []
    for fold in range(int(joined.fold_of.max()) + 1):
        n_val = int((joined.fold_of == fold).sum())
        heads = {head: one.folds[fold] for head, one in judged.items()}
        folds.append(
            {"fold": fold, "n_train": len(joined.ids) - n_val, "n_val": n_val, **heads[method], "heads": heads}
        )
    return {
        "run": name,
        "dataset_name": joined.dataset_name,
        "preset": "ensemble",
        "class_names": list(joined.class_names),
        "positive": joined.class_names[1],
        "positive_share": float(joined.labels.mean()),
        "grouped": joined.groups is not None,
        "head": method,
        "threshold_rule": "best_f1",
        "oof": {**chosen.metrics, "f1_interval": chosen.intervals["f1"]},
        "heads": {head: {**one.metrics, "intervals": one.intervals} for head, one in judged.items()},
        "folds": folds,
        "differences": {
            head: {metric: {key: row[key] for key in TESTED} for metric, row in rows.items()}
            for head, rows in differences.items()
        },
        "warnings": list(joined.notes),
    }


# ----------------------------------------------------------------------------------------------------- in words


def sentence(ensemble: EnsembleFolder) -> str:
    """The ensemble beside its best member in two sentences, with set, n, share and intervals."""
    card, summary = ensemble.card(), ensemble.summary()
    oof, best = summary["oof"], card["best_member"]
    title = next(one["title"] for one in card["members"] if one["key"] == best)
    row = card["differences"][best]["f1"]
    first = (
        f"Out-of-fold F1 {number(oof['f1'])} (95% interval {interval(oof['f1_interval'])}), AUC {number(oof['auc'])}: "
        f"{card['method']} of {len(card['members'])} members, {len(summary['folds'])} folds, n = {oof['n']:,}, "
        f"{summary['positive_share']:.1%} {summary['positive']}."
    )
    return f"{first} {against(row, title)}"


def against(row: dict[str, Any], title: str) -> str:
    """What the paired test says about the ensemble and a member."""
    known = [row[key] for key in ("difference", "lo", "hi")]
    if any(value is None or not np.isfinite(value) for value in known):
        return f"The difference to {title} is undefined here."
    bounds = interval((row["lo"], row["hi"]), signed=True)
    size = f"F1 {number(row['a'])} against {number(row['b'])}, difference {bounds}"
    if row["settled"]:
        return f"It is {'better' if row['difference'] > 0 else 'worse'} than {title}: {size}."
    return f"No significant difference to {title}: {size}."
