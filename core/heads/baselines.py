"""The baselines that a network must beat: logistic regression and an RBF-SVM on plain band statistics.

Comes in: band statistics (N, 9 C) of the real training patches, with labels. Goes out: two heads. They see no network.
"""

from __future__ import annotations

import numpy as np

from core.heads.base import Head, LinearHead, check_training, standardisation
from core.heads.svm import fit_svm

BASELINES = ("stats_logreg", "stats_svm")
_C = 1.0  # scikit-learn's default for both; not tuned, so that the folds' scores stay honest


def fit_baselines(features: np.ndarray, labels: np.ndarray) -> tuple[Head, Head]:
    """Both baselines, in that order. Raises TrainingError, saying why, when a class has fewer than 2 patches."""
    return _logistic_regression(features, labels), fit_svm(features, labels, _C, BASELINES[1])


def _logistic_regression(features: np.ndarray, labels: np.ndarray) -> LinearHead:
    from sklearn.linear_model import LogisticRegression

    x, y = check_training(features, labels, BASELINES[0], per_class=2)
    center, scale = standardisation(x)
    model = LogisticRegression(C=_C, max_iter=5000).fit((x - center) / scale, y)
    return LinearHead(BASELINES[0], center, scale, model.coef_[0], np.asarray(model.intercept_[0]))
