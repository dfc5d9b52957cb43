"""Cross-validation folds: every labelled patch in exactly one, patches of one group never apart.

scikit-learn draws the folds, so that others can draw the same ones. What they are drawn from is decided in
``core.data.fold_drawing``.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from core.arrays import Texts
from core.errors import FoldError, FormatError
from core.io.json_text import parse_json


@dataclass(frozen=True, eq=False)
class Folds:
    """Which fold each patch is judged in.

    Attributes:
        n_splits: number of folds.
        seed: they were drawn with.
        grouped: whether patches of one group were kept together.
        fold_of: (N,) int8 in 0 .. n_splits - 1; -1 for unlabelled patches, which are in no fold.
        left_out: for each fold, rows that its training part goes without, since they share ground with what it judges;
            empty where nothing does.
        only_train: rows of the training part that no fold judges: those of a single split; empty with several folds.
    """

    n_splits: int
    seed: int
    grouped: bool
    fold_of: np.ndarray
    left_out: tuple[np.ndarray, ...] = ()
    only_train: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def train(self, fold: int) -> np.ndarray:
        """(n,) int64 rows of the training part of ``fold``."""
        rows = np.setdiff1d(self.members, self.val(fold))
        return np.setdiff1d(rows, self.left_out[fold]) if self.left_out else rows

    def val(self, fold: int) -> np.ndarray:
        """(n,) int64 rows that are judged in ``fold``."""
        return np.flatnonzero(self.fold_of == self._known(fold))

    @property
    def members(self) -> np.ndarray:
        """(n,) int64 rows that are judged in a fold, or learnt from."""
        return np.union1d(np.flatnonzero(self.fold_of >= 0), self.only_train)

    def _known(self, fold: int) -> int:
        if not 0 <= fold < self.n_splits:
            raise FoldError(f"There is no fold {fold}; the folds are 0 to {self.n_splits - 1}.")
        return fold

    def to_json(self, ids: Texts) -> str:
        """Text with the ids of each fold, which outlives the order of rows in a dataset file."""
        ids = np.asarray(ids)
        card: dict[str, Any] = {
            "n_splits": self.n_splits,
            "seed": self.seed,
            "grouped": self.grouped,
            "folds": [ids[self.fold_of == fold].tolist() for fold in range(self.n_splits)],
        }
        if len(self.only_train):
            card["only_train"] = ids[self.only_train].tolist()
        if self.left_out:
            card["left_out"] = [ids[rows].tolist() for rows in self.left_out]
        return json.dumps(card, indent=1)

    @classmethod
    def from_json(cls, text: str, ids: Texts) -> Folds:
        """The folds of :meth:`to_json` for patches in the order of ``ids``; raises FoldError when an id is missing."""
        row = {str(name): position for position, name in enumerate(ids)}
        fold_of = np.full(len(row), -1, np.int8)
        try:
            card = parse_json(text)
            for fold, members in enumerate(card["folds"]):
                fold_of[[row[name] for name in members]] = fold
            left_out = tuple(np.array([row[name] for name in some], np.int64) for some in card.get("left_out", ()))
            rest = np.array([row[name] for name in card.get("only_train", ())], np.int64)
            return cls(int(card["n_splits"]), int(card["seed"]), bool(card["grouped"]), fold_of, left_out, rest)
        except (FormatError, KeyError, ValueError, TypeError) as error:
            raise FoldError(f"These folds were drawn for other patches, or the file is damaged ({error}).") from error


def training_ids(folds: Mapping[str, Any], fold: int) -> list[str]:
    """Ids of the training part of ``fold`` by a run's record (:meth:`Folds.to_json`), in the order of the folds."""
    out = set(map(str, folds["left_out"][fold])) if "left_out" in folds else set()
    parts = [ids for k, ids in enumerate(folds["folds"]) if k != fold] + [folds.get("only_train", [])]
    return [str(name) for ids in parts for name in ids if str(name) not in out]


def fold_by_id(folds: Mapping[str, Any]) -> dict[str, int]:
    """The fold that judges each patch of a run's record; -1 for what a single split only learns from."""
    found = {str(name): -1 for name in folds.get("only_train", ())}
    return found | {str(name): fold for fold, ids in enumerate(folds["folds"]) for name in ids}


def all_ids(folds: Mapping[str, Any]) -> set[str]:
    """Ids of every patch that a run has learnt from or judged, by its record."""
    return {str(name) for ids in (*folds["folds"], folds.get("only_train", ())) for name in ids}


def make_folds(
    labels: np.ndarray, groups: np.ndarray | None, n_splits: int = 5, seed: int = 0, grouped: bool = True
) -> Folds:
    """Draw stratified folds over the labelled patches; with groups and ``grouped``, no group is divided.

    They are exactly scikit-learn's ``StratifiedGroupKFold`` or ``StratifiedKFold`` (``shuffle=True``,
    ``random_state=seed``) over the labelled patches in their order.

    Args:
        labels: (N,) integers; 1, 0, or -1 for unlabelled.
        groups: (N,) text, or None.
        n_splits: number of folds, at least 2.
        seed: of the shuffle.
        grouped: keep groups together, where there are any.

    Raises:
        FoldError: when one class is missing, there are fewer patches or groups than folds, or a training part would
            have one class only; the message names the numbers. A fold to judge may lack positive patches.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels = np.asarray(labels)
    known = np.flatnonzero(labels >= 0)
    use_groups = grouped and groups is not None
    members = np.asarray(groups)[known] if use_groups else None
    _check_possible(labels[known], members, n_splits)
    splitter = StratifiedGroupKFold if use_groups else StratifiedKFold
    draw = splitter(n_splits, shuffle=True, random_state=seed)
    fold_of = np.full(len(labels), -1, np.int8)
    with warnings.catch_warnings():
        # A fold without a positive patch is allowed: its metrics are then undefined, and say so.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            for fold, (_, val) in enumerate(draw.split(np.zeros(len(known)), labels[known], members)):
                fold_of[known[val]] = fold
        except ValueError as error:
            raise FoldError(f"{n_splits} folds cannot be drawn: {error}.".replace("..", ".")) from error
    folds = Folds(n_splits, seed, use_groups, fold_of)
    _check_drawn(folds, labels)
    return folds


def make_split(
    labels: np.ndarray, groups: np.ndarray | None, share: float = 0.2, seed: int = 0, grouped: bool = True
) -> Folds:
    """One stratified split: about ``share`` of the labelled patches are judged, the others learnt from.

    Without groups it is scikit-learn's ``StratifiedShuffleSplit``. With them the judged part is one or more of its
    ``StratifiedGroupKFold``'s folds (:func:`make_folds`), as many as come nearest to the share: 0.3 is three of ten.
    Raises FoldError when it cannot be drawn with both classes on both sides.
    """
    labels = np.asarray(labels)
    try:
        judged = _drawn_apart(labels, groups if grouped else None, share, seed)
        rest = np.setdiff1d(np.flatnonzero(labels >= 0), judged)
        if min(len(np.unique(labels[judged])), len(np.unique(labels[rest]))) < 2:
            raise FoldError("one of its two parts would hold one class only.")
    except FoldError as error:
        raise FoldError(f"One split with {share:.0%} to evaluate cannot be drawn: {error}") from error
    fold_of = np.full(len(labels), -1, np.int8)
    fold_of[judged] = 0
    return Folds(1, seed, grouped and groups is not None, fold_of, (), rest)


def _drawn_apart(labels: np.ndarray, groups: np.ndarray | None, share: float, seed: int) -> np.ndarray:
    """(n,) rows that are judged."""
    from sklearn.model_selection import StratifiedShuffleSplit

    known = np.flatnonzero(labels >= 0)
    if groups is None:
        _check_possible(labels[known], None, 2)
        try:
            draw = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
            return known[next(draw.split(known, labels[known]))[1]]
        except ValueError as error:
            raise FoldError(f"{error}.") from error
    parts = [Fraction(share).limit_denominator(10 if share >= 0.1 else 20), Fraction(1, round(1 / share))]
    failed: list[FoldError] = []
    for part in dict.fromkeys(parts):
        try:
            drawn = make_folds(labels, groups, part.denominator, seed)
        except FoldError as error:
            failed.append(error)
            continue
        return np.flatnonzero((drawn.fold_of >= 0) & (drawn.fold_of < part.numerator))
    raise failed[0]


def _check_possible(labels: np.ndarray, groups: np.ndarray | None, n_splits: int) -> None:
    positives, negatives = int((labels == 1).sum()), int((labels == 0).sum())
    if n_splits < 2:
        raise FoldError(f"{n_splits} folds cannot be drawn: at least 2 are needed.")
    if not positives or not negatives:
        raise FoldError(
            f"Folds need both classes: there are {positives} positive and {negatives} negative patches with a label. "
            "Label patches of the other class."
        )
    what = "patches" if groups is None else "groups"
    n = len(labels) if groups is None else len(set(groups))
    if n < n_splits:
        raise FoldError(
            f"{n_splits} folds cannot be drawn from {n} labelled {_one_or_many(n, what)}: each fold needs one of its "
            "own."
        )
    for name, mine in (("positive", labels == 1), ("negative", labels == 0)):
        n = int(mine.sum()) if groups is None else len(set(groups[mine]))
        if n < 2:
            raise FoldError(
                f"All {int(mine.sum())} {name} patches would lie in one fold ({n} {_one_or_many(n, what)}), and "
                f"then nothing is left to learn them from. Have at least 2 {what} with {name} patches."
            )


def _one_or_many(n: int, what: str) -> str:
    return {"patches": "patch", "groups": "group"}[what] if n == 1 else what


def _check_drawn(folds: Folds, labels: np.ndarray) -> None:
    """A few large groups can leave a fold empty or a training part with one class although the counts allow more."""
    for fold in range(folds.n_splits):
        val, train = labels[folds.val(fold)], labels[folds.train(fold)]
        if not len(val) or len(np.unique(train)) < 2:
            raise FoldError(
                f"Fold {fold} of {folds.n_splits} would have {len(val)} patches to judge and "
                f"{int((train == 1).sum())} positive, {int((train == 0).sum())} negative ones to learn from."
            )
