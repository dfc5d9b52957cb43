"""The labels of a run's patches in the order in which they are worth looking at again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from core.analyses.base import Analysis, Options
from core.config.sections import names_of
from core.errors import LandslideLensError, RunError
from core.flow.fold_rows import fold_rows
from core.progress import Progress, Steps
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, open_run

NAME = "label_issues"
FIRST = 0.05  # share of the patches that a first review looks at


class LabelIssuesOptions(Options):
    """Which other runs are asked too."""

    runs: Annotated[tuple[str, ...], BeforeValidator(names_of)] = Field(
        (),
        title="Other runs",
        description="Names of finished runs on the same patches, whose answers count as well, with commas between.",
    )


@dataclass(frozen=True)
class LabelIssues:
    """report: n, n_positive, head, cleanlab_expected, runs, first (how many are 5 %), planted (see below), message.

    planted: of a simulated dataset, whose wrong labels are known: n, and how many of them are among the first.
    """

    report: dict[str, Any]
    results: ResultFolder

    def table(self) -> pd.DataFrame:
        """A row per patch, the likeliest wrong label first.

        rank (from 1), id, label, suggested, fold, group, prob (of the headline's head), and the columns of
        ``core.review.label_issues.Issues``.
        """
        return self.results.table("patches")


def analyse(run: RunFolder, options: LabelIssuesOptions) -> Steps[dict[str, Any]]:
    """Rank the labels from what the run has kept: no network is loaded and no image is read.

    Raises RunError for runs that have not finished, or other runs that know none of the patches.
    """
    from core.review.label_issues import epochs_against, label_issues, neighbours_against, trained_against

    run.require_finished()
    oof, head = run.oof(), run.summary()["head"]
    labels, fold_of = oof["label"].to_numpy(), oof["fold"].to_numpy()
    probs = {name[5:]: oof[name].to_numpy() for name in oof if name.startswith("prob_")}
    others = {name: _answers(run, name, oof["id"]) for name in options.runs}
    rows = np.sort(np.concatenate([fold_rows(run, fold).val for fold in range(run.config().folds.n_splits)]))
    groups = None if (oof["group"] == "").all() else oof["group"].to_numpy()
    yield Progress(0.1, "Looking at the neighbours of every patch.")
    near = neighbours_against(labels, fold_of, groups, lambda fold: run.embeddings(fold)["embeddings"][rows])
    yield Progress(0.6, "Looking at what the networks made of the labels they learnt from.")
    learnt = trained_against(labels, fold_of, lambda fold: _log_odds(run.embeddings(fold)["logits"][rows]))
    yield Progress(0.8, "Estimating which labels are wrong.")
    epochs = epochs_against(labels, fold_of, lambda fold: _by_epoch(run, fold, rows))
    found = label_issues(labels, probs, head, near, learnt, others, epochs)
    table = _named(found.table, oof, head)
    first = int(np.ceil(FIRST * len(table)))
    report = {
        "made": now(),
        "n": len(table),
        "n_positive": int((labels == 1).sum()),
        "head": head,
        "cleanlab_expected": found.expected,
        "runs": list(options.runs),
        "first": first,
        "planted": _planted(run, table, first),
    }
    report["message"] = _message(report)
    results = run.results(NAME)
    results.write_table("patches", table)
    results.write_json("report.json", report)
    return {"run": run.name, **report}


def check(run: RunFolder, options: LabelIssuesOptions) -> None:
    """Raises RunError for other runs that are not there."""
    for name in options.runs:
        _answers(run, name, run.oof()["id"])


def read(run: RunFolder) -> LabelIssues | None:
    """What was found, or None before the analysis was done."""
    results = run.results(NAME)
    return LabelIssues(results.json("report.json"), results) if results.has("report.json") else None


def _named(table: pd.DataFrame, oof: pd.DataFrame, head: str) -> pd.DataFrame:
    """With each patch's name and facts in front."""
    rows = table["row"].to_numpy()
    mine = oof.iloc[rows].reset_index(drop=True)
    facts = {"rank": np.arange(1, len(table) + 1), "id": mine["id"].astype(str), "label": mine["label"]}
    facts |= {"suggested": 1 - mine["label"], "fold": mine["fold"], "group": mine["group"].astype(str)}
    return pd.concat([pd.DataFrame(facts | {"prob": mine[f"prob_{head}"]}), table.drop(columns="row")], axis=1)


def _answers(run: RunFolder, name: str, ids: pd.Series) -> np.ndarray:
    """(N,) another run's out-of-fold probabilities by its own headline's head, nan where it has none."""
    other = open_run(run.checkpoints, name)
    other.require_finished()
    oof = other.oof()
    found = oof.set_index(oof["id"].astype(str))[f"prob_{other.summary()['head']}"].reindex(ids.astype(str)).to_numpy()
    if other.name == run.name or not np.isfinite(found).any():
        raise RunError(f"Run '{name}' has no answers of its own on the patches of '{run.name}'. Choose another run.")
    return found


def _by_epoch(run: RunFolder, fold: int, rows: np.ndarray) -> np.ndarray | None:
    kept = run.epoch_answers(fold)
    return None if kept is None else kept["log_odds"][:, rows]


def _log_odds(logits: np.ndarray) -> np.ndarray:
    return logits[:, 1].astype(float) - logits[:, 0]


def _planted(run: RunFolder, table: pd.DataFrame, first: int) -> dict[str, Any] | None:
    """How many of a simulated dataset's wrong labels, which are known, are among the first; None for a real one."""
    from core.data.store import open_dataset

    try:
        wrong = table["id"].isin(open_dataset(Path(run.dataset_path())).planted_ids).to_numpy()
    except (LandslideLensError, OSError):
        return None
    if not wrong.any():
        return None
    return {"n": int(wrong.sum()), "among_first": int(wrong[:first].sum())}


def _message(report: Mapping[str, Any]) -> str:
    expected = report["cleanlab_expected"]
    text = "" if expected is None else f"About {expected:,} of {report['n']:,} labels are likely wrong (cleanlab). "
    if planted := report["planted"]:
        found = f"{planted['among_first']:,} of {planted['n']:,}"
        return f"{text}The {report['first']:,} likeliest (5%) hold {found} labels that were planted wrong."
    return f"{text}Look at the {report['first']:,} likeliest (5%) first."


ANALYSIS = Analysis(
    name=NAME,
    title="Likely wrong labels",
    summary="Labels in the order in which they are worth a second look, by the run's out-of-fold answers and cleanlab.",
    page="review",
    Options=LabelIssuesOptions,
    run=analyse,
    read=read,
    check=check,
    needs_device=False,
)
