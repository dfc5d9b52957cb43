"""The blend: the network's FC head and an SVM on rich band statistics, averaged as log-odds.

The two use different information (shapes and places; colours and textures), so their errors differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.heads.svm import SvmHead, fit_svm

RICH, BLEND = "rich", "blend"
MEMBERS = ("fc", RICH)
_C = 3.0  # chosen on folds 0 and 1 of the real RGB patches; 1 costs less than 0.001 of AUC there


def fit_rich(features: np.ndarray, labels: np.ndarray, class_weight: str = "none") -> SvmHead:
    """The RBF-SVM on rich band statistics (N, S). Raises TrainingError when a class has fewer than 2 patches."""
    return fit_svm(features, labels, _C, RICH, class_weight=class_weight)


def blend(log_odds: Sequence[np.ndarray]) -> np.ndarray:
    """Mean of the members' log-odds, (N,) each."""
    return np.mean(log_odds, axis=0)
