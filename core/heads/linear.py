"""Logistic regression, on embeddings or on band statistics: fitted by scikit-learn, stored as a linear head.

The decision of the :class:`core.heads.base.LinearHead` is the log-odds.
"""

from __future__ import annotations

import numpy as np

from core.heads.base import LinearHead, check_training, standardisation

C = 1.0  # scikit-learn's default; not tuned, so that the folds' scores stay honest


def fit_logreg(features: np.ndarray, labels: np.ndarray, name: str, class_weight: str = "none") -> LinearHead:
    """Logistic regression on standardised features (N, D). class_weight: as in :func:`core.heads.svm.fit_svms`.

    Raises TrainingError, saying why this head is left out, when a class has fewer than 2 patches.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = check_training(features, labels, name, per_class=2)
    center, scale = standardisation(x)
    weight = None if class_weight == "none" else class_weight
    model = LogisticRegression(C=C, max_iter=5000, class_weight=weight).fit((x - center) / scale, y)
    return LinearHead(name, center, scale, model.coef_[0], np.asarray(model.intercept_[0]))
