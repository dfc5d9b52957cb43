"""Whether a run's synthetic patches stayed inside their folds, are what their lineage says, and what else would cost.

Comes in: a finished run. Goes out: a report, kept in the run folder. Leaks are counted from the lineage tables against
``folds.json``; pixels are made again from the dataset file and each fold's normaliser; a run that differs from this one
in ``smote.protocol`` alone is found and compared; and the three protocols are tried on labels that are pure noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from core.analyses.datasets.inflation import inflation_of_runs
from core.analyses.smote.control_run import twin_of
from core.analyses.smote.fold_minority import FoldLandslides
from core.heads.svm import fit_svm
from core.predict.training_dataset import training_dataset
from core.progress import Progress
from core.runs.store import RunFolder
from core.smote.methods import euclidean, oversample
from core.smote.resample import Synthetics, interpolate, synthesise
from core.smote.topk import Neighbours

TOLERANCE = 1e-6  # of a pixel, in units of the normalised band
NOISE_N, NOISE_D, NOISE_SHARE, NOISE_SYN, NOISE_K, NOISE_FOLDS = 1400, 128, 0.176, 5, 5, 5
PROTOCOLS = ("folds_over_all", "before_folds", "inside_fold")


def audit_smote(run: RunFolder, seed: int = 0) -> Iterator[Progress]:
    """Look at everything and write ``RunFolder.smote_audit``; the last step's fields are the report.

    Raises RunError when the run has not finished or its dataset has changed.
    """
    dataset, config, lineage = training_dataset(run), run.config(), run.smote()
    leaks = lineage_in_validation(lineage, run.folds()["folds"])
    yield Progress(0.05, f"{len(lineage):,} synthetic patches, {len(leaks):,} with a parent in validation.")
    rows = []
    for fold in range(config.folds.n_splits):
        yield Progress(0.1 + 0.5 * fold / config.folds.n_splits, f"Making the patches of fold {fold + 1} again.")
        rows.append(made_again(run, dataset, fold, lineage[lineage["fold"] == fold]))
    yield Progress(0.6, "The three protocols on labels that are pure noise.")
    noise = noise_labels(seed)
    twin = twin_of(run)
    errors = [row["max_error"] for row in rows if row["max_error"] is not None]
    report = {
        "run": run.name,
        "method": config.smote.method if config.smote.enabled else "none",
        "protocol": config.smote.protocol,
        "n_synthetic": len(lineage),
        "n_leaking": int(leaks["synthetic"].nunique()),
        "leaking": leaks.to_dict("records"),
        "pixels": rows,
        "max_error": max(errors, default=None),
        "tolerance": TOLERANCE,
        "ok": leaks.empty and max(errors, default=0.0) <= TOLERANCE and all(row["same"] is not False for row in rows),
        "noise": noise,
        "own": run.summary()["oof"],
        "twin": twin.name if twin else None,
        "twin_difference": _difference(run, twin) if twin else [],
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    run.write_smote_audit(report)
    text = f"{report['n_leaking']:,} of {len(lineage):,} synthetic patches have a parent in validation."
    return {"message": text} | report


# ----------------------------------------------------------------------------------------------------- lineage


def lineage_in_validation(lineage: pd.DataFrame, folds: list[list[str]]) -> pd.DataFrame:
    """Rows (fold, synthetic, parent, why) for each parent in its fold's validation part, or in no fold at all."""
    members = [{str(name) for name in ids} for ids in folds]
    known = set().union(*members) if members else set()
    rows = [
        {"fold": int(row.fold), "synthetic": row.synthetic, "parent": str(parent), "why": why}
        for row in lineage.itertuples()
        for parent in dict.fromkeys((row.anchor, row.neighbour))
        for why in ["in validation" if str(parent) in members[row.fold] else "in no fold"]
        if str(parent) in members[row.fold] or str(parent) not in known
    ]
    return pd.DataFrame(rows, columns=["fold", "synthetic", "parent", "why"])


# ------------------------------------------------------------------------------------------------------ pixels


def made_again(run: RunFolder, dataset: Any, fold: int, lineage: pd.DataFrame) -> dict[str, Any]:
    """The fold's synthetic patches made again from the dataset: whether the choices are the same, and the pixels.

    ``same``: anchors, neighbours and weights equal the lineage's; none where that cannot be told (``note``).
    ``max_error``: the largest difference between a patch as it is made and Algorithm 1's formula in double precision
    with the lineage's parents and weight; pixels where a parent holds no data are 0.
    """
    found = {"fold": fold, "n": len(lineage), "same": None, "max_error": None, "note": ""}
    if lineage.empty:
        return found | {"note": "no synthetic patches"}
    config, parents = run.config(), FoldLandslides.of(run, dataset, fold)
    patches, valid = parents.patches, parents.valid
    anchor, neighbour = (lineage[column].astype(str).map(parents.place) for column in ("anchor", "neighbour"))
    if anchor.isna().any() or neighbour.isna().any():
        return found | {"same": False, "note": "a parent is none of the landslides that this fold learnt from"}
    anchor, neighbour = anchor.to_numpy(np.int64), neighbour.to_numpy(np.int64)
    weight = lineage["anchor_weight"].to_numpy(np.float32)
    if config.train.select == "last":
        made = oversample(
            patches, len(lineage), config.smote, seed=config.seed, valid=valid, data_range=parents.data_range
        )
        found["same"] = bool(
            len(made.anchor) == len(anchor)
            and np.array_equal(made.anchor, anchor)
            and np.array_equal(made.neighbour, neighbour)
            and np.array_equal(made.anchor_weight, weight)
        )
    else:
        found["note"] = "an inner part chose the epoch, so that the choices are not drawn again"
    made_images = made.images if found["same"] else interpolate(patches, anchor, neighbour, weight)
    return found | {"max_error": _largest_error(made_images, patches, anchor, neighbour, weight, valid)}


def _largest_error(images, patches, anchor, neighbour, weight, valid) -> float:
    largest = 0.0
    for m, (a, b, w) in enumerate(zip(anchor, neighbour, weight.astype(np.float64), strict=True)):
        expected = w * patches[a].astype(np.float64) + (1 - w) * patches[b]
        both = np.ones(patches.shape[2:], bool) if valid is None else valid[a] & valid[b]
        scale = np.maximum(1.0, np.abs(expected))  # float32 knows seven digits, however large the number
        largest = max(largest, float((np.abs(images[m] - expected) / scale)[:, both].max(initial=0.0)))
    return largest


# ------------------------------------------------------------------------------------------------ noise labels


def noise_labels(seed: int = 0, n: int = NOISE_N) -> dict[str, Any]:
    """F1 of an RBF-SVM on Gaussian vectors whose labels mean nothing, by where SMOTE stood.

    folds_over_all: folds are drawn over real and synthetic rows, and synthetic rows are judged too (how paper A's
    numbers may have come about). before_folds: SMOTE first, real rows judged. inside_fold: parents from the training
    part only, real rows judged; an honest protocol finds nothing. Chance is shown by what calling everything a
    landslide would give.
    """
    from sklearn.model_selection import StratifiedKFold

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, NOISE_D)).astype(np.float32)
    y = (np.arange(n) < round(NOISE_SHARE * n)).astype(np.int8)
    rng.shuffle(y)
    drawn = StratifiedKFold(NOISE_FOLDS, shuffle=True, random_state=seed)
    more = _vectors(x[y == 1], seed).images[:, :, 0, 0]
    rows, labels = np.concatenate([x, more]), np.concatenate([y, np.ones(len(more), np.int8)])
    truth: dict[str, list] = {name: [] for name in PROTOCOLS}
    called: dict[str, list] = {name: [] for name in PROTOCOLS}

    def judge(name: str, train_x, train_y, val_x, val_y) -> None:
        head = fit_svm(train_x, train_y, 1.0)
        truth[name].append(val_y)
        called[name].append((head.decision(val_x) > 0).astype(np.int8))

    for train, val in drawn.split(rows, labels):
        judge("folds_over_all", rows[train], labels[train], rows[val], labels[val])
    for train, val in drawn.split(x, y):
        real_x, real_y = x[train], y[train]
        inner = _vectors(real_x[real_y == 1], seed).images[:, :, 0, 0]
        for name, made in (("before_folds", more), ("inside_fold", inner)):
            train_y = np.concatenate([real_y, np.ones(len(made), np.int8)])
            judge(name, np.concatenate([real_x, made]), train_y, x[val], y[val])
    f1 = {name: _f1(np.concatenate(truth[name]), np.concatenate(called[name])) for name in PROTOCOLS}
    share = float(y.mean())
    return {
        "f1": f1, "n": n, "n_features": NOISE_D, "share_positive": share, "n_syn": NOISE_SYN, "k": NOISE_K,
        "folds": NOISE_FOLDS, "seed": seed, "f1_all_positive": 2 * share / (1 + share),
    }  # fmt: skip


def _f1(truth: np.ndarray, pred: np.ndarray) -> float:
    hits = int(((truth == 1) & (pred == 1)).sum())
    return 2 * hits / max(int((truth == 1).sum() + (pred == 1).sum()), 1)


def _vectors(minority: np.ndarray, seed: int) -> Synthetics:
    index = euclidean(minority, NOISE_K)
    known = Neighbours(index, np.full(index.shape, np.nan, np.float32))
    return synthesise(minority[:, :, None, None], NOISE_SYN * len(minority), seed=seed, neighbours=known)


# -------------------------------------------------------------------------------------------------------- twin


def _difference(run: RunFolder, twin: RunFolder) -> list[dict]:
    leaking, honest = (run, twin) if run.config().smote.protocol == "before_folds" else (twin, run)
    return [asdict(one) for one in inflation_of_runs(leaking, honest)]
