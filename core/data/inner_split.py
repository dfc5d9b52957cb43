"""A share of the training part that is held back, to choose an epoch by; no group lies on both sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.data.folds import make_folds
from core.errors import FoldError


def inner_split(
    rows: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None,
    share: float,
    seed: int,
    too_near: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(learnt, held back): ``rows`` (n,) in two, about ``share`` of them held back, both classes on both sides.

    labels: (N,) 0/1 and groups: (N,) or None, of all patches. too_near: of rows (learnt, held back), those of the first
    that share ground with what is held back: they are in neither. Raises FoldError when that cannot be had.
    """
    inner_groups = None if groups is None else groups[rows]
    n_splits = max(2, round(1 / share))
    try:
        folds = make_folds(labels[rows], inner_groups, n_splits, seed, inner_groups is not None)
    except FoldError as error:
        raise FoldError(
            f"No part of the training part can be held back to choose an epoch by: {error} Set train.select=last."
        ) from error
    learnt, held = rows[folds.train(0)], rows[folds.val(0)]
    if too_near is not None:
        learnt = np.setdiff1d(learnt, too_near(learnt, held))
    if min(len(np.unique(labels[learnt])), len(np.unique(labels[held]))) < 2:
        raise FoldError(
            "The part that would be held back to choose an epoch by, or what is left to learn from, holds one class "
            "only. Set train.select=last, or label more patches in other groups."
        )
    return learnt, held
