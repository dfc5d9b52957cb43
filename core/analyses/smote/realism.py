"""How realistic a run's synthetic landslides are: how close to real ones, how blurred, how easily told apart.

It trains no network. Models are asked only about patches whose parents they have not seen
(``core.analyses.smote.held_out_models``), and the two-sample test keeps parents and children on one side
(``core.evaluate.comparison.two_sample``). The verdict in words is that of ``core.analyses.smote.verdict``.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.analyses.smote.fold_minority import FoldLandslides
from core.analyses.smote.held_out_models import SEEN, assign_models, missed_share, predict_held_out, scoring_head
from core.analyses.smote.verdict import verdict
from core.data.band_statistics import band_statistics
from core.data.store import Dataset
from core.embed.features import Preparation
from core.errors import RunError
from core.evaluate.comparison.two_sample import Scored, TwoSample, halves, judge, scored
from core.flow.fold_rows import fold_rows
from core.predict.training_dataset import training_dataset
from core.progress import Progress, Steps
from core.runs.store import RunFolder
from core.smote.realism import detail_expected, detail_kept, fine_detail, nearest_distance
from core.stats.grouped_means import median_of

TIMES = 4  # halvings of each fold's landslides
N_BOOT = 500
KINDS = ("statistics", "detail", "embedding")  # features that the two-sample test is given


class RealismOptions(Options):
    """How many synthetic patches are looked at, and the seed of every draw."""

    per_fold: int = Field(
        400,
        ge=1,
        le=100_000,
        title="Synthetic patches per fold",
        description="At most so many synthetic patches of each fold, drawn at random where there are more.",
    )
    seed: int = Field(0, ge=0, title="Seed", description="Of what is drawn at random.")


@dataclass(frozen=True)
class Realism:
    """patches: a row a synthetic patch (its lineage, distances, fine detail). report: tests, shares and the verdict."""

    patches: pd.DataFrame
    report: dict[str, Any]


def analyse(run: RunFolder, options: RealismOptions) -> Steps[dict[str, Any]]:
    """Measure distances, blur and how well synthetic patches are told from real ones, and keep that.

    Raises RunError when the run has not finished, its dataset has changed, or it has no synthetic patches.
    """
    began = time.monotonic()
    dataset, lineage, oof = training_dataset(run), run.smote(), run.oof()
    if lineage.empty:
        raise RunError(f"Run '{run.name}' has no synthetic patches. Choose a run that was balanced by SMOTE.")
    group_of = _groups(oof)
    n_folds = run.config().folds.n_splits
    tables, control = [], []
    parts: dict[str, list] = {kind: [] for kind in KINDS}
    for fold in range(n_folds):
        yield Progress(0.6 * fold / n_folds, f"Comparing real and synthetic landslides: fold {fold + 1} of {n_folds}.")
        of_fold = lineage[lineage["fold"] == fold].reset_index(drop=True)
        if of_fold.empty:
            continue
        table, tests, null = _fold(run, FoldLandslides.of(run, dataset, fold), of_fold, group_of, options)
        tables.append(table)
        control.append(null)
        for kind, test in tests.items():
            parts[kind].append(test)
    table = pd.concat(tables, ignore_index=True)
    head, predicted = yield from _held_out(run, dataset, table, oof)
    yield Progress(0.95, "Summarising.")
    report: dict[str, Any] = {
        "run": run.name, "method": run.config().smote.method, "protocol": run.config().smote.protocol,
        "n_synthetic": len(lineage), "n": len(table), "folds": int(table["fold"].nunique()),
        "n_landslides": int((oof["label"] == 1).sum()), "options": options.model_dump(), "halvings": TIMES,
        "distance": {space: _distances(table, space, options.seed) for space in ("pixels", "embedding")},
        "detail": _detail(table, options.seed), "two_sample": _tests(parts, control, options.seed),
        "judged": _missed_shares(oof, table, predicted, head, group_of),
    }  # fmt: skip
    report |= {"verdict": verdict(report), "seconds": time.monotonic() - began}
    report["made"] = datetime.now(UTC).isoformat(timespec="seconds")
    results = run.results(ANALYSIS.name)
    results.write_table("patches", table)
    results.write_json("report.json", report)
    return {"message": report["verdict"]["sentence"], "level": report["verdict"]["level"]}


def read(run: RunFolder) -> Realism | None:
    """What was measured, or None before anybody asked."""
    results = run.results(ANALYSIS.name)
    return Realism(results.table("patches"), results.json("report.json")) if results.has("report.json") else None


def _held_out(
    run: RunFolder, dataset: Dataset, table: pd.DataFrame, oof: pd.DataFrame
) -> Steps[tuple[str, list[pd.DataFrame]]]:
    """The head, and what held-out models predict: a table a model; no table where every model has seen the parents."""
    head, n_folds = scoring_head(run), run.config().folds.n_splits
    predicted: list[pd.DataFrame] = []
    if run.config().smote.protocol != "inside_fold":
        return head, predicted
    fold_of = dict(zip(oof["id"].astype(str), oof["fold"].astype(int), strict=True))
    by_model = predict_held_out(run, dataset, assign_models(table, fold_of), head)
    for number in range(n_folds):
        yield Progress(0.6 + 0.35 * number / n_folds, "Asking the models that have not seen the parents.")
        if (answer := next(by_model, None)) is not None:
            predicted.append(answer[1])
    return head, predicted


def _groups(oof: pd.DataFrame) -> dict[str, str]:
    """Id -> group; where the run has none, each patch is one."""
    ids, groups = oof["id"].astype(str).to_numpy(), oof["group"].astype(str).to_numpy()
    return dict(zip(ids, np.where(groups == "", ids, groups), strict=True))


# ------------------------------------------------------------------------------------------------------ one fold


def _fold(
    run: RunFolder, real: FoldLandslides, lineage: pd.DataFrame, group_of: dict[str, str], options: RealismOptions
) -> tuple[pd.DataFrame, dict[str, Scored], Scored]:
    """A row a synthetic patch; the test by each kind of features; the same test of real against real."""
    rng = np.random.default_rng([options.seed, real.fold])
    kept = np.sort(rng.permutation(len(lineage))[: options.per_fold])
    rows = lineage.iloc[kept].reset_index(drop=True)
    anchor, neighbour = (real.at(rows[name].astype(str).tolist()) for name in ("anchor", "neighbour"))
    made = real.between(anchor, neighbour, rows["anchor_weight"].to_numpy(np.float32))
    parents, groups = np.stack([anchor, neighbour], axis=1), np.array([group_of.get(i, i) for i in real.ids.tolist()])
    detail_real, detail_made = fine_detail(real.patches), fine_detail(made)
    weight = rows["anchor_weight"].to_numpy()
    rows = rows.assign(
        group=groups[anchor],
        detail_kept=detail_kept(detail_made, detail_real[anchor], detail_real[neighbour], weight),
        detail_expected=detail_expected(weight),
        **_to_nearest(real, made, real.patches, parents, "pixels"),
    )
    features = {
        "statistics": np.concatenate([band_statistics(real.patches), band_statistics(made)]),
        "detail": np.log(np.concatenate([detail_real, detail_made]) + 1e-6),
    }
    of_made = _embedded(run, real.fold, len(lineage))
    if of_made is not None:
        known = run.embeddings(real.fold)["embeddings"]
        preparation = Preparation.fit(known, fold_rows(run, real.fold).train, run.config().embed.metric)
        of_real, of_made = preparation.rows(known[real.rows]), preparation.rows(of_made[kept])
        rows = rows.assign(**_to_nearest(real, of_made, of_real, parents, "embedding"))
        features["embedding"] = np.concatenate([of_real, of_made])
    kind = np.repeat([0, 1], [len(real.ids), len(rows)])
    both = np.concatenate([groups, groups[anchor]])
    rounds = halves(groups, parents, TIMES, options.seed)
    tests = {name: scored(values, kind, both, rounds) for name, values in features.items()}
    return rows, tests, _control(features["statistics"][: len(groups)], groups, options.seed)


def _embedded(run: RunFolder, fold: int, n: int) -> np.ndarray | None:
    """(M, D) embeddings of all of the fold's synthetic patches, in the order of the lineage; none in older runs."""
    found = (run.head_rows(fold) or {}).get("synthetic")
    return found if found is not None and len(found) == n else None


def _to_nearest(
    real: FoldLandslides, made: np.ndarray, known: np.ndarray, parents: np.ndarray, space: str
) -> dict[str, np.ndarray]:
    """Distances of synthetic patches to the nearest real one, with and without parents; of anchors to their nearest."""
    n, copies = len(known), real.copies
    nothing = np.zeros((len(made), n), bool)
    own = (copies[None] == copies[parents[:, 0]][:, None]) | (copies[None] == copies[parents[:, 1]][:, None])
    of_real = nearest_distance(known, known, copies[None] == copies[:, None])
    return {
        f"{space}_any": nearest_distance(made, known, nothing),
        f"{space}_others": nearest_distance(made, known, own),
        f"{space}_anchor": of_real[parents[:, 0]],
    }


def _control(features: np.ndarray, groups: np.ndarray, seed: int) -> Scored:
    """Real landslides against real landslides, split in two by a coin for each group: what chance looks like."""
    rng = np.random.default_rng([seed, 1])
    names, index = np.unique(groups, return_inverse=True)
    kind = (rng.random(len(names)) < 0.5)[index].astype(np.int8)
    return scored(features, kind, groups, halves(groups, np.zeros((0, 2), np.int64), TIMES, seed))


# ----------------------------------------------------------------------------------------------------- all folds


def _distances(table: pd.DataFrame, space: str, seed: int) -> dict[str, Any] | None:
    """Medians, and how far synthetics are from others than their parents, over how far real ones are from theirs."""
    if f"{space}_any" not in table:
        return None
    known = table.dropna(subset=[f"{space}_any", f"{space}_others", f"{space}_anchor"])
    if known.empty:
        return None
    ratio = known[f"{space}_others"] / np.maximum(known[f"{space}_anchor"], 1e-12)
    medians = {name: float(known[f"{space}_{name}"].median()) for name in ("any", "others", "anchor")}
    return medians | {"ratio": _median(ratio.to_numpy(), known["group"].to_numpy(), seed), "n": len(known)}


def _detail(table: pd.DataFrame, seed: int) -> dict[str, Any]:
    kept = table.dropna(subset=["detail_kept"])
    groups = kept["group"].to_numpy()
    low, high = np.quantile(kept["detail_kept"], [0.05, 0.95]) if len(kept) else (np.nan, np.nan)
    return {
        "kept": _median(kept["detail_kept"].to_numpy(), groups, seed), "q05": float(low), "q95": float(high),
        "expected": float(kept["detail_expected"].median()) if len(kept) else None, "n": len(kept),
    }  # fmt: skip


def _median(values: np.ndarray, groups: np.ndarray, seed: int) -> dict[str, Any]:
    """Median of numbers above 0 with its 95 % interval over whole groups."""
    if not len(values):
        return {"value": None, "interval": None}
    median = median_of(values, groups, N_BOOT, seed)
    if not np.isfinite(median.lo):
        return {"value": median.value, "interval": None}
    return {"value": median.value, "interval": [max(median.lo, 0.0), median.hi]}


def _tests(parts: dict[str, list[Scored]], control: list[Scored], seed: int) -> dict[str, dict]:
    found: dict[str, TwoSample] = {kind: judge(some, N_BOOT, seed) for kind, some in parts.items() if some}
    found["real_against_real"] = judge(control, N_BOOT, seed)
    return {name: asdict(one) for name, one in found.items()}


def _missed_shares(
    oof: pd.DataFrame, table: pd.DataFrame, predicted: list[pd.DataFrame], head: str, group_of: dict[str, str]
) -> dict[str, Any] | None:
    """Shares predicted as the other class: synthetic patches by the parents that the model has seen; real parents."""
    if not predicted:
        return None
    rows = pd.concat(predicted, ignore_index=True)
    shares: dict[str, Any] = {"head": head}
    for seen, words in SEEN.items():
        some = rows[rows["seen"] == seen]
        groups = some["anchor"].astype(str).map(lambda name: group_of.get(name, name)).to_numpy(str)
        shares[words] = missed_share(some["prob"].to_numpy(), some["pred"].to_numpy(), groups)
    used = oof[oof["id"].astype(str).isin({*table["anchor"].astype(str), *table["neighbour"].astype(str)})]
    groups = np.array([group_of[name] for name in used["id"].astype(str)])
    shares["real"] = missed_share(used[f"prob_{head}"].to_numpy(), used[f"pred_{head}"].to_numpy(), groups)
    return shares


ANALYSIS = Analysis(
    name="smote_realism",
    title="Realism of synthetic patches",
    summary="How close synthetic landslides are to real ones, how blurred, and whether models recognise them.",
    page="balance",
    view="realism",
    Options=RealismOptions,
    run=analyse,
    read=read,
)
