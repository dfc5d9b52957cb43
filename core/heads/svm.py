"""The RBF-SVM head of paper A (Table 3): fitted by scikit-learn, kept and used as plain arrays.

Comes in: embeddings (N, D) with labels. Goes out: a :class:`SvmHead`, whose decision equals scikit-learn's. It knows
nothing of probabilities: those come from scores of patches that were not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.config import svm_name
from core.heads.base import check_training, checked, standardisation

CACHE_MB = 500  # kernel rows kept by libsvm while fitting
_CHUNK_BYTES = 64 * 2**20  # of kernel values at once


@dataclass(frozen=True)
class SvmHead:
    """sum_s dual_s exp(-gamma |z - s|^2) + intercept, with z the standardised embedding.

    center, scale: (D,); support: (S, D) standardised; dual: (S,); intercept, gamma: (); all float64.
    """

    name: str
    center: np.ndarray
    scale: np.ndarray
    support: np.ndarray
    dual: np.ndarray
    intercept: np.ndarray
    gamma: np.ndarray
    kind = "svm"

    def decision(self, embeddings: np.ndarray) -> np.ndarray:
        x = checked(embeddings, len(self.center), self.name)
        z = (x - self.center) / self.scale
        chunk = max(1, _CHUNK_BYTES // (8 * len(self.support)))
        parts = [self._of(z[i : i + chunk]) for i in range(0, len(z), chunk)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _of(self, z: np.ndarray) -> np.ndarray:
        squared = (z**2).sum(1)[:, None] - 2.0 * z @ self.support.T + (self.support**2).sum(1)  # (n, S)
        return np.exp(-self.gamma * np.maximum(squared, 0.0)) @ self.dual + self.intercept

    def arrays(self) -> dict[str, np.ndarray]:
        names = ("center", "scale", "support", "dual", "intercept", "gamma")
        return {name: getattr(self, name) for name in names}


def fit_svm(embeddings: np.ndarray, labels: np.ndarray, C: float, name: str | None = None) -> SvmHead:
    """An RBF-SVM on standardised embeddings (N, D), gamma = 1 / (D var); ``name`` defaults to ``svm_c<C>``.

    Raises TrainingError, saying why this head is left out, when a class has fewer than 2 patches.
    """
    from sklearn.svm import SVC

    name = svm_name(C) if name is None else name
    x, y = check_training(embeddings, labels, name, per_class=2)
    center, scale = standardisation(x)
    z = (x - center) / scale
    gamma = 1.0 / (z.shape[1] * z.var()) if z.var() > 0 else 1.0  # scikit-learn's gamma="scale", kept as a number
    svc = SVC(C=C, kernel="rbf", gamma=gamma, cache_size=CACHE_MB).fit(z, y)
    return SvmHead(
        name=name,
        center=center,
        scale=scale,
        support=svc.support_vectors_,
        dual=svc.dual_coef_[0],
        intercept=np.asarray(svc.intercept_[0]),
        gamma=np.asarray(gamma),
    )
