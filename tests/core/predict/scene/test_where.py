"""The raster of the mask heads: what they draw in each window, blended, with the same bytes after a break."""

import hashlib

import numpy as np
import pytest
import rasterio

from core.errors import ConfigError
from core.predict.patches import Ensemble
from core.predict.scene.rasters import WHERE, WITH_WHERE, path_of
from core.predict.scene.scan import scan_scene
from core.predict.scene.windows import WindowGrid, WindowSum
from core.progress import drain
from tests.core.analyses.test_scene import answered, scene_file
from tests.core.predict.scene.test_scan import scan_of

SHAPE = (75, 60)


@pytest.fixture(scope="module")
def ensemble(outlined_run):
    return Ensemble.load(outlined_run, "cpu")


def pixels(seed=0):
    found = np.random.default_rng(seed).normal(100, 10, (3, *SHAPE)).astype(np.float32)
    found[0, 30:41, 25:36] += 30
    return found


def drawn(scan, out):
    drain(scan_scene(scan, out, 0.5, {}))
    with rasterio.open(path_of(WHERE, out)) as file:
        assert file.nodata is not None and np.isnan(file.nodata) and file.tags()["AREA_OR_POINT"] == "Area"
        return file.read(1)


def test_windows_side_by_side_are_what_the_folds_draw(ensemble, tmp_path):
    scan = scan_of(ensemble, tmp_path, pixels()[:, :64, :32].copy(), stride=32, where=True)
    found = drawn(scan, tmp_path / "p.tif")
    for top in (0, 32):
        patch = pixels()[None, :, top : top + 32, :32]
        mean = np.mean([model.outlines(patch)[0] for model in ensemble.models], axis=0)
        assert np.allclose(found[top : top + 32], mean, atol=1e-5)


def test_what_is_bright_is_drawn_and_what_was_not_seen_is_not(ensemble, tmp_path):
    scene = pixels()
    scene[:, :, 50:] = np.nan
    found = drawn(scan_of(ensemble, tmp_path, scene, stride=8, where=True), tmp_path / "p.tif")
    assert np.isnan(found[:, 50:]).all() and np.isfinite(found[:, :50]).all()
    assert 0 <= np.nanmin(found) and np.nanmax(found) <= 1
    top = np.unravel_index(np.nanargmax(found), SHAPE)
    assert 28 <= top[0] <= 42 and 23 <= top[1] <= 37
    assert found[32:39, 27:34].mean() > 3 * np.nanmean(found)


def test_it_ends_with_the_same_bytes_after_a_break_and_hardly_depends_on_the_stripes(ensemble, tmp_path):
    def digests(out):
        return [hashlib.sha256(path_of(kind, out).read_bytes()).hexdigest() for kind in WITH_WHERE]

    whole = scan_of(ensemble, tmp_path, pixels(), stripe_rows=40, name="whole", where=True)
    first = drawn(whole, tmp_path / "p.tif")
    before = digests(tmp_path / "p.tif")
    whole.forget()
    steps = scan_scene(whole, tmp_path / "p.tif", 0.5, {})
    while len(list(whole.folder.glob("stripe_*"))) < 2:
        next(steps)
    steps.close()
    drain(scan_scene(whole, tmp_path / "p.tif", 0.5, {}))
    assert digests(tmp_path / "p.tif") == before and len(whole.stripes) > 2
    other = scan_of(ensemble, tmp_path, pixels(), stripe_rows=200, name="other", where=True)
    assert np.allclose(drawn(other, tmp_path / "q.tif"), first, atol=1e-5)


def test_stripes_without_it_are_answered_again_when_it_is_wanted(ensemble, tmp_path):
    plain = scan_of(ensemble, tmp_path, pixels(), name="s")
    drain(scan_scene(plain, tmp_path / "p.tif", 0.5, {}))
    assert not path_of(WHERE, tmp_path / "p.tif").exists()
    assert np.isfinite(drawn(scan_of(ensemble, tmp_path, pixels(), name="s", where=True), tmp_path / "p.tif")).all()


def test_maps_are_blended_as_answers_are():
    """A map that is the same everywhere is blended like an answer."""
    grid = WindowGrid.over((40, 40), (16, 16), 8)
    answers = np.random.default_rng(0).random((len(grid.rows), len(grid.cols)))
    total = WindowSum((40, 40), (16, 16))
    corners = [(row, col) for row in grid.rows for col in grid.cols]
    maps = np.broadcast_to(answers.reshape(-1, 1, 1), (len(corners), 16, 16))
    for k in range(2):  # two models that say the same
        total.add(corners, maps, 2, first=k == 0)
    values, weights = total.sums
    assert np.allclose(values / weights, grid.blended(answers[:, :, None], 0, 0, 40)[0], atol=1e-5)


def test_an_analysis_writes_it_where_the_run_has_a_mask_head(outlined_run_copy, trained_run, tmp_path):
    scene = scene_file(tmp_path / "s.tif")
    value = answered(outlined_run_copy, scene, tmp_path / "p.tif")
    assert value["where"] == str(tmp_path / "p_where.tif") and (tmp_path / "p_where.tif").is_file()
    without = answered(outlined_run_copy, scene, tmp_path / "q.tif", where=False)
    assert without["where"] is None and not (tmp_path / "q_where.tif").exists()
    with rasterio.open(tmp_path / "p.tif") as one, rasterio.open(tmp_path / "q.tif") as two:
        assert np.array_equal(one.read(1), two.read(1))
    with pytest.raises(ConfigError, match="has no mask head.*small stride"):
        answered(trained_run, scene, tmp_path / "r.tif", where=True)
