"""The out-of-fold score of a run after some of its folds, judged as if it had no others.

After the last fold it is the run's own. After one fold of several there are no others to learn a threshold from: its F1
is then the best that any threshold gives on that fold, which is too high, and alike for whoever it is compared with. So
scores are comparable with those of other runs after the same folds, not with one another.
"""

from __future__ import annotations

import numpy as np

from core.errors import RunError
from core.evaluate.calibration.fit import log_odds
from core.evaluate.judge import decide
from core.evaluate.metrics import metrics
from core.evaluate.thresholds import best_f1_threshold
from core.flow.fold_rows import fold_rows, own_scores
from core.heads.blend import BLENDS, add_blends, members_of
from core.runs.store import RunFolder


def score_so_far(run: RunFolder, folds: int, metric: str) -> float:
    """The headline head's ``metric`` on what the first ``folds`` folds judge together; nan where it is undefined.

    Raises RunError where that head could not be fitted in every one of them.
    """
    config = run.config()
    head, rule = config.heads.head, config.heads.threshold
    parts = [fold_rows(run, fold) for fold in range(folds)]
    scores = [own_scores(run, fold) for fold in range(folds)]
    members = members_of([head])
    if missing := [name for name in members if any(name not in one for one in scores)]:
        raise RunError(f"The head '{missing[0]}', which is judged, could not be fitted in every fold.")
    val = np.concatenate([part.val for part in parts])
    fold_of = np.repeat(np.arange(folds), [len(part.val) for part in parts])
    labels = parts[0].labels[val]
    if not len(np.unique(labels)) > 1:
        return float("nan")
    by_head = {name: np.concatenate([one[name][p.val] for one, p in zip(scores, parts, strict=True)])
               for name in members}  # fmt: skip
    found = {
        name: decide(labels, values, fold_of, threshold=rule, is_log_odds=name == "fc")
        for name, values in by_head.items()
    }
    if head in BLENDS:
        both = add_blends({name: log_odds(probs, edge=1e-7) for name, (_, probs, _) in found.items()}, [head])
        found[head] = decide(labels, both[head], fold_of, threshold=rule, is_log_odds=True)
    _, probs, pred = found[head]
    if folds == 1 < run.folds()["n_splits"] and rule == "best_f1":
        pred = (probs >= best_f1_threshold(labels, probs)).astype(np.int8)
    value = metrics(labels, probs, pred=pred)[metric]
    return float("nan") if value is None else float(value)
