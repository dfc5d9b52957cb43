"""What was answered for each patch, as one table: the CSV of a prediction, and what the page reads."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.predict.patches import Answer
from core.predict.triage import Triage, answers_of


def answer_table(
    answer: Answer,
    known: np.ndarray,
    triaged: Triage | None = None,
    at_prevalence: np.ndarray | None = None,
    novelty: tuple[np.ndarray, np.ndarray] | None = None,
) -> pd.DataFrame:
    """A row a patch. id; prob (of landslide, 0-1), pred (1, 0; <NA> without data) and answer (``triage.ANSWERS``).

    prob_at_prevalence: (N,) at the stated share of landslides, where one was stated. spread: standard deviation of the
    folds' probabilities. prob_HEAD: each other head's mean over folds. prob_fold_K: each fold's model, the headline
    head's. With a safety target prob_highest (of the folds' models) and triage (cleared, accepted, inspect). nearest_K:
    ids of the nearest training patches. novelty: (N,) p-values, nan for none, and (N,) names of what is
    most unusual, as novelty and unusual. known: (N,) text, how the run knows the patch from its training (identical,
    near, place, group), "" if it does not.
    """
    table = pd.DataFrame({
        "id": answer.ids.astype(str),
        "prob": answer.probs,
        "pred": pd.array(np.where(answer.pred >= 0, answer.pred, 0), dtype="Int8"),
        "answer": answers_of(answer.probs, answer.threshold, triaged),
    })  # fmt: skip
    table.loc[answer.pred < 0, "pred"] = pd.NA
    if at_prevalence is not None:
        table["prob_at_prevalence"] = at_prevalence
    table["spread"] = answer.by_fold.std(axis=0)
    for head, probs in answer.by_head.items():
        if head != answer.head:
            table[f"prob_{head}"] = probs
    for fold, probs in enumerate(answer.by_fold):
        table[f"prob_fold_{fold + 1}"] = probs
    if triaged is not None:
        table["prob_highest"] = answer.by_fold.max(axis=0)
        table["triage"] = np.where(triaged.cleared, "cleared", np.where(triaged.accepted, "accepted", "inspect"))
    if answer.nearest is not None:
        for place, ids in enumerate(answer.nearest.T):
            table[f"nearest_{place + 1}"] = ids.astype(str)
    if novelty is not None:
        table["novelty"], table["unusual"] = novelty[0], novelty[1].astype(str)
    return table.assign(known=known.astype(str))
