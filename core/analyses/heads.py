"""Paper A's Table 3 for a finished run: every head on the same stored embeddings, and what each loses when unseen.

Comes in: a finished run folder, and which further heads are wanted. Goes out: ``heads.json`` in that folder, a row a
head with its F1 on training and on held-out patches, the gap, and intervals; progress is yielded. No network is loaded
and no image is read: heads are fitted on the rows of embeddings that the run's own heads were fitted on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from core.config import HeadsConfig
from core.device import choose_device
from core.errors import ConfigError
from core.evaluate.comparison.gap import gap
from core.evaluate.judge import HeadJudgement, judge_head
from core.flow.fold_rows import OLDER, FoldRows, fold_rows, own_scores
from core.heads.baselines import BASELINES
from core.heads.blend import BLEND, MEMBERS, blend
from core.heads.fold import FittedHeads, HeadSet, fit_on_embeddings
from core.heads.svm import SvmSetting
from core.progress import Progress, Steps
from core.runs.plain_files import plain
from core.runs.store import RunFolder

TABLE3 = HeadSet.of(HeadsConfig())  # the four SVMs of the paper, boosted trees, and logistic regression


def head_set(Cs: tuple[float, ...], gammas: tuple[float | str, ...], lgbm: bool, logreg: bool) -> HeadSet:
    """Every C with every gamma, and the others. Raises ConfigError for what is no positive number."""
    for name, values in (("C", Cs), ("gamma", [value for value in gammas if value != "scale"])):
        bad = [value for value in values if not (isinstance(value, int | float) and 0 < value < float("inf"))]
        if bad:
            raise ConfigError(f"{bad[0]} is no {name} of an SVM. Give a positive number (a gamma may also be scale).")
    return HeadSet(tuple(SvmSetting(C, gamma) for gamma in gammas for C in Cs), lgbm, logreg)


def sweep(run: RunFolder, wanted: HeadSet = TABLE3, device: Any = None) -> Steps[dict[str, Any]]:
    """Fit those heads of ``wanted`` that the run does not have yet on its stored embeddings; device: none chooses.

    Returns what :func:`judge_heads` finds, which is kept in the run folder beside what was there. Raises RunError when
    the run has not finished.
    """
    run.require_finished()
    device = choose_device("auto") if device is None else device
    n_folds, wanted = run.config().folds.n_splits, _missing(run, wanted)
    began = time.monotonic()
    for fold in range(n_folds):
        if not wanted.names:
            break
        text = f"Fitting {len(wanted.names)} heads of fold {fold + 1} of {n_folds}: {', '.join(wanted.names)}."
        yield Progress(fold / n_folds, text)
        rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
        fitted = fit_on_embeddings(embeddings, rows.train, rows.synthetic, rows.labels, wanted, device)
        _keep(run, fold, fitted)
    yield Progress(1.0, f"Judging every head ({time.monotonic() - began:.1f} s for {n_folds} folds).")
    found = judge_heads(run)
    run.write_head_table(found)
    return found


def table(run: RunFolder) -> dict[str, Any]:
    """What :func:`sweep` left, or what :func:`judge_heads` finds where nothing was left yet, which is then kept."""
    run.require_finished()
    found = run.head_table()
    if found is None:
        found = judge_heads(run)
        with contextlib.suppress(OSError):  # a run on a disk that cannot be written to is still shown
            run.write_head_table(found)
    return found


def judge_heads(run: RunFolder) -> dict[str, Any]:
    """``{"run", "rows": [...], "left_out": {name: reason}, "notes": [...]}`` from stored scores, refitted heads last.

    A row: head, refitted, gamma (by fold, of SVMs), train and oof (f1, interval, n; oof with every metric), gap (f1,
    interval), folds (train_f1, f1, gap, n_train, n_val). Undefined values are none.
    """
    n_folds, config = run.config().folds.n_splits, run.config().heads
    rows = [fold_rows(run, fold) for fold in range(n_folds)]
    patches = _Judge.of(run, rows, config.threshold)
    own = [own_scores(run, fold) for fold in range(n_folds)]
    refitted, facts = ([read(fold) for fold in range(n_folds)] for read in (run.refit_scores, run.refit_facts))
    found, judged = [], {}
    for name in _common(own, (*config.names, *BASELINES)):
        judged[name], values = patches.judge([scores[name] for scores in own], is_log_odds=name == "fc")
        gammas = [run.head_card(fold, name).get("gamma") for fold in range(n_folds)]
        found.append(_row(name, values, gammas, refitted=False))
    if config.blend and set(MEMBERS) <= set(judged):
        rules = [judged[name].rule for name in MEMBERS]
        log_odds = [
            blend([rule.log_odds(scores[name], fold) for rule, name in zip(rules, MEMBERS, strict=True)])
            for fold, scores in enumerate(own)
        ]
        found.append(_row(BLEND, patches.judge(log_odds, is_log_odds=True)[1], [], refitted=False))
    found += [
        _without_scores(run, name) for name in run.summary()["heads"] if name not in {row["head"] for row in found}
    ]
    for name in _common(refitted, facts[0]):
        _, values = patches.judge([scores[name] for scores in refitted], is_log_odds=False)
        found.append(_row(name, values, [entries[name].get("gamma") for entries in facts], refitted=True))
    notes = [] if all(part.complete for part in rows) else [OLDER]
    return plain({"run": run.name, "rows": found, "left_out": _left_out(run, facts), "notes": notes})


# --------------------------------------------------------------------------------------------------- parts


def _missing(run: RunFolder, wanted: HeadSet) -> HeadSet:
    """What of ``wanted`` neither the run nor an earlier sweep has in every fold, with the run's class weights."""
    config = run.config()
    folds, heads = range(config.folds.n_splits), config.heads
    svms = wanted.svms if heads.svm_gamma == "scale" else tuple(map(_told_apart, wanted.svms))
    names = replace(wanted, svms=svms).names
    there = {
        *_common([own_scores(run, fold) for fold in folds], names),
        *_common([run.refit_scores(fold) for fold in folds], names),
    }
    svms = tuple(svm for svm in svms if svm.name not in there)
    lgbm, logreg = wanted.lgbm and "lgbm" not in there, wanted.logreg and "logreg" not in there
    return HeadSet(svms, lgbm, logreg, heads.class_weight)


def _told_apart(svm: SvmSetting) -> SvmSetting:
    """In a run whose own SVMs have another gamma than "scale" the name says that this one has it."""
    return svm if svm.gamma != "scale" else replace(svm, own_name=f"{svm.name}_gscale")


def _keep(run: RunFolder, fold: int, fitted: FittedHeads) -> None:
    facts = {name: head.facts() for name, head in fitted.heads.items()}
    facts |= {name: {"left_out": reason} for name, reason in fitted.left_out.items()}
    run.write_refit(fold, run.refit_scores(fold) | fitted.scores, run.refit_facts(fold) | facts)


def _common(folds: list[dict[str, np.ndarray]], names: Iterable[str]) -> list[str]:
    """Those of ``names`` that every fold has scores of."""
    return [name for name in names if all(name in scores for scores in folds)]


def _left_out(run: RunFolder, facts: list[dict[str, dict]]) -> dict[str, str]:
    found = dict(run.summary().get("left_out", {}))
    for fold, entries in enumerate(facts):
        for name, entry in entries.items():
            if "left_out" in entry:
                found.setdefault(name, f"Fold {fold + 1}: {entry['left_out']}")
    return found


def _row(name: str, values: dict[str, Any], gammas: list[float | None], refitted: bool) -> dict[str, Any]:
    known = [value for value in gammas if value is not None]
    return {"head": name, "refitted": refitted, **({"gamma": known} if known else {}), **values}


def _without_scores(run: RunFolder, name: str) -> dict[str, Any]:
    """The row of a head whose scores on training patches an older run did not keep: out of fold alone."""
    summary, nothing = run.summary(), {"f1": None, "interval": (None, None)}
    oof = summary["heads"][name]
    folds = [
        {"fold": k, "train_f1": None, "f1": fold["heads"][name]["f1"], "gap": None, "n_val": fold["heads"][name]["n"]}
        for k, fold in enumerate(summary["folds"])
    ]
    values = {"train": nothing | {"n": 0}, "oof": oof | {"interval": oof["intervals"]["f1"]}, "gap": nothing}
    return _row(name, values | {"folds": folds}, [], refitted=False)


@dataclass(frozen=True)
class _Judge:
    """The labelled patches that every head is judged on. index: (n,) their rows; labels, fold_of, groups: (n,)."""

    index: np.ndarray
    labels: np.ndarray
    fold_of: np.ndarray
    groups: np.ndarray | None
    threshold: str

    @classmethod
    def of(cls, run: RunFolder, rows: list[FoldRows], threshold: str) -> _Judge:
        fold_of = np.full(len(rows[0].labels), -1)
        for fold, part in enumerate(rows):
            fold_of[part.val] = fold
        index, groups = np.flatnonzero(fold_of >= 0), run.oof()["group"].to_numpy()
        return cls(index, rows[0].labels[index], fold_of[index], None if (groups == "").all() else groups, threshold)

    def judge(self, scores: list[np.ndarray], is_log_odds: bool) -> tuple[HeadJudgement, dict[str, Any]]:
        """One head's part of the table. scores: of each fold, (N,) for all real patches."""
        by_fold = np.stack([values[self.index] for values in scores])  # (K, n)
        out_of_fold = by_fold[self.fold_of, np.arange(len(self.index))]
        judged = judge_head(
            self.labels, out_of_fold, self.fold_of, self.groups, threshold=self.threshold, is_log_odds=is_log_odds
        )
        rule = judged.rule
        probs = np.stack([expit(rule.log_odds(values, k)) for k, values in enumerate(by_fold)])
        called = (probs >= np.array(rule.thresholds)[:, None]).astype(np.int8)  # (K, n): each fold's own decision
        found = gap(self.labels, called, self.fold_of, judged.pred, self.groups)
        return judged, {
            "train": {"f1": found.train_f1, "interval": found.train_interval, "n": found.n_train},
            "oof": {**judged.metrics, "interval": judged.intervals["f1"], "intervals": judged.intervals},
            "gap": {"f1": found.gap, "interval": found.gap_interval},
            "folds": list(found.folds),
        }
