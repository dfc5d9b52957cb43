"""The baselines that a network must beat: logistic regression, an RBF-SVM and boosted trees on plain band statistics.

They are fitted on band statistics (N, 9 C) of the real training patches and never see the network.
"""

from __future__ import annotations

import numpy as np

from core.heads.base import Head
from core.heads.boosted import fit_boosted
from core.heads.linear import fit_logreg
from core.heads.svm import fit_svm

BASELINES = ("stats_logreg", "stats_svm", "stats_boost")
_C = 1.0  # scikit-learn's default; not tuned, so that the folds' scores stay honest


def fit_baseline(name: str, features: np.ndarray, labels: np.ndarray, class_weight: str = "none") -> Head:
    """The baseline called ``name``. Raises TrainingError, saying why, when a class has fewer than 2 patches."""
    if name == "stats_logreg":
        return fit_logreg(features, labels, name, class_weight)
    if name == "stats_svm":
        return fit_svm(features, labels, _C, name, class_weight=class_weight)
    return fit_boosted(features, labels, name, class_weight)
