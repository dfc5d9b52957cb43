"""Trainings of one recipe: runs on the same data whose settings differ in nothing but seeds, and what they spread."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from core.config import RunConfig
from core.errors import LandslideLensError
from core.runs.store import RunFolder

LUCK = ("seed", "device")  # settings that leave a recipe what it is; and the seed of the folds


def repeated(config: RunConfig, n: int, new_folds: bool = False) -> list[RunConfig]:
    """N configurations of one recipe, the given one first: other weights and batches, on the same folds.

    new_folds: every repeat draws folds of its own too.
    """
    configs = [config]
    for i in range(1, n):
        fold_seed = config.fold_seed + (i if new_folds else 0)
        configs.append(config.with_overrides([f"seed={config.seed + i}", f"folds.seed={fold_seed}"]))
    return configs


def recipe_of(run: RunFolder, any_folds: bool = False) -> str:
    """Hex digest of what a run's repeats share: its dataset's content and its settings without seeds and device.

    any_folds: of what runs share that may differ in the way of splitting too.
    """
    settings = json.loads(run.config().to_json())
    for key in LUCK:
        settings.pop(key, None)
    settings["folds"].pop("seed", None)
    if any_folds:
        settings.pop("folds")
    content = run.provenance()["dataset"]["content_hash"]
    return hashlib.sha256(json.dumps([content, settings], sort_keys=True).encode()).hexdigest()


def repeats_of(run: RunFolder, runs: Iterable[RunFolder]) -> list[RunFolder]:
    """The finished runs of the same recipe with other seeds among ``runs``, and the run itself first."""
    own, found, seeds = recipe_of(run), [run], {_seeds(run)}
    for other in runs:
        if other.name == run.name or not _is_repeat(other, own):
            continue
        if (seed := _seeds(other)) not in seeds:  # the very same training, made twice, says nothing new
            seeds.add(seed)
            found.append(other)
    return found


def spread(runs: Iterable[RunFolder], head: str | None = None) -> dict[str, Any]:
    """F1 and AUC over the trainings of a recipe: by metric values, mean, sd, min, max; n. None where undefined."""
    entries = [(summary := run.summary())["heads"][head or summary["head"]] for run in runs]
    found: dict[str, Any] = {"n": len(entries)}
    for metric in ("f1", "auc"):
        values = np.array([np.nan if entry[metric] is None else entry[metric] for entry in entries], float)
        found[metric] = {
            "values": values.tolist(), "mean": float(values.mean()), "min": float(values.min()),
            "max": float(values.max()), "sd": float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
        }  # fmt: skip
    return found


def _is_repeat(run: RunFolder, recipe: str) -> bool:
    try:
        return run.status()["state"] == "succeeded" and recipe_of(run) == recipe
    except (LandslideLensError, OSError, KeyError, TypeError):
        return False  # a damaged folder is no repeat of anything


def _seeds(run: RunFolder) -> tuple[int, int]:
    config = run.config()
    return config.seed, config.fold_seed
