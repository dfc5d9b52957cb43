import os
from pathlib import Path

import numpy as np
import pytest

from core.data.clouds.network import CLEAR, CLOUD, SHADOW, UNSEEN, CloudNetwork, file_of, require
from core.data.clouds.reflectance import coarser
from core.errors import MissingDependencyError
from tests.core.data.clouds.made_network import install

real = pytest.mark.skipif(file_of("l1c") is None, reason="ukis-csmask is not installed (requirements-clouds.txt)")


@pytest.mark.skipif(file_of("l1c") is not None, reason="ukis-csmask is installed")
def test_without_the_package_the_command_that_installs_it_is_named():
    with pytest.raises(MissingDependencyError, match="ukis-csmask 1.0.0.*pip install -r requirements-clouds.txt"):
        require("l1c")


def test_another_version_is_refused(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, known=False)
    with pytest.raises(MissingDependencyError, match="is not version 1.0.0"):
        CloudNetwork("l2a")


@pytest.mark.parametrize("shape", [(1, 1), (22, 22), (256, 200), (193, 400)])
def test_each_pixel_is_answered_where_it_lies_whatever_the_size(tmp_path, monkeypatch, shape):
    install(tmp_path, monkeypatch)
    blue = np.random.default_rng(0).uniform(0, 0.6, shape).astype(np.float32)
    coarse = np.stack([blue, *np.full((3, *shape), 0.2, np.float32)])
    coarse[2, -1, -1] = np.nan
    expected = np.select([blue > 0.4, blue < 0.05], [CLOUD, SHADOW], CLEAR)
    expected[-1, -1] = UNSEEN
    near = (np.abs(blue - 0.4) < 1e-4) | (np.abs(blue - 0.05) < 1e-4)
    found = CloudNetwork("l2a").classes(coarse)
    assert found.dtype == np.uint8 and np.array_equal(found[~near], expected[~near])


@real
def test_it_finds_the_real_clouds_of_landslide4sense_and_leaves_real_landslides_alone():
    folder = os.environ.get("LANDSLIDE_REAL_DATA")
    if not folder:
        pytest.skip("LANDSLIDE_REAL_DATA is not set")
    import h5py

    from core.data.bands import LANDSLIDE4SENSE_BANDS
    from core.data.clouds.reflectance import NEEDED, factors

    names = [band.name for band in LANDSLIDE4SENSE_BANDS]
    scale = factors(LANDSLIDE4SENSE_BANDS, "x")[:, None, None]
    network, shares, masks = CloudNetwork("l1c"), {}, {}
    for name in ("1", "2"):
        root = Path(folder) / "landslide4sense-h5-labelled-2"
        with h5py.File(root / "img" / f"image_{name}.h5") as file:
            bands = file["img"][()].transpose(2, 0, 1)[[names.index(one) for one in NEEDED]]
        with h5py.File(root / "mask" / f"mask_{name}.h5") as file:
            masks[name] = file["mask"][()].astype(bool)
        found = network.classes(coarser(bands * scale, 3)[0])
        shares[name] = (found == CLOUD).mean(), (found == SHADOW).mean()
        fine = found.repeat(3, axis=0).repeat(3, axis=1)[:128, :128]
        assert (fine[masks[name]] == CLOUD).mean() < 0.02, "bare landslides are no clouds to it"
    assert shares["1"][0] < 0.01 and 0.05 < shares["2"][0] < 0.12 and shares["2"][1] > 0.1
