"""A scene's map that was really made, and questions about it as the warm process answers them."""

import numpy as np
import pytest

from core.analyses.scene_map import ANALYSIS
from core.progress import drain
from core.workers.model_server import ModelCache, reply
from tests.core.analyses.test_scene import scene_file
from tests.trained_runs import copied


@pytest.fixture(scope="module")
def mapped(trained_run, tmp_path_factory):
    """A run, the name of its map of 160 x 160 pixels in cells of 40, and the scene; a corner was not seen."""
    home = tmp_path_factory.mktemp("mapped")
    run = copied(trained_run, home / "studio")
    pixels = np.random.default_rng(3).normal(100, 10, (3, 160, 160)).clip(1, 255).astype(np.uint8)
    pixels[0, 32:90, 32:90] += 80
    pixels[:, :40, 120:] = 0
    path = scene_file(home / "after.tif", pixels)
    value = drain(ANALYSIS.start(run, {"scene": str(path), "cell_m": 400, "prevalence": 0.1}), lambda step: None)
    return run, value["name"], path


def asked(mapped, do, **request):
    run, name, _ = mapped
    return reply({"do": do, "run": str(run.path), "map": name, **request}, ModelCache())
