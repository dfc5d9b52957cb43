"""What a finished run holds of one patch: every fold's answer by every head, its synthetic patches, its loss by epoch.

A dataset row or a patch's id comes in, a table goes out. Everything was kept by training; no network is loaded.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from core.errors import LandslideLensError
from core.evaluate.judge import Rule
from core.flow.fold_rows import fold_rows, own_scores
from core.runs.store import RunFolder

MADE = ("fold", "synthetic", "other", "weight", "ssim")
EPOCHS = ("fold", "epoch", "held_out", "loss")


def answers_of(run: RunFolder, row: int, fold: int) -> pd.DataFrame:
    """The probability of class 1 by each fold's heads: a row a head, a column a fold (0..K-1), nan where unknown.

    row: of the dataset. fold: the one that has not seen the patch; the others have trained on it, unless it was left
    out of them. Each fold's own Platt scaling turns its scores into probabilities, as it does for new patches. The
    run's out-of-fold probability is that of ``fold``.
    """
    rules, n_folds = run.rules(), run.config().folds.n_splits
    found: dict[str, dict[int, float]] = {}
    for k in range(n_folds):
        try:
            scores = own_scores(run, k)
        except LandslideLensError:
            continue
        for head, values in scores.items():
            if head in rules and len(values) > row:
                odds = Rule.from_dict(rules[head]).log_odds(values[[row]], k)
                found.setdefault(head, {})[k] = float(expit(odds[0]))
    table = pd.DataFrame.from_dict(found, orient="index", columns=None).reindex(columns=range(n_folds))
    return table if fold in table else table.iloc[:0]


def learners_of(run: RunFolder, row: int) -> list[int]:
    """The folds whose networks have trained on this dataset row."""
    return [k for k in range(run.config().folds.n_splits) if row in fold_rows(run, k).train]


def made_from(run: RunFolder, patch_id: str) -> pd.DataFrame:
    """The synthetic patches that a patch is a parent of, those that hold most of it first.

    Columns: fold, synthetic (its name), other (the second parent's id; "" for a plain repetition), weight (this
    patch's share, 0-1), ssim (of the parents; nan where it was not the measure).
    """
    lineage = run.smote()
    anchor, neighbour = lineage["anchor"].astype(str), lineage["neighbour"].astype(str)
    mine = lineage[(anchor == patch_id) | (neighbour == patch_id)]
    if mine.empty:
        return pd.DataFrame(columns=list(MADE))
    first = (mine["anchor"].astype(str) == patch_id).to_numpy()
    same = (mine["anchor"].astype(str) == mine["neighbour"].astype(str)).to_numpy()
    other = np.where(first, mine["neighbour"].astype(str), mine["anchor"].astype(str))
    weight = mine["anchor_weight"].to_numpy(float)
    table = pd.DataFrame(
        {
            "fold": mine["fold"].to_numpy(),
            "synthetic": mine["synthetic"].astype(str).to_numpy(),
            "other": np.where(same, "", other),
            "weight": np.where(same, 1.0, np.where(first, weight, 1.0 - weight)),
            "ssim": mine["ssim"].to_numpy(float),
        }
    )
    return table.sort_values(["weight", "synthetic"], ascending=[False, True], kind="stable").reset_index(drop=True)


def losses_of(run: RunFolder, row: int, label: int, fold: int) -> pd.DataFrame:
    """The log loss of one labelled patch after each epoch, by fold; empty for a run that has not kept it.

    row: of the dataset. fold: the one that has not seen the patch. Columns: fold, epoch, held_out (whether this fold
    has never trained on it), loss (nats). See ``RunFolder.epoch_answers`` for what is missing.
    """
    tables = []
    for k in range(run.config().folds.n_splits):
        kept = run.epoch_answers(k)
        if kept is not None and kept["log_odds"].shape[1] > row:
            odds = kept["log_odds"][:, row].astype(np.float64)
            known = np.isfinite(odds)
            loss = np.logaddexp(0.0, -odds[known] if label == 1 else odds[known])
            one = {"fold": k, "epoch": kept["epoch"][known], "held_out": k == fold, "loss": loss}
            tables.append(pd.DataFrame(one))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(EPOCHS))
