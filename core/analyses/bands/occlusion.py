"""Which bands a finished run needs: every band, group of bands and window replaced, on patches its folds have not seen.

Comes in: a finished run and its dataset, or one of its patches. Goes out: tables and a verdict in the run folder, or
the answer for that patch at once. It wires stages, as ``core.flow.scoring`` does, and trains nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from core.data.store import Dataset
from core.errors import ConfigError, RunError
from core.explain.bands.occlusion import Windows, occlude_windows
from core.explain.bands.replacements import BASELINES
from core.explain.bands.tables import baseline_agreement, groups_by_id
from core.explain.bands.verdict import band_verdict
from core.flow.run_context import Step
from core.predict.perturbed_model import Patches, PerturbedModel, occlude_patches
from core.predict.training_dataset import training_dataset
from core.runs.store import RunFolder

CHUNK = 128  # patches occluded between two reports of progress
Which = Literal["landslides", "called", "all"]


@dataclass(frozen=True)
class OcclusionOptions:
    """What is computed. patches: labelled landslides, with those called landslide, or all that were judged.

    spatial: patches, over all folds, whose windows are occluded too; ``window`` and ``stride`` in pixels.
    """

    baselines: tuple[str, ...] = tuple(BASELINES)
    patches: Which = "called"
    spatial: int = 0
    window: int = 16
    stride: int = 8
    seed: int = 0


def study_occlusion(
    run: RunFolder, options: OcclusionOptions | None = None, device: Any | None = None
) -> Iterator[Step]:
    """Occlude the run's patches and write ``RunFolder.band_study``; the last step tells the verdict.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for unknown replacements.
    """
    options, began = options or OcclusionOptions(), time.monotonic()
    if unknown := [name for name in options.baselines if name not in BASELINES]:
        raise ConfigError(f"A band cannot be replaced by '{unknown[0]}'. Known: {', '.join(BASELINES)}.")
    dataset, oof, n_folds = training_dataset(run), run.oof(), run.config().folds.n_splits
    bands, groups, maps = [], [], []
    for fold in range(n_folds):
        view = PerturbedModel.open(run, fold, device)
        facts = oof[oof["fold"] == fold].reset_index(drop=True)
        wanted = chosen(facts, view.heads[-1], options.patches)
        for start in range(0, len(wanted), CHUNK):
            rows = wanted[start : start + CHUNK]
            share = (fold + start / len(wanted)) / n_folds
            text = f"Bands of fold {fold + 1} of {n_folds}: {start:,} of {len(wanted):,} patches."
            yield Step("occlusion", share, text, fold=fold, n_folds=n_folds)
            patches = view.read(dataset, facts, rows, options.seed + start)
            for baseline in view.different(options.baselines):
                found = occlude_patches(view, patches, baseline, view.groups)
                bands.append(found[0])
                groups.append(found[1])
        if options.spatial:
            most = -(-options.spatial // n_folds)
            rows = wanted[np.sort(np.random.default_rng(options.seed).permutation(len(wanted))[:most])]
            yield Step("occlusion", (fold + 0.9) / n_folds, f"Windows of {len(rows)} patches of fold {fold + 1}.")
            maps.append(window_drops(view, view.read(dataset, facts, rows, options.seed), options))
    tables = {"bands": pd.concat(bands, ignore_index=True), "groups": pd.concat(groups, ignore_index=True)}
    report = _report(run, tables, view, dataset.positive, oof, options.baselines) | {"options": asdict(options)}
    report |= {"made": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": time.monotonic() - began}
    spatial = None
    if maps:
        index = pd.concat([one[0] for one in maps], ignore_index=True)
        spatial = index.assign(row=np.arange(len(index))), np.concatenate([one[1] for one in maps])
    run.write_band_study(tables, report, spatial)
    yield Step("done", 1.0, report["verdicts"][view.heads[-1]]["supports"], event="occlusion")


def chosen(facts: pd.DataFrame, head: str, patches: Which) -> np.ndarray:
    """Rows of a fold's out-of-fold table that are occluded."""
    landslide, called = (facts["label"] == 1).to_numpy(), (facts[f"pred_{head}"] == 1).to_numpy()
    wanted = {"landslides": landslide, "called": landslide | called, "all": np.ones(len(facts), bool)}
    if patches not in wanted:
        raise ConfigError(f"'{patches}' names no patches. Choose one of {', '.join(wanted)}.")
    return np.flatnonzero(wanted[patches])


# -------------------------------------------------------------------------------------------------- windows


def window_drops(
    view: PerturbedModel, patches: Patches, options: OcclusionOptions, baseline: str = "mean"
) -> tuple[pd.DataFrame, np.ndarray]:
    """Facts (id, label, fold, head, p0) and drops (n, rows, columns) of the headline head without each window."""
    images, other = view.prepared(patches, baseline)
    windows = Windows.over(*images.shape[2:], _fitting(options.window, images), options.stride)
    p0, after = occlude_windows(view.predict, images, other, windows, view.batch_size, view.model.device)
    facts = patches.facts.assign(head=view.heads[-1], baseline=baseline, p0=p0[:, -1], window=windows.size)
    return facts, (p0[:, None, None, -1] - after[..., -1]).astype(np.float32)


def _fitting(window: int, images: np.ndarray) -> int:
    return min(window, *images.shape[2:])


# ------------------------------------------------------------------------------------------------ one patch


@dataclass(frozen=True)
class PatchOcclusion:
    """What one patch loses, by the headline head of the fold that has not seen it.

    bands: a row a baseline and band (p_b, drop). groups: a row a baseline and group (shapley, p_without, p_only).
    windows: where windows stood, and drops (rows, columns) without each; cells (H, W) the same by pixel; none where
    they were not asked for. head, fold, p0: who answered, and what before.
    """

    id: str
    head: str
    fold: int
    p0: float
    bands: pd.DataFrame
    groups: pd.DataFrame
    windows: Windows | None
    drops: np.ndarray | None
    cells: np.ndarray | None
    seconds: float


def occlude_patch(
    run: RunFolder,
    patch_id: str,
    options: OcclusionOptions | None = None,
    view: PerturbedModel | None = None,
    dataset: Dataset | None = None,
) -> PatchOcclusion:
    """One patch of the run, at once; view (of its fold) and dataset: where they are loaded already.

    ``options.spatial`` above 0 occludes windows too. Raises RunError for a patch that the run has not judged.
    """
    began, options = time.monotonic(), options or OcclusionOptions()
    dataset, oof = dataset or training_dataset(run), run.oof()
    mine = oof[oof["id"].astype(str) == patch_id]
    if mine.empty:
        raise RunError(f"Run '{run.name}' has not judged a patch named '{patch_id}'. Choose one of its own.")
    fold = int(mine["fold"].iloc[0])
    view = view or PerturbedModel.open(run, fold)
    facts = oof[oof["fold"] == fold].reset_index(drop=True)
    row = np.flatnonzero(facts["id"].astype(str) == patch_id)
    patches = view.read(dataset, facts, row, options.seed)
    baselines = view.different(options.baselines)
    found = [occlude_patches(view, patches, baseline, view.groups) for baseline in baselines]
    bands, groups = (pd.concat(tables, ignore_index=True) for tables in zip(*found, strict=True))
    head = view.heads[-1]
    bands, groups = (table[table["head"] == head].reset_index(drop=True) for table in (bands, groups))
    windows = drops = cells = None
    if options.spatial:
        size = patches.images.shape[2:]
        windows = Windows.over(*size, _fitting(options.window, patches.images), options.stride)
        drops = window_drops(view, patches, options)[1]
        cells, drops = windows.to_pixels(drops, *size)[0], drops[0]
    bands = bands.assign(drop=bands["p0"] - bands["p_b"])
    seconds = time.monotonic() - began
    return PatchOcclusion(
        patch_id, head, fold, float(bands["p0"].iloc[0]), bands, groups, windows, drops, cells, seconds
    )


# ------------------------------------------------------------------------------------------------ all folds


def _report(
    run: RunFolder,
    tables: dict[str, pd.DataFrame],
    view: PerturbedModel,
    positive: str,
    oof: pd.DataFrame,
    baselines: Sequence[str],
) -> dict[str, Any]:
    groups = groups_by_id(oof)
    return {
        "run": run.name,
        "head": view.heads[-1],
        "positive": positive,
        "groups": [group.to_dict() for group in view.groups],
        "n_subsets": 2 ** len(view.groups),
        "n": int(tables["bands"]["id"].nunique()),
        "same": [name for name in baselines if name not in view.different(baselines)],
        "replaced": "after normalisation" if view.normalised else "in the bands' units",
        "verdicts": {head: band_verdict(tables["groups"], head, groups, positive=positive).to_dict()
                     for head in view.heads},
        "agreement": {head: baseline_agreement(tables["bands"], head, groups).to_dict("records")
                      for head in view.heads},
    }  # fmt: skip
