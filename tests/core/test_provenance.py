import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from core import __version__
from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter
from core.doctor import REQUIRED
from core.provenance import LIBRARIES, collect


@pytest.fixture
def dataset(tmp_path):
    images = np.random.default_rng(0).normal(100, 20, size=(4, 3, 4, 4)).astype(np.float32)
    images[0, 1, 0, :3] = np.nan
    images[1, :, 2, 2] = 0.0  # no data
    options = dict(bands=RGB_BANDS, shape_hw=(4, 4), class_names=("stable", "landslide"), source="made", nodata=0.0)
    with DatasetWriter(tmp_path / "a.h5", **options) as writer:
        writer.append(images, [0, 1, 0, 1], list("abcd"))
        return writer.finish()


def test_what_is_done_about_missing_values_is_recorded_with_their_number_by_band(dataset):
    """FAULTS 12."""
    missing = collect(dataset, RunConfig(), "cpu")["missing"]
    assert missing["policy"].startswith("Imputed: ")
    assert missing["bands"]["green"] == {"n_nonfinite": 3, "n_nodata": 1}
    assert missing["bands"]["red"] == {"n_nonfinite": 0, "n_nodata": 1}


def test_a_run_names_its_data_code_and_seed(dataset):
    found = collect(dataset, RunConfig(seed=7), "cpu")
    assert found["dataset"]["content_hash"] == dataset.content_hash and found["dataset"]["n"] == 4
    assert found["seed"] == 7 and found["config_hash"] == RunConfig(seed=7).hash() and found["device"]["used"] == "cpu"
    assert found["libraries"]["numpy"] == np.__version__


def test_the_libraries_of_maps_and_export_are_named_and_asked_for():
    maps = {"rasterio", "pyproj", "shapely", "pyogrio", "onnx", "onnxruntime"}
    assert maps <= set(LIBRARIES) and maps <= set(REQUIRED)


def test_the_version_is_one_in_package_project_and_changelog():
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    released = re.findall(r"^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$", (root / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert project["version"] == __version__ == released[0]
