"""Boosted trees (LightGBM, paper A's Table 3): fitted by LightGBM, stored in its text format, evaluated as arrays.

The decision of a :class:`BoostedHead` equals LightGBM's raw score. LightGBM itself never reads a file here: its loader
trusts the child and feature indices in the text, so that a crafted model reads and writes outside its arrays (LightGBM
issue 7357, open in version 4.7). :func:`parse` checks every number, and predictions do not need LightGBM.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import FormatError, UnsafeFileError
from core.heads.base import Head, check_training, checked
from core.io import atomic
from core.io.plain_file import read_bytes

N_TREES = 100  # LightGBM's default, as its 31 leaves and rate of 0.1 are; not tuned, so that scores stay honest
BINS = 63  # of a feature's values while fitting; 255, the default, takes three times as long for the same AUC here
MAX_BYTES = 64 * 2**20  # of model text; 100 trees on 1280 features have 0.4 MB
_CHUNK = 1 << 20  # patches times trees at once while answering
_MISSING = 0b1100  # bits of decision_type that name a kind of missing value; bit 0 marks a split by category
_CATEGORY = 0b0001


@dataclass(frozen=True)
class Trees:
    """Every tree's inner nodes and leaves, one after the other; T trees, I inner nodes, L leaves.

    root: (T,) the node that each tree begins with. feature, threshold, left, right: (I,): go left where
    ``x[feature] <= threshold``. A child below 0 is the leaf ``~child``. value: (L,) float64. n_features: D.
    """

    root: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    n_features: int


@dataclass(frozen=True)
class BoostedHead:
    """The sum of its trees' leaves, a log-odds. text: the model as LightGBM writes it; trees: what it says."""

    name: str
    text: str
    trees: Trees
    kind = "boosted"
    suffix = ".txt"

    def decision(self, embeddings: np.ndarray, device: Any = None) -> np.ndarray:
        """See :class:`core.heads.base.Head`; computed on the processor, wherever the network is."""
        x = checked(embeddings, self.trees.n_features, self.name)
        chunk = max(1, _CHUNK // len(self.trees.root))
        parts = [_walk(self.trees, x[i : i + chunk]) for i in range(0, len(x), chunk)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def facts(self) -> dict[str, float]:
        """See :class:`core.heads.base.Head`."""
        return {"n_features": self.trees.n_features, "n_trees": len(self.trees.root)}

    def save(self, path: Path) -> str:
        """See :class:`core.heads.base.Head`."""
        atomic.write_text(path, self.text)
        return atomic.sha256(path)

    @classmethod
    def load(cls, name: str, path: Path) -> Head:
        """The head in ``path``. Raises UnsafeFileError when the text is not that of a plain two-class model."""
        try:
            text = read_bytes(path, MAX_BYTES).decode("utf-8")
            return cls(name, text, parse(text))
        except (FormatError, UnicodeDecodeError) as error:
            raise UnsafeFileError(f"{path.name} was refused: {error} Fit the heads again.") from error


def fit_boosted(features: np.ndarray, labels: np.ndarray, name: str, class_weight: str = "none") -> BoostedHead:
    """Boosted trees on features (N, D), which need no scaling. Equal data give equal text on any number of cores.

    class_weight: as in :func:`core.heads.svm.fit_svms`. Raises TrainingError, saying why this head is left out, when a
    class has fewer than 2 patches.
    """
    import lightgbm

    x, y = check_training(features, labels, name, per_class=2)
    weight = None if class_weight == "none" else len(y) / (2.0 * np.bincount(y, minlength=2))[y]
    settings = {
        "objective": "binary",
        "max_bin": BINS,
        # A leaf of 20, the default, leaves nothing to split among a few dozen patches.
        "min_data_in_leaf": int(np.clip(len(y) // 50, 2, 20)),
        "num_threads": 1,  # torch has its own threads; and with the next two, bits that do not depend on the machine
        "deterministic": True,
        "force_row_wise": True,
        "seed": 0,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(x, y, weight=weight, params=settings)
    text = lightgbm.train(settings, data, num_boost_round=N_TREES).model_to_string()
    return BoostedHead(name, text, parse(text))


def _walk(trees: Trees, x: np.ndarray) -> np.ndarray:
    """The sum of leaves (n,) for rows (n, D), all trees at once."""
    row = np.arange(len(x))[:, None]
    node = np.broadcast_to(trees.root, (len(x), len(trees.root))).copy()  # (n, T)
    inner = node >= 0
    while inner.any():
        at = np.where(inner, node, 0)
        child = np.where(x[row, trees.feature[at]] <= trees.threshold[at], trees.left[at], trees.right[at])
        node = np.where(inner, child, node)
        inner = node >= 0
    return trees.value[~node].sum(axis=1)


# ------------------------------------------------------------------------------------------------ reading text


def parse(text: str) -> Trees:
    """The trees in LightGBM's model text. Raises FormatError when anything in it is not what a plain model holds.

    Accepted: version 4, one tree an iteration, numerical splits without missing values, constant leaves. Every child
    comes after its parent, so that no walk goes in a circle, and every index lies inside its array.
    """
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    facts = _facts(head)
    wanted = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1"}
    if any(facts.get(key) != value for key, value in wanted.items()) or not blocks:
        raise FormatError("it is not a two-class LightGBM model of version v4.")
    n_features = int(_integers(facts, "max_feature_idx", 1)[0]) + 1
    nodes, leaves, parts = 0, 0, []
    for number, block in enumerate(blocks):
        try:
            part = _tree(_facts(block), n_features, nodes, leaves)
        except FormatError as error:
            raise FormatError(f"tree {number}: {error}") from error
        nodes, leaves = nodes + len(part[1]), leaves + len(part[5])
        parts.append(part)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if not nodes:  # only leaves: a walk still looks at node 0
        columns[1:5] = [np.zeros(1, np.int64), np.zeros(1), *(np.full(1, -1, np.int64),) * 2]
    root, feature, threshold, left, right, value = columns
    return Trees(root, feature, threshold, left, right, value, n_features)


def _tree(facts: dict[str, str], n_features: int, first_node: int, first_leaf: int) -> tuple:
    """One tree's arrays, its indices moved behind ``first_node`` inner nodes and ``first_leaf`` leaves."""
    n_leaves = int(_integers(facts, "num_leaves", 1)[0])
    if n_leaves < 1 or facts.get("num_cat") != "0" or facts.get("is_linear", "0") != "0":
        raise FormatError("it has no leaf, splits by category, or linear leaves.")
    value = _reals(facts, "leaf_value", n_leaves)
    inner = n_leaves - 1
    feature, kinds = (_integers(facts, name, inner) for name in ("split_feature", "decision_type"))
    threshold = _reals(facts, "threshold", inner)
    if inner and not (0 <= feature.min() and feature.max() < n_features):
        raise FormatError("it splits by a feature that does not exist.")
    if (kinds & (_MISSING | _CATEGORY)).any():
        raise FormatError("it splits by category or by missing values.")
    children = []
    for side in ("left_child", "right_child"):
        child = _integers(facts, side, inner)
        if not ((child < inner) & (child >= -n_leaves) & ((child < 0) | (child > np.arange(inner)))).all():
            raise FormatError("a child is no leaf of it and no later node.")
        children.append(np.where(child < 0, child - first_leaf, child + first_node))
    root = np.array([first_node if inner else ~first_leaf])
    return root, feature, threshold, *children, value


def _facts(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _integers(facts: dict[str, str], name: str, n: int) -> np.ndarray:
    values = _numbers(facts, name, n, int)
    if any(abs(value) > 2**31 for value in values):
        raise FormatError(f"{name} holds an impossible number.")
    return np.array(values, np.int64)


def _reals(facts: dict[str, str], name: str, n: int) -> np.ndarray:
    values = np.array(_numbers(facts, name, n, float), np.float64)
    if not np.isfinite(values).all():
        raise FormatError(f"{name} is not finite.")
    return values


def _numbers(facts: dict[str, str], name: str, n: int, kind: type) -> list:
    words = facts.get(name, "").split()
    if len(words) != n:
        raise FormatError(f"{name} has {len(words)} numbers instead of {n}.")
    try:
        return [kind(word) for word in words]
    except ValueError as error:
        raise FormatError(f"{name} is not a list of numbers.") from error
