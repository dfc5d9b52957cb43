"""A studio of many patches for benchmarks of the pages: a dataset file and a finished run, their contents made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.config import preset
from core.data.bands import ZINDI_BANDS
from core.data.demo import simulate
from core.data.store import DatasetWriter
from core.review.judgements import Judgements
from core.runs.store import RunFolder, datasets_path
from tests.builders import make_run

SIMULATED, BATCH = 1200, 400  # patches that the others are made from; written at once
SPLITS = 5
HEADS = (
    "heads.svm_C=[4.0,2.0,1.0,0.75,0.5,0.25,0.1,0.05,0.01]"  # with the others and those on band statistics: 14 heads
)


def write_patches(path: Path, n: int, seed: int = 0) -> None:
    """``n`` patches (12, 64, 64) float32 with masks, groups and columns: simulated ones, turned, and with noise."""
    rng, base = np.random.default_rng(seed), simulate(min(n, SIMULATED), seed)
    spread = base.images.std(axis=(0, 2, 3), keepdims=True)[0]
    facts = {"cloud_share": base.cloud_share, "scenario": base.scenario, "scar_share": base.scar_share}
    writer = DatasetWriter(
        path, bands=ZINDI_BANDS, shape_hw=base.images.shape[2:], class_names=("other", "landslide"),
        source="Simulated, and repeated with noise; no place on Earth looks like this.",
    )  # fmt: skip
    with writer:
        for start in range(0, n, BATCH):
            rows = np.arange(start, min(start + BATCH, n))
            of, turn = rows % len(base.ids), rows // len(base.ids)
            images, masks = base.images[of], base.masks[of]
            for quarter in range(4):
                these = turn % 4 == quarter
                images[these] = np.rot90(images[these], quarter, (2, 3))
                masks[these] = np.rot90(masks[these], quarter, (1, 2))
            noise = rng.normal(size=images.shape).astype(np.float32)
            images += np.where(turn > 0, 0.1, 0.0)[:, None, None, None].astype(np.float32) * spread * noise
            writer.append(
                images, base.labels[of], [f"P{row:06d}" for row in rows],
                groups=[f"{base.groups[one]}_{copy}" for one, copy in zip(of, turn, strict=True)], masks=masks,
                columns={name: values[of] for name, values in facts.items()},
            )  # fmt: skip
        writer.finish()


def make_studio(checkpoints: Path, n: int) -> RunFolder:
    """A dataset of ``n`` patches in ``checkpoints`` and a finished run of 5 folds and 14 heads; one in 25 judged."""
    path = datasets_path(checkpoints) / "many.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_patches(path, n)
    config = preset("demo").with_overrides([f"folds.n_splits={SPLITS}", HEADS])
    run = make_run(checkpoints, path, config=config)
    judgements = Judgements(path)
    for patch_id in run.oof()["id"][::25]:
        judgements.add("patch", patch_id, "not", "Ada")
    return run
