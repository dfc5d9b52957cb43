"""What class folders are called changes no number of a training."""

import numpy as np
import pytest
from PIL import Image

from tests.builders import TINY
from tests.command_line import core_json
from tests.trained_runs import QUICK

pytestmark = pytest.mark.usefixtures("jobs_here")


def made(folder, positive, negative):
    rng = np.random.default_rng(0)
    for i in range(40):  # files of one name in both folders
        pixels = rng.integers(0, 120, (24, 24, 3)).astype(np.uint8)
        pixels[4:12, 4:12, 0] += (60 * (i % 2)) if i % 2 else 0
        path = folder / (positive if i % 2 else negative) / f"{i // 2:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.mark.slow
def test_the_same_patches_under_other_names_of_folders_give_the_same_numbers(tmp_path):
    numbers = []
    for positive, negative in (("landslide", "stable"), ("zzz", "aaa")):
        out = tmp_path / f"{positive}.h5"
        source = made(tmp_path / f"of_{positive}", positive, negative)
        core_json("ingest", "folders", source, "--out", out, "--positive", positive)
        settings = [part for setting in (*TINY, *QUICK, "explain.enabled=false") for part in ("--set", setting)]
        run = core_json("train", out, "--checkpoints", tmp_path / "runs", *settings)
        numbers.append((run["oof"], [fold["auc"] for fold in run["folds"]]))
    assert numbers[0] == numbers[1]
