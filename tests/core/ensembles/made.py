"""Runs and CSVs with out-of-fold answers that are made up, for the tests of ensembles."""

import numpy as np
import pandas as pd

from core.config import preset
from core.runs.store import create_run


def labels_of(n, seed=0):
    """(n,) 0/1, about a third of them positive."""
    return (np.random.default_rng(seed).random(n) < 0.35).astype(int)


def leaning(labels, strength, seed):
    """(n,) probabilities that lean towards the labels."""
    noise = np.random.default_rng(seed).normal(size=len(labels))
    return 1 / (1 + np.exp(-(strength * (2 * labels - 1) + noise)))


def add_run(checkpoints, heads, labels, folds=None, groups=None, ids=None, dataset_name="made"):
    """A finished run with these probabilities by head; folds by threes unless given."""
    n = len(labels)
    run = create_run(checkpoints, preset("demo"), checkpoints / "made.h5", f"{dataset_name}{sorted(heads)}")
    table = {"id": [f"p{i}" for i in range(n)] if ids is None else list(ids), "label": labels}
    table |= {"fold": np.arange(n) % 3 if folds is None else folds, "group": [""] * n if groups is None else groups}
    for name, probs in heads.items():
        table |= {f"prob_{name}": probs, f"pred_{name}": (np.asarray(probs) >= 0.5).astype(np.int8)}
    run.write_oof(pd.DataFrame(table))
    first = next(iter(heads))
    run.write_json("summary.json", {
        "head": first, "heads": {name: {"f1": 0.5} for name in heads}, "dataset_name": dataset_name,
        "class_names": ["other", "landslide"], "positive": "landslide",
    })  # fmt: skip
    run.write_status(state="succeeded")
    return run


def write_csv(path, probs, ids=None, **columns):
    """A CSV of probabilities: id, prob and what else is given."""
    ids = [f"p{i}" for i in range(len(probs))] if ids is None else ids
    pd.DataFrame({"id": ids, "prob": probs, **columns}).to_csv(path, index=False)
    return path
