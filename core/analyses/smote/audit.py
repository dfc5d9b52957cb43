"""Whether a run's synthetic patches stayed inside their folds and are what their lineage says; what leaking would cost.

Leaks are counted from the lineage tables against ``folds.json``. The pixels are computed again from the dataset file
and each fold's normaliser. A control run, which differs from this one in ``smote.protocol`` alone, is compared where
there is one. And the three protocols are tried on labels that are pure noise.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.analyses.datasets.inflation import inflation_of_runs
from core.analyses.smote.control_run import find_control_run
from core.analyses.smote.fold_minority import FoldLandslides
from core.data.store import Dataset
from core.heads.svm import fit_svm
from core.predict.training_dataset import training_dataset
from core.progress import Progress, Steps
from core.runs.store import RunFolder
from core.smote.methods import euclidean, oversample
from core.smote.resample import Synthetics, interpolate, synthesise
from core.smote.topk import Neighbours

TOLERANCE = 1e-6  # of a pixel, in units of the normalised band
NOISE_N, NOISE_D, NOISE_SHARE, NOISE_SYN, NOISE_K, NOISE_FOLDS = 1400, 128, 0.176, 5, 5, 5
PROTOCOLS = ("folds_over_all", "before_folds", "inside_fold")


class AuditOptions(Options):
    """What is drawn at random."""

    seed: int = Field(0, ge=0, title="Seed", description="Of the experiment on labels that are pure noise.")


def analyse(run: RunFolder, options: AuditOptions) -> Steps[dict[str, Any]]:
    """Count leaks, compute every synthetic patch again, compare protocols, and keep the report.

    Raises RunError when the run has not finished or its dataset has changed.
    """
    dataset, config, lineage = training_dataset(run), run.config(), run.smote()
    leaks = lineage_in_validation(lineage, run.folds()["folds"])
    yield Progress(0.05, f"{len(lineage):,} synthetic patches, {len(leaks):,} with a parent in validation.")
    rows = []
    for fold in range(config.folds.n_splits):
        yield Progress(
            0.1 + 0.5 * fold / config.folds.n_splits, f"Computing the synthetic patches of fold {fold + 1} again."
        )
        rows.append(recreated(run, dataset, fold, lineage[lineage["fold"] == fold]))
    yield Progress(0.6, "Trying the three protocols on labels that are pure noise.")
    noise = noise_labels(options.seed)
    control = find_control_run(run)
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
        "twin": control.name if control else None,
        "twin_difference": _difference(run, control) if control else [],
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    run.results(ANALYSIS.name).write_json("report.json", report)
    counts = {name: report[name] for name in ("ok", "n_synthetic", "n_leaking")}
    text = f"{report['n_leaking']:,} of {len(lineage):,} synthetic patches have a parent in validation."
    return {"message": text} | counts


def read(run: RunFolder) -> dict[str, Any] | None:
    """The report, or None before anybody asked. ``twin`` and ``twin_difference`` in it speak of the control run."""
    results = run.results(ANALYSIS.name)
    return results.json("report.json") if results.has("report.json") else None


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


def recreated(run: RunFolder, dataset: Dataset, fold: int, lineage: pd.DataFrame) -> dict[str, Any]:
    """Whether the fold's synthetic patches, drawn and computed again from the dataset, are those of its lineage.

    ``same``: anchors, neighbours and weights equal the lineage's; None where that cannot be known (``note`` says why).
    ``max_error``: the largest difference between a patch as SMOTE computes it and Algorithm 1's formula in double
    precision with the lineage's parents and weight; pixels where a parent holds no data are 0.
    """
    row = {"fold": fold, "n": len(lineage), "same": None, "max_error": None, "note": ""}
    if lineage.empty:
        return row | {"note": "no synthetic patches"}
    config, parents = run.config(), FoldLandslides.of(run, dataset, fold)
    patches, valid = parents.patches, parents.valid
    anchor, neighbour = (lineage[column].astype(str).map(parents.place) for column in ("anchor", "neighbour"))
    if anchor.isna().any() or neighbour.isna().any():
        return row | {"same": False, "note": "a parent is not among the landslides this fold was trained on"}
    anchor, neighbour = anchor.to_numpy(np.int64), neighbour.to_numpy(np.int64)
    weight = lineage["anchor_weight"].to_numpy(np.float32)
    if config.train.select == "last":
        made = oversample(
            patches, len(lineage), config.smote, seed=config.seed, valid=valid, data_range=parents.data_range
        )
        row["same"] = bool(
            len(made.anchor) == len(anchor)
            and np.array_equal(made.anchor, anchor)
            and np.array_equal(made.neighbour, neighbour)
            and np.array_equal(made.anchor_weight, weight)
        )
    else:
        row["note"] = "an inner split chose the epoch, so the draw cannot be repeated"
    made_images = made.images if row["same"] else interpolate(patches, anchor, neighbour, weight)
    return row | {"max_error": _largest_error(made_images, patches, anchor, neighbour, weight, valid)}


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
    """F1 of an RBF-SVM on Gaussian vectors whose labels mean nothing, by the place of SMOTE.

    folds_over_all: folds are drawn over real and synthetic rows, and synthetic rows are scored too (how paper A's
    numbers may have come about). before_folds: SMOTE first, real rows scored. inside_fold: parents from the training
    part only, real rows scored; an honest protocol finds nothing. ``f1_all_positive`` is what predicting landslide
    everywhere would give.
    """
    from sklearn.model_selection import StratifiedKFold

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, NOISE_D)).astype(np.float32)
    y = (np.arange(n) < round(NOISE_SHARE * n)).astype(np.int8)
    rng.shuffle(y)
    splitter = StratifiedKFold(NOISE_FOLDS, shuffle=True, random_state=seed)
    of_all = _vectors(x[y == 1], seed).images[:, :, 0, 0]
    rows, labels = np.concatenate([x, of_all]), np.concatenate([y, np.ones(len(of_all), np.int8)])
    target: dict[str, list] = {name: [] for name in PROTOCOLS}
    pred: dict[str, list] = {name: [] for name in PROTOCOLS}

    def score(name: str, train_x, train_y, val_x, val_y) -> None:
        head = fit_svm(train_x, train_y, 1.0)
        target[name].append(val_y)
        pred[name].append((head.decision(val_x) > 0).astype(np.int8))

    for train, val in splitter.split(rows, labels):
        score("folds_over_all", rows[train], labels[train], rows[val], labels[val])
    for train, val in splitter.split(x, y):
        real_x, real_y = x[train], y[train]
        of_train = _vectors(real_x[real_y == 1], seed).images[:, :, 0, 0]
        for name, synthetic in (("before_folds", of_all), ("inside_fold", of_train)):
            train_y = np.concatenate([real_y, np.ones(len(synthetic), np.int8)])
            score(name, np.concatenate([real_x, synthetic]), train_y, x[val], y[val])
    f1 = {name: _f1(np.concatenate(target[name]), np.concatenate(pred[name])) for name in PROTOCOLS}
    share = float(y.mean())
    return {
        "f1": f1, "n": n, "n_features": NOISE_D, "share_positive": share, "n_syn": NOISE_SYN, "k": NOISE_K,
        "folds": NOISE_FOLDS, "seed": seed, "f1_all_positive": 2 * share / (1 + share),
    }  # fmt: skip


def _f1(target: np.ndarray, pred: np.ndarray) -> float:
    hits = int(((target == 1) & (pred == 1)).sum())
    return 2 * hits / max(int((target == 1).sum() + (pred == 1).sum()), 1)


def _vectors(minority: np.ndarray, seed: int) -> Synthetics:
    index = euclidean(minority, NOISE_K)
    neighbours = Neighbours(index, np.full(index.shape, np.nan, np.float32))
    return synthesise(minority[:, :, None, None], NOISE_SYN * len(minority), seed=seed, neighbours=neighbours)


# -------------------------------------------------------------------------------------------------- control run


def _difference(run: RunFolder, control: RunFolder) -> list[dict]:
    leaking, honest = (run, control) if run.config().smote.protocol == "before_folds" else (control, run)
    return [asdict(row) for row in inflation_of_runs(leaking, honest)]


ANALYSIS = Analysis(
    name="smote_audit",
    title="SMOTE audit",
    summary="Whether synthetic patches stayed inside their folds, and what SMOTE before the folds adds to scores.",
    page="balance",
    view="audit",
    Options=AuditOptions,
    run=analyse,
    read=read,
)
