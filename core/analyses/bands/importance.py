"""Which bands a finished run needs: every band, group of bands and window replaced, on patches its folds have not seen.

For all patches as a job, whose tables and verdict are kept beside the run; for one patch at once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.config.sections import names_of
from core.data.store import Dataset
from core.explain.bands.replacements import Baseline
from core.explain.bands.tables import baseline_agreement, groups_by_id
from core.explain.bands.verdict import band_verdict
from core.progress import Progress, Steps
from core.runs.store import RunFolder

if TYPE_CHECKING:
    from core.explain.bands.occlusion import Windows
    from core.predict.perturbed_model import Patches, PerturbedModel

CHUNK = 128  # patches occluded between two reports of progress
TABLES = ("bands", "groups")


class OcclusionOptions(Options):
    """What is replaced, by what, in which patches."""

    baselines: tuple[Baseline, ...] = Field(
        get_args(Baseline), min_length=1, title="Replaced by", description="What stands in a band's place, in turn."
    )
    patches: Literal["landslides", "called", "all"] = Field(
        "called",
        title="Patches",
        description="landslides: labelled ones. called: those and all alarms. all: every patch with a score.",
    )
    spatial: int = Field(
        0, ge=0, le=2000, title="Patches with windows", description="Patches whose windows are replaced too, all folds."
    )
    window: int = Field(16, ge=2, le=256, title="Window (pixels)", description="Side of a window.")
    stride: int = Field(8, ge=1, le=256, title="Stride (pixels)", description="From one window to the next.")
    seed: int = Field(0, ge=0, title="Seed", description="Of what is drawn at random.")

    @field_validator("baselines", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)


@dataclass(frozen=True)
class BandImportance:
    """What was found. tables: bands, groups (a row a patch, replacement and band or group). report: verdicts by head.

    windows: patches whose windows were replaced (id, fold, p0, row) and the drops (n, rows, columns), or None.
    """

    tables: dict[str, pd.DataFrame]
    report: dict[str, Any]
    windows: tuple[pd.DataFrame, np.ndarray] | None


def analyse(run: RunFolder, options: OcclusionOptions) -> Steps[dict[str, Any]]:
    """Replace bands in the run's patches and keep what that costs.

    Raises RunError when the run has not finished or its dataset has changed.
    """
    from core.predict.perturbed_model import PerturbedModel, occlude_patches
    from core.predict.training_dataset import training_dataset

    began = time.monotonic()
    dataset, oof, n_folds = training_dataset(run), run.oof(), run.config().folds.n_splits
    bands, groups, maps = [], [], []
    for fold in range(n_folds):
        view = PerturbedModel.open(run, fold)
        facts = oof[oof["fold"] == fold].reset_index(drop=True)
        wanted = chosen(facts, view.heads[-1], options.patches)
        for start in range(0, len(wanted), CHUNK):
            rows = wanted[start : start + CHUNK]
            share = (fold + start / len(wanted)) / n_folds
            yield Progress(share, f"Bands of fold {fold + 1} of {n_folds}: {start:,} of {len(wanted):,} patches.")
            patches = view.read(dataset, facts, rows, options.seed + start)
            for baseline in view.different(options.baselines):
                by_band, by_group = occlude_patches(view, patches, baseline, view.groups)
                bands.append(by_band)
                groups.append(by_group)
        if options.spatial:
            most = -(-options.spatial // n_folds)
            rows = wanted[np.sort(np.random.default_rng(options.seed).permutation(len(wanted))[:most])]
            yield Progress((fold + 0.9) / n_folds, f"Windows of {len(rows)} patches of fold {fold + 1}.")
            maps.append(window_drops(view, view.read(dataset, facts, rows, options.seed), options))
    tables = {"bands": pd.concat(bands, ignore_index=True), "groups": pd.concat(groups, ignore_index=True)}
    report = _report(run, tables, view, dataset.positive, oof, options.baselines)
    report |= {"options": options.model_dump(mode="json"), "made": datetime.now(UTC).isoformat(timespec="seconds")}
    _write(run, tables, report | {"seconds": time.monotonic() - began}, maps)
    return {"message": report["verdicts"][view.heads[-1]]["supports"]}


def _write(
    run: RunFolder, tables: dict[str, pd.DataFrame], report: dict, maps: list[tuple[pd.DataFrame, np.ndarray]]
) -> None:
    """Windows that were looked at before stay where none come."""
    results = run.results(ANALYSIS.name)
    for name in TABLES:
        results.write_table(name, tables[name])
    if maps:
        index = pd.concat([index for index, _ in maps], ignore_index=True)
        results.write_arrays("windows", {"drops": np.concatenate([drops for _, drops in maps])})
        results.write_table("windows", index.assign(row=np.arange(len(index))))
    results.write_json("report.json", report)


def read(run: RunFolder) -> BandImportance | None:
    """What was found, or None before anybody looked."""
    results = run.results(ANALYSIS.name)
    if not results.has("report.json"):
        return None
    windows = None
    if results.has("windows.parquet"):
        windows = results.table("windows"), results.arrays("windows")["drops"]
    return BandImportance({name: results.table(name) for name in TABLES}, results.json("report.json"), windows)


def group_drops(run: RunFolder) -> pd.DataFrame:
    """Shapley shares by group of bands: this analysis's where it was done, otherwise the run's own.

    Raises RunError for a run that has neither.
    """
    found = read(run)
    return found.tables["groups"] if found else run.band_groups()


def chosen(facts: pd.DataFrame, head: str, patches: str) -> np.ndarray:
    """Rows of a fold's out-of-fold table whose bands are replaced."""
    landslide, called = (facts["label"] == 1).to_numpy(), (facts[f"pred_{head}"] == 1).to_numpy()
    wanted = {"landslides": landslide, "called": landslide | called, "all": np.ones(len(facts), bool)}
    return np.flatnonzero(wanted[patches])


# -------------------------------------------------------------------------------------------------- windows


def window_drops(
    view: PerturbedModel, patches: Patches, options: OcclusionOptions, baseline: str = "mean"
) -> tuple[pd.DataFrame, np.ndarray]:
    """Facts (id, label, fold, head, p0) and drops (n, rows, columns) of the headline head without each window."""
    from core.explain.bands.occlusion import Windows, occlude_windows

    images, other = view.prepared(patches, baseline)
    height, width = images.shape[2:]
    windows = Windows.over(height, width, _fitting(options.window, images), options.stride)
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

    ``options.spatial`` above 0 replaces windows too. Raises RunError for a patch that the run has not judged.
    """
    from core.explain.bands.occlusion import Windows
    from core.predict.perturbed_model import PerturbedModel, occlude_patches
    from core.predict.training_dataset import training_dataset

    began, options = time.monotonic(), options or OcclusionOptions()
    dataset, oof = dataset or training_dataset(run), run.oof()
    fold = run.fold_of(patch_id)
    view = view or PerturbedModel.open(run, fold)
    facts = oof[oof["fold"] == fold].reset_index(drop=True)
    row = np.flatnonzero(facts["id"].astype(str) == patch_id)
    patches = view.read(dataset, facts, row, options.seed)
    baselines = view.different(options.baselines)
    by_baseline = [occlude_patches(view, patches, baseline, view.groups) for baseline in baselines]
    bands, groups = (pd.concat(tables, ignore_index=True) for tables in zip(*by_baseline, strict=True))
    head = view.heads[-1]
    bands, groups = (table[table["head"] == head].reset_index(drop=True) for table in (bands, groups))
    windows = drops = cells = None
    if options.spatial:
        height, width = patches.images.shape[2:]
        windows = Windows.over(height, width, _fitting(options.window, patches.images), options.stride)
        drops = window_drops(view, patches, options)[1]
        cells, drops = windows.to_pixels(drops, height, width)[0], drops[0]
    bands = bands.assign(drop=bands["p0"] - bands["p_b"])
    seconds = time.monotonic() - began
    return PatchOcclusion(
        patch_id, head, fold, float(bands["p0"].iloc[0]), bands, groups, windows, drops, cells, seconds
    )


def on_patch(run: RunFolder, request: Mapping[str, Any], models: Any) -> dict[str, Any]:
    """:class:`PatchOcclusion` as plain values. request: ``patch`` (its id) and ``options``."""
    patch_id = str(request["patch"])
    options = ANALYSIS.options(request.get("options"))
    answer = occlude_patch(run, patch_id, options, models.view(run, run.fold_of(patch_id)))
    tables = {"bands": answer.bands.to_dict("list"), "groups": answer.groups.to_dict("list")}
    return vars(answer) | tables | {"windows": vars(answer.windows).copy() if answer.windows else None}


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


ANALYSIS = Analysis(
    name="band_importance",
    title="Band importance",
    summary="What each band, group of bands and window of pixels is worth to the model, on patches it has not seen.",
    page="explain",
    view="bands",
    Options=OcclusionOptions,
    run=analyse,
    read=read,
    on_patch=on_patch,
)
