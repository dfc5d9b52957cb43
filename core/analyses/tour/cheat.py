"""Catch the cheat: scores that are high although nothing was learnt about landslides, and what gives them away.

Two cheats, both made here so that the truth is known. Labels that are pure noise, with synthetic patches made before
the folds are drawn: the score is high and means nothing. And pictures whose size in the source tells the label, as in a
public dataset (FACTS: width and height alone give AUC 0.81 on Bijie): the files tell it, whatever they show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.data.bands import bands_named
from core.progress import Progress, Steps
from core.runs.job_folder import now
from core.runs.targets import CheckpointsTarget

NAME = "tour_cheat"
DRAWS, NOISE_N = 5, 700
PICTURES, POSITIVE_SHARE = 600, 0.28  # as many landslides among the pictures as Bijie has
# Side of the source pictures in pixels, mean and spread: landslides were cut out around each, the others on a grid.
SIDES = {1: (290.0, 80.0), 0: (230.0, 60.0)}


class CheatOptions(Options):
    """How often noise is drawn, and which pictures."""

    draws: int = Field(
        DRAWS, ge=2, le=50, title="Draws", description="Datasets of pure noise; from 2 on with interval."
    )
    n: int = Field(NOISE_N, ge=200, le=5000, title="Patches of noise", description="In each draw.")
    seed: int = Field(0, ge=0, title="Seed", description="The same seed gives the same noise and pictures.")


def analyse(target: CheckpointsTarget, options: CheatOptions) -> Steps[dict[str, Any]]:
    """Draw noise, place SMOTE in three ways, and look for the label in the sizes of made-up pictures."""
    from core.analyses.smote.audit import noise_labels

    rows = []
    for k in range(options.draws):
        yield Progress(0.8 * k / options.draws, f"Noise, draw {k + 1} of {options.draws}.")
        found = noise_labels(options.seed + k, options.n)
        rows.append({"seed": options.seed + k, **found["f1"], "f1_all_positive": found["f1_all_positive"]})
    table = pd.DataFrame(rows)
    yield Progress(0.8, "Looking for the label in the sizes of pictures.")
    results = target.results(NAME)
    pictures = made_pictures(options.seed)
    betrayals = told_by_size(pictures, results.path)
    results.write_table("noise", table)
    results.write_table("pictures", pictures)
    size = next(row for row in betrayals.rows if row.name == "size")
    report = {
        "made": now(), "draws": options.draws, "n": options.n,
        "noise": {name: over_draws(table[name]) for name in ("folds_over_all", "before_folds", "inside_fold")},
        "f1_all_positive": float(table["f1_all_positive"].mean()),
        "size": {"auc": size.auc, "lo": size.lo, "hi": size.hi, "p": size.p, "n": size.n},
        "n_pictures": len(pictures), "n_landslides": int(pictures["label"].sum()),
    }  # fmt: skip
    results.write_json("report.json", report)
    return {"message": sentence(report), **report}


def over_draws(values: pd.Series) -> dict[str, float]:
    """Mean of several draws with the 95 % interval of that mean (Student's t), within 0 and 1; ``n`` draws."""
    from scipy.special import stdtrit

    mean, n = float(values.mean()), len(values)
    reach = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / n**0.5)
    return {"value": mean, "lo": max(0.0, mean - reach), "hi": min(1.0, mean + reach), "n": n}


def made_pictures(seed: int = 0, n: int = PICTURES) -> pd.DataFrame:
    """Made-up picture files: id, label (1: landslide), width and height in pixels before they were resized to 64."""
    rng = np.random.default_rng([seed, 4])
    label = rng.permutation((np.arange(n) < round(POSITIVE_SHARE * n)).astype(np.int8))
    sides = np.empty((n, 2))
    for value, (mean, spread) in SIDES.items():
        rows = label == value
        sides[rows] = rng.normal(mean, spread, size=(int(rows.sum()), 2))
    width, height = np.clip(np.round(sides), 64, 800).astype(int).T
    return pd.DataFrame(
        {"id": [f"picture_{i:04d}" for i in range(n)], "label": label, "width": width, "height": height}
    )


def told_by_size(pictures: pd.DataFrame, folder: Path) -> Any:
    """What the check of files (``core.data.shortcuts.betrayed``) says of these pictures, which show grey alone."""
    from core.data.shortcuts.betrayed import betrayed
    from core.data.store import DatasetWriter

    folder.mkdir(parents=True, exist_ok=True)
    path, n = folder / "pictures.h5", len(pictures)
    with DatasetWriter(
        path, bands=bands_named(["red", "green", "blue"]), shape_hw=(8, 8), class_names=("other", "landslide"),
        source="Made up: grey pictures, of which the size in the source tells the label.", licence="CC0",
        facts={"simulated": True},
    ) as writer:  # fmt: skip
        grey = np.full((n, 3, 8, 8), 128, np.float32) + np.arange(n, dtype=np.float32)[:, None, None, None] / n
        files = {name: pictures[name].to_numpy(float) for name in ("width", "height")}
        writer.append(grey, pictures["label"].to_numpy(), pictures["id"].tolist(), files=files)
        data = writer.finish()
    return betrayed(data, data.labels)


def sentence(report: dict[str, Any]) -> str:
    """Both cheats, with their intervals."""
    noise, size = report["noise"]["folds_over_all"], report["size"]
    return (
        f"On labels that mean nothing, SMOTE before the folds reaches F1 {noise['value']:.2f} "
        f"({noise['lo']:.2f}–{noise['hi']:.2f}); the size of the pictures alone tells the label with AUC "
        f"{size['auc']:.2f} ({size['lo']:.2f}–{size['hi']:.2f})."
    )


def read(target: CheckpointsTarget) -> dict[str, Any] | None:
    """The report, or None before anybody asked."""
    results = target.results(NAME)
    return results.json("report.json") if results.has("report.json") else None


ANALYSIS = Analysis(
    name=NAME,
    title="Catch the cheat",
    summary="High scores that mean nothing: SMOTE before the folds on noise, and pictures whose size tells the label.",
    page="tour",
    view="cheat",
    target="checkpoints",
    Options=CheatOptions,
    run=analyse,
    read=read,
    needs_device=False,
)
