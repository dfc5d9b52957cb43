"""The baselines that a network must beat: models on band statistics, fitted in every run.

``stats_*``: logistic regression, an RBF-SVM and boosted trees on plain statistics (N, 9 C). ``rich``, ``rich_boost``:
an RBF-SVM and boosted trees on rich ones (N, S). ``full_boost``, where it is asked for: boosted trees on the full set.
They learn from the real training patches, never from the network.
"""

from __future__ import annotations

import numpy as np

from core.heads.base import Head
from core.heads.boosted import fit_boosted
from core.heads.linear import fit_logreg
from core.heads.svm import fit_svm

PLAIN = ("stats_logreg", "stats_svm", "stats_boost")
RICH, RICH_BOOST, FULL_BOOST = "rich", "rich_boost", "full_boost"
BASELINES = (*PLAIN, RICH, RICH_BOOST)  # of every run
_C = 1.0  # scikit-learn's default; not tuned, so that the folds' scores stay honest
_RICH_C = 3.0  # chosen on folds 0 and 1 of the real RGB patches; 1 costs less than 0.001 of AUC there


def fit_baseline(name: str, features: np.ndarray, labels: np.ndarray, class_weight: str = "none") -> Head:
    """The baseline called ``name``. Raises TrainingError, saying why, when a class has fewer than 2 patches."""
    if name == "stats_logreg":
        return fit_logreg(features, labels, name, class_weight)
    if name in ("stats_boost", RICH_BOOST, FULL_BOOST):
        return fit_boosted(features, labels, name, class_weight)
    return fit_svm(features, labels, _RICH_C if name == RICH else _C, name, class_weight=class_weight)
