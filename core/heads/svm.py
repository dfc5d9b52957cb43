"""The RBF-SVM head of paper A (Table 3): fitted by scikit-learn, stored and used as plain arrays.

The decision of a :class:`SvmHead` equals scikit-learn's. Probabilities come later, from scores of patches that were not
trained on.

One kernel matrix serves every C. libsvm on features computes a kernel row, N D operations, whenever one falls out of
its cache, and again for each C; from a matrix it only reads. Its steps are the same, and so is the solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from core.config import svm_name
from core.heads.base import ArrayHead, check_training, checked, standardisation
from core.heads.kernel import gaussian, rows_on, squared_distances, weighted
from core.io import safetensors_file

CACHE_MB = 500  # kernel rows kept by libsvm while fitting
KERNEL_BYTES = 2 * 2**30  # largest kernel matrix; beyond it (16 384 rows) libsvm computes its own rows, slowly
_CHUNK_BYTES = 64 * 2**20  # of kernel values at once while answering

Gamma = Literal["scale"] | float


@dataclass(frozen=True)
class SvmHead(ArrayHead):
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

    def decision(self, embeddings: np.ndarray, device: Any = None) -> np.ndarray:
        """See :class:`core.heads.base.Head`; the kernel is computed on ``device`` where that has float64."""
        z = (checked(embeddings, len(self.center), self.name) - self.center) / self.scale
        return _answer(z, self.support, self.dual[:, None], float(self.gamma), device)[:, 0] + self.intercept

    def facts(self) -> dict[str, float]:
        """See :class:`core.heads.base.Head`."""
        return {"n_features": len(self.center), "n_support": len(self.support), "gamma": float(self.gamma)}

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`core.heads.base.ArrayHead`.

        Embeddings are float32: ``rows``, the support as it was before it was standardised, takes half the space and
        gives the same float64 again. ``support`` itself is kept where that is not so.
        """
        rows = (self.support * self.scale + self.center).astype(np.float32)
        exact = np.array_equal((rows.astype(np.float64) - self.center) / self.scale, self.support)
        kept = {name: getattr(self, name) for name in ("center", "scale", "dual", "intercept", "gamma")}
        return kept | ({"rows": rows} if exact else {"support": self.support})

    @classmethod
    def load(cls, name: str, path: Path) -> Self:
        """See :class:`core.heads.base.ArrayHead`."""
        return cls.from_arrays(name, _with_support(safetensors_file.load_arrays(path)))


@dataclass(frozen=True)
class SvmSetting:
    """One SVM that is wanted; ``gamma`` "scale" is scikit-learn's 1 / (D var), and stays out of the name."""

    C: float
    gamma: Gamma = "scale"
    own_name: str = ""

    @property
    def name(self) -> str:
        """What the head is called: ``svm_c0.1``, or the name it was given."""
        return self.own_name or svm_name(self.C, self.gamma)


@dataclass(frozen=True)
class FittedSvm:
    """A head with its decision values for the rows it was fitted on, (N,), and for the ``others``, (M,) float64."""

    head: SvmHead
    of_training: np.ndarray
    of_others: np.ndarray


def _with_support(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a head is made of, from either form of its file."""
    rows, center, scale = (np.shape(arrays.get(name, 0)) for name in ("rows", "center", "scale"))
    if len(rows) == 2 and rows[1:] == center == scale:
        arrays["support"] = (arrays.pop("rows").astype(np.float64) - arrays["center"]) / arrays["scale"]
    return arrays


def fit_svm(
    embeddings: np.ndarray, labels: np.ndarray, C: float, name: str = "", gamma: Gamma = "scale", **options: Any
) -> SvmHead:
    """One RBF-SVM; see :func:`fit_svms`, whose further arguments it takes."""
    return fit_svms(embeddings, labels, [SvmSetting(C, gamma, name)], **options)[0].head


def fit_svms(
    embeddings: np.ndarray,
    labels: np.ndarray,
    settings: Sequence[SvmSetting],
    others: np.ndarray | None = None,
    class_weight: str = "none",
    device: Any = None,
) -> list[FittedSvm]:
    """RBF-SVMs on standardised embeddings (N, D), in the order of ``settings``; SVMs of one gamma share one kernel.

    others: (M, D) further embeddings to answer for with the same product. class_weight: "none", or "balanced" for
    costs of N / (2 n_class). Memory: 8 N^2 bytes, twice that with several gammas.

    Raises TrainingError, saying why these heads are left out, when a class has fewer than 2 patches.
    """
    x, y = check_training(embeddings, labels, settings[0].name, per_class=2)
    center, scale = standardisation(x)
    z = (x - center) / scale
    others = np.zeros((0, x.shape[1])) if others is None else others
    z_others = (checked(others, x.shape[1], settings[0].name) - center) / scale
    weight = None if class_weight == "none" else class_weight
    by_gamma: dict[float, list[int]] = {}
    for i, setting in enumerate(settings):
        by_gamma.setdefault(_number(setting.gamma, z), []).append(i)
    fitted: dict[int, FittedSvm] = {}
    squared = squared_distances(rows_on(z, device)) if 8 * len(z) ** 2 <= KERNEL_BYTES else None
    for k, (gamma, members) in enumerate(by_gamma.items()):
        kernel = None if squared is None else gaussian(squared, gamma, reuse=k == len(by_gamma) - 1)
        fits = _solve(z, y, kernel, gamma, [settings[i].C for i in members], weight)
        dual = np.zeros((len(z), len(fits)))
        for column, (support, coefficients, _) in enumerate(fits):
            dual[support, column] = coefficients
        of_training = _answer(z, z, dual, gamma, device) if kernel is None else weighted(kernel, dual)
        of_others = _answer(z_others, z, dual, gamma, device)
        for column, (i, (support, coefficients, intercept)) in enumerate(zip(members, fits, strict=True)):
            bias, plain_gamma = np.asarray(intercept), np.asarray(gamma)
            head = SvmHead(settings[i].name, center, scale, z[support], coefficients, bias, plain_gamma)
            fitted[i] = FittedSvm(head, of_training[:, column] + intercept, of_others[:, column] + intercept)
    return [fitted[i] for i in range(len(settings))]


def _number(gamma: Gamma, z: np.ndarray) -> float:
    """scikit-learn's gamma="scale" as the number that it is for these rows."""
    if gamma != "scale":
        return float(gamma)
    variance = z.var()
    return 1.0 / (z.shape[1] * variance) if variance > 0 else 1.0


def _solve(
    z: np.ndarray, y: np.ndarray, kernel: Any, gamma: float, Cs: Sequence[float], weight: str | None
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Support rows, their dual coefficients and the intercept for each C, by libsvm, from the kernel where it fits."""
    from sklearn.svm import SVC

    how = {"kernel": "rbf", "gamma": gamma} if kernel is None else {"kernel": "precomputed"}
    rows = z if kernel is None else kernel.cpu().numpy()
    solutions = []
    for C in Cs:
        svc = SVC(C=C, cache_size=CACHE_MB, class_weight=weight, **how).fit(rows, y)
        solutions.append((svc.support_, svc.dual_coef_[0], float(svc.intercept_[0])))
    return solutions


def _answer(z: np.ndarray, rows: np.ndarray, dual: np.ndarray, gamma: float, device: Any) -> np.ndarray:
    """sum_s dual_s exp(-gamma |z - s|^2), (n, K) for ``dual`` (S, K), a part of the rows of ``z`` at a time."""
    used = np.flatnonzero(dual.any(axis=1))
    support, dual = rows_on(rows[used], device), dual[used]
    chunk = max(1, _CHUNK_BYTES // (8 * max(1, len(used))))
    parts = [np.zeros((0, dual.shape[1]))]
    for start in range(0, len(z), chunk):
        part = squared_distances(rows_on(z[start : start + chunk], device), support)
        parts.append(weighted(gaussian(part, gamma, reuse=True), dual))
    return np.concatenate(parts)
