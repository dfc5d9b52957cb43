"""Every head of one fold, on the same embeddings or on the same band statistics.

A head that cannot be fitted is left out with its reason; the others are fitted all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from core.config import HeadsConfig
from core.errors import TrainingError
from core.heads.base import Head
from core.heads.baselines import BASELINES, FULL_BOOST, fit_baseline
from core.heads.blend import kind_of
from core.heads.boosted import fit_boosted
from core.heads.linear import fit_logreg
from core.heads.svm import SvmSetting, fit_svms


@dataclass(frozen=True)
class HeadSet:
    """Which heads are wanted on embeddings, in addition to the network's own."""

    svms: tuple[SvmSetting, ...] = ()
    lgbm: bool = False
    logreg: bool = False
    class_weight: str = "none"

    @classmethod
    def of(cls, config: HeadsConfig) -> HeadSet:
        """The heads of a run. Its SVMs are named by their C alone: they share the run's gamma."""
        svms = (SvmSetting(C, config.svm_gamma, name) for C, name in zip(config.svm_C, config.svm_names, strict=True))
        return cls(tuple(svms), config.lgbm, config.logreg, config.class_weight)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in the order of the table."""
        others = (name for name, wanted in (("lgbm", self.lgbm), ("logreg", self.logreg)) if wanted)
        return (*dict.fromkeys(svm.name for svm in self.svms), *others)


@dataclass(frozen=True)
class FittedHeads:
    """heads: by name. scores: by name, (N,) float64 for every patch answered for. left_out: by name, the reason."""

    heads: dict[str, Head] = field(default_factory=dict)
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: FittedHeads) -> FittedHeads:
        """Those of both."""
        return FittedHeads(self.heads | other.heads, self.scores | other.scores, self.left_out | other.left_out)

    def add(self, name: str, patches: np.ndarray, fit: Callable[[], Head], device: Any = None) -> None:
        """Fit one head and answer for ``patches`` (N, D), or note why not."""
        try:
            head = fit()
        except TrainingError as error:
            self.left_out[name] = str(error)
            return
        self.heads[name], self.scores[name] = head, head.decision(patches, device)


def fit_on_embeddings(
    embeddings: np.ndarray,
    train: np.ndarray,
    synthetic: np.ndarray,
    labels: np.ndarray,
    wanted: HeadSet,
    device: Any = None,
) -> FittedHeads:
    """The heads of ``wanted`` on the training part's embeddings and those of its synthetic landslides.

    embeddings: (N, D) of all real patches. train: (n,) rows of the training part. synthetic: (M, D). labels: (N,);
    only those of ``train`` are looked at. The scores are those of all real patches.
    """
    rows = np.concatenate([embeddings[train], synthetic])  # (n + M, D)
    target = np.concatenate([labels[train], np.ones(len(synthetic), labels.dtype)])
    fitted = FittedHeads()
    if wanted.svms:
        _add_svms(fitted, embeddings, train, rows, target, wanted, device)
    weight = wanted.class_weight
    if wanted.lgbm:
        fitted.add("lgbm", embeddings, lambda: fit_boosted(rows, target, "lgbm", weight))
    if wanted.logreg:
        fitted.add("logreg", embeddings, lambda: fit_logreg(rows, target, "logreg", weight))
    return fitted


def fit_on_statistics(
    features: Mapping[str, np.ndarray], train: np.ndarray, labels: np.ndarray, class_weight: str = "none"
) -> FittedHeads:
    """The baselines that a network must beat, on the real patches of ``train`` (n,).

    features: by kind, see ``core.data.band_statistics``, (N, S) of all real patches: "statistics", "rich", and "full"
    where its trees are wanted too. The scores are those of all real patches.
    """
    fitted, y = FittedHeads(), labels[train]
    for name in (*BASELINES, *((FULL_BOOST,) if "full" in features else ())):
        table = features[kind_of(name)]
        fitted.add(name, table, partial(fit_baseline, name, table[train], y, class_weight))
    return fitted


def _add_svms(
    fitted: FittedHeads,
    embeddings: np.ndarray,
    train: np.ndarray,
    rows: np.ndarray,
    target: np.ndarray,
    wanted: HeadSet,
    device: Any,
) -> None:
    others = np.setdiff1d(np.arange(len(embeddings)), train)
    settings = list({svm.name: svm for svm in wanted.svms}.values())
    try:
        svms = fit_svms(rows, target, settings, embeddings[others], wanted.class_weight, device)
    except TrainingError as error:
        fitted.left_out.update({svm.name: str(error).replace(settings[0].name, svm.name) for svm in settings})
        return
    for svm in svms:
        scores = np.empty(len(embeddings))
        scores[train], scores[others] = svm.of_training[: len(train)], svm.of_others
        fitted.heads[svm.head.name], fitted.scores[svm.head.name] = svm.head, scores
