"""One head of a finished run on training patches and out of fold, from stored scores: nothing is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.evaluate.comparison.gap import gap
from core.evaluate.judge import HeadJudgement, Rule, judge_head
from core.evaluate.metrics import metrics
from core.flow.fold_rows import FoldRows, fold_rows, own_scores
from core.heads.blend import BLENDS, blend
from core.runs.store import RunFolder


@dataclass(frozen=True)
class LabelledPatches:
    """What every head is judged on. index: (n,) their rows; labels, fold_of, groups: (n,).

    learnt: (m,) rows of a single split's training part, with their labels; with several folds every patch is judged.
    """

    index: np.ndarray
    labels: np.ndarray
    fold_of: np.ndarray
    groups: np.ndarray | None
    threshold: str
    learnt: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def of(cls, run: RunFolder, rows: list[FoldRows], threshold: str) -> LabelledPatches:
        fold_of = np.full(len(rows[0].labels), -1)
        for fold, part in enumerate(rows):
            fold_of[part.val] = fold
        index, groups = np.flatnonzero(fold_of >= 0), run.oof()["group"].to_numpy()
        labels, train = rows[0].labels, rows[0].train
        learnt = (train, labels[train]) if len(rows) == 1 else None
        return cls(index, labels[index], fold_of[index], None if (groups == "").all() else groups, threshold, learnt)

    def judge(self, scores: list[np.ndarray], is_log_odds: bool) -> tuple[HeadJudgement, dict[str, Any]]:
        """One head's part of the table. scores: of each fold, (N,) for all real patches."""
        from scipy.special import expit

        by_fold = np.stack([values[self.index] for values in scores])  # (K, n)
        out_of_fold = by_fold[self.fold_of, np.arange(len(self.index))]
        judged = judge_head(
            self.labels, out_of_fold, self.fold_of, self.groups, threshold=self.threshold, is_log_odds=is_log_odds
        )
        rule = judged.rule
        if self.learnt is not None:
            return judged, self._of_one_split(judged, scores[0], *self.learnt)
        probs = np.stack([expit(rule.log_odds(values, k)) for k, values in enumerate(by_fold)])
        called = (probs >= np.array(rule.thresholds)[:, None]).astype(np.int8)  # (K, n): each fold's own decision
        lost = gap(self.labels, called, self.fold_of, judged.pred, self.groups)
        return judged, {
            "train": {"f1": lost.train_f1, "interval": lost.train_interval, "n": lost.n_train},
            "oof": {**judged.metrics, "interval": judged.intervals["f1"], "intervals": judged.intervals},
            "gap": {"f1": lost.gap, "interval": lost.gap_interval},
            "folds": list(lost.folds),
        }

    def _of_one_split(
        self, judged: HeadJudgement, scores: np.ndarray, rows: np.ndarray, labels: np.ndarray
    ) -> dict[str, Any]:
        """As of folds. The groups of the training part are not kept, so that its F1 has no interval."""
        from scipy.special import expit

        called = expit(judged.rule.log_odds(scores[rows], 0)) >= judged.rule.thresholds[0]
        train, f1, unknown = (
            float(metrics(labels, called.astype(float), 0.5)["f1"]),
            float(judged.metrics["f1"]),
            (float("nan"),) * 2,
        )
        counts = {"n_train": len(rows), "n_val": len(self.index)}
        return {
            "train": {"f1": train, "interval": unknown, "n": len(rows)},
            "oof": {**judged.metrics, "interval": judged.intervals["f1"], "intervals": judged.intervals},
            "gap": {"f1": train - f1, "interval": unknown},
            "folds": [{"fold": 0, "train_f1": train, "f1": f1, "gap": train - f1, **counts}],
        }


def blended(
    rules: Sequence[Rule], members: Sequence[str], folds: Sequence[Mapping[str, np.ndarray]]
) -> list[np.ndarray]:
    """Each fold's log-odds (N,) of a blend. rules: of its members. folds: each fold's scores by head."""
    return [
        blend([rule.log_odds(scores[member], fold) for rule, member in zip(rules, members, strict=True)])
        for fold, scores in enumerate(folds)
    ]


def head_gap(run: RunFolder, head: str) -> dict[str, Any] | None:
    """train, oof, gap and folds of one head (:meth:`LabelledPatches.judge`); None where its scores were not kept."""
    config = run.config()
    rows = [fold_rows(run, fold) for fold in range(config.folds.n_splits)]
    folds = [own_scores(run, fold) for fold in range(config.folds.n_splits)]
    patches = LabelledPatches.of(run, rows, config.heads.threshold)
    if head in BLENDS:
        rules = {name: Rule.from_dict(values) for name, values in run.rules().items()}
        members = BLENDS[head]
        if not all(member in rules and all(member in scores for scores in folds) for member in members):
            return None
        log_odds = blended([rules[member] for member in members], members, folds)
        return patches.judge(log_odds, is_log_odds=True)[1]
    if not all(head in scores for scores in folds):
        return None
    return patches.judge([scores[head] for scores in folds], is_log_odds=head == "fc")[1]
