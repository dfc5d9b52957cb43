"""What every fold of a run answers for every patch: its own, which has not seen the patch, and those that learnt it."""

from __future__ import annotations

import numpy as np

from core.errors import RunError
from core.evaluate.judge import Rule
from core.heads.blend import add_blends, members_of
from core.runs.store import RunFolder


def fold_probs(run: RunFolder, head: str) -> np.ndarray:
    """(K, N) float64 in 0-1, by fold and dataset row: the head's probability of the positive class, nan if unknown.

    Raises RunError for a run of an earlier version, which kept no answers of other folds.
    """
    rules = {name: Rule.from_dict(values) for name, values in run.rules().items()}
    wanted, found = members_of([head]), []
    for fold in range(run.config().folds.n_splits):
        scores = run.scores(fold)
        if missing := [name for name in wanted if name not in scores or name not in rules]:
            raise RunError(f"Run '{run.name}' kept no answers of '{missing[0]}' by every fold. Train it again.")
        odds = {name: rules[name].log_odds(scores[name], fold) for name in wanted}
        found.append(add_blends(odds, [head])[head])
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-np.stack(found)))
