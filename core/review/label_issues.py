"""Which labels are likeliest to be wrong, from answers of models that were not trained on the patch in question.

Probabilities, embeddings and folds come in; a table with one row per patch goes out, the likeliest first. Cleanlab's
confident learning stands beside what a run knows itself: what all its heads say, what the neighbours in one fold's own
space are labelled, and whether the networks that did learn from the label ended up believing it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from core.embed.features import Preparation
from core.embed.neighbours import nearest

K_NEIGHBOURS = 20
EDGE = 1e-6  # probabilities of 0 and 1 are certain of nothing more than this
EVIDENCE = ("heads", "neighbours", "trained", "runs")  # each 0-1, higher: more against the label; their mean ranks


@dataclass(frozen=True)
class Issues:
    """What was found.

    table: a row per patch, the likeliest wrong label first: row (of the arrays that came in), score (mean of the
    evidence, 0-1), heads, neighbours, trained, runs (nan where there is none), epochs (of :func:`epochs_against`; it
    does not count), spread (standard deviation of the heads' probabilities), cleanlab (1 - its label quality) and
    cleanlab_issue. expected: how many wrong labels cleanlab's
    estimate of the noise says there are, none where it cannot tell.
    """

    table: pd.DataFrame
    expected: int | None


def label_issues(
    labels: np.ndarray,
    probs: Mapping[str, np.ndarray],
    head: str,
    neighbours: np.ndarray,
    trained: np.ndarray,
    runs: Mapping[str, np.ndarray] | None = None,
    epochs: np.ndarray | None = None,
) -> Issues:
    """Rank patches by how likely their label is wrong.

    labels: (N,) 0/1. probs: by head, (N,) out-of-fold probability of class 1. head: the one that cleanlab judges by.
    neighbours, trained: (N,) of :func:`neighbours_against` and :func:`trained_against`, nan where unknown. runs: by
    name, (N,) out-of-fold probabilities of other runs, nan where they have none. epochs: (N,), see above.
    """
    labels = np.asarray(labels, int)
    against = np.stack([_against(labels, p) for p in probs.values()])  # (H, N)
    others = [_against(labels, p) for p in (runs or {}).values()]
    evidence = {
        "heads": against.mean(axis=0),
        "neighbours": np.asarray(neighbours, float),
        "trained": np.asarray(trained, float),
        "runs": _mean(np.stack(others)) if others else np.full(len(labels), np.nan),
    }
    quality, is_issue = cleanlab_says(labels, probs[head])
    table = pd.DataFrame(
        {"row": np.arange(len(labels)), "score": _mean(np.stack(list(evidence.values())))}
        | evidence
        | {"epochs": np.full(len(labels), np.nan) if epochs is None else np.asarray(epochs, float)}
        | {"spread": against.std(axis=0), "cleanlab": 1.0 - quality, "cleanlab_issue": is_issue}
    )
    order = np.lexsort((table["row"], -table["cleanlab"], -table["score"]))
    both = len(np.unique(labels)) == 2
    return Issues(table.iloc[order].reset_index(drop=True), int(is_issue.sum()) if both else None)


def cleanlab_says(labels: np.ndarray, probs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label quality (N,) 0-1 and whether it is an issue (N,) bool, by cleanlab's confident learning (Northcutt 2021).

    labels: (N,) 0/1. probs: (N,) out-of-fold probability of class 1. With labels of one class nothing is an issue.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    p = np.clip(np.asarray(probs, float), EDGE, 1 - EDGE)
    both = np.stack([1 - p, p], axis=1)
    if len(np.unique(labels)) < 2:
        return both[np.arange(len(labels)), labels], np.zeros(len(labels), bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with few examples: their issues may not be flagged, only ranked
        is_issue = find_label_issues(labels, both, n_jobs=1)
    return get_label_quality_scores(labels, both, adjust_pred_probs=False), np.asarray(is_issue, bool)


def neighbours_against(
    labels: np.ndarray,
    fold_of: np.ndarray,
    groups: np.ndarray | None,
    embeddings_of: Callable[[int], np.ndarray],
    k: int = K_NEIGHBOURS,
) -> np.ndarray:
    """(N,) the share of the k nearest training patches that bear the other label, near ones counting more.

    Each patch is looked up in the space of the fold that has not seen it, among that fold's training part; patches of
    its own group are no witnesses. labels: (N,) 0/1. fold_of: (N,). groups: (N,) or none. embeddings_of: fold -> (N, D)
    by its network. nan for a patch without any such neighbour.
    """
    found = np.full(len(labels), np.nan)
    for fold in np.unique(fold_of[fold_of >= 0]):
        val, train = np.flatnonzero(fold_of == fold), np.flatnonzero((fold_of >= 0) & (fold_of != fold))
        if not train.size:
            continue
        embeddings = embeddings_of(int(fold))
        rows = Preparation.fit(embeddings, train).rows(embeddings)
        near = nearest(rows[val], rows[train], k)
        weight = 1.0 / (near.distance + 1e-3)
        if groups is not None:
            weight = weight * (groups[train][near.index] != groups[val][:, None])
        other = labels[train][near.index] != labels[val][:, None]
        total = weight.sum(axis=1)
        found[val] = np.divide((weight * other).sum(axis=1), total, out=np.full(len(val), np.nan), where=total > 0)
    return found


def trained_against(labels: np.ndarray, fold_of: np.ndarray, log_odds_of: Callable[[int], np.ndarray]) -> np.ndarray:
    """(N,) the mean probability of the other label by the networks that learnt from this one.

    A wrong label is learnt last, if at all (Pleiss 2020). labels: (N,) 0/1. fold_of: (N,). log_odds_of: fold -> (N,) of
    class 1 by its network, for all patches.
    """
    folds = [int(fold) for fold in np.unique(fold_of[fold_of >= 0])]
    against = np.stack(
        [np.where(fold_of == fold, np.nan, _against(labels, expit(log_odds_of(fold)))) for fold in folds]
    )
    return _mean(against)


def epochs_against(
    labels: np.ndarray, fold_of: np.ndarray, log_odds_of: Callable[[int], np.ndarray | None]
) -> np.ndarray:
    """(N,) the mean probability of the other label over all epochs, by the networks that learnt from this one.

    The complement of the confidence of Swayamdipta 2020, and the margin of Pleiss 2020 on a scale of probabilities.
    labels: (N,) 0/1. fold_of: (N,). log_odds_of: fold -> (E, N) of class 1 after each epoch, nan where there is none,
    or None for a fold that kept none. nan for a patch that no epoch answers for.
    """
    total, n = np.zeros(len(labels)), np.zeros(len(labels))
    for fold in np.unique(fold_of[fold_of >= 0]):
        odds = log_odds_of(int(fold))
        for epoch in () if odds is None else odds:  # one by one: all at once would be (E, N) of float64
            known = np.isfinite(epoch) & (fold_of != fold) & (fold_of >= 0)
            total[known] += expit(np.where(labels == 1, -1.0, 1.0)[known] * epoch[known].astype(np.float64))
            n += known
    return np.divide(total, n, out=np.full(len(labels), np.nan), where=n > 0)


def precision_as_one_goes(issues: list[str], judged: Mapping[str, int | None], labels: Mapping[str, int]) -> list[dict]:
    """Of the first n that were judged, how many labels were wrong: a row per judged patch, in the order of ``issues``.

    judged: by id, the label that reviewers gave, None where they could not tell. labels: by id, the label as it was.
    """
    rows: list[dict] = []
    wrong = 0
    for name in issues:
        if judged.get(name) is not None:
            wrong += judged[name] != labels[name]
            rows.append({"n": len(rows) + 1, "id": name, "wrong": wrong, "precision": wrong / (len(rows) + 1)})
    return rows


def _against(labels: np.ndarray, probs: np.ndarray) -> np.ndarray:
    return np.where(labels == 1, 1.0 - np.asarray(probs, float), np.asarray(probs, float))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over axis 0 of what is known; nan where nothing is."""
    known = np.isfinite(values)
    n = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, n, out=np.full(values.shape[1:], np.nan), where=n > 0)
