"""A scene is answered as its patches are, whatever the stripes; broken off anywhere, it ends with the same bytes."""

import hashlib

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from core.predict.patches import Ensemble
from core.predict.scene.inputs import SceneInput
from core.predict.scene.rasters import KINDS, PROBABILITY, UNSEEN, path_of
from core.predict.scene.scan import Scan, scan_scene
from core.predict.scene.windows import WindowGrid
from core.progress import drain
from tests.core.predict.scene.test_layers import at, raster

SHAPE = (90, 75)


@pytest.fixture(scope="module")
def ensemble(trained_run):
    return Ensemble.load(trained_run)


def scene_pixels(seed=0, shape=SHAPE):
    pixels = np.random.default_rng(seed).normal(100, 10, (3, *shape)).astype(np.float32)
    pixels[0, 20:34, 30:44] += 30
    return pixels


def scan_of(ensemble, folder, pixels, stride=16, clean=np.array, clouds=(), name="s", **options):
    path = raster(folder / f"{name}.tif", pixels, ("red", "green", "blue"), nodata=-9999, transform=at(5e5, 25e5))
    asked = SceneInput(scene=path, unit="0-255", clouds=clouds)
    stack = asked.stack("a run", ensemble.models[0].network.bands, [])
    windows = WindowGrid.over(pixels.shape[1:], ensemble.shape_hw, stride)
    return Scan(stack, windows, ensemble, folder / "stripes", clean, **options)


def answered(scan, out, tell=lambda step: None):
    found = drain(scan_scene(scan, out, 0.5, {}), tell)
    with rasterio.open(out) as file:
        probability = file.read(1)
    scan.forget()
    return probability, found


def digests(out):
    return [hashlib.sha256(path_of(kind, out).read_bytes()).hexdigest() for kind in KINDS]


def test_windows_are_answered_as_the_run_answers_for_patches(ensemble, tmp_path):
    pixels = scene_pixels()
    scan = scan_of(ensemble, tmp_path, pixels, stride=32)  # windows side by side, but for the last ones
    probability, found = answered(scan, tmp_path / "p.tif")
    rows, cols = scan.windows.rows, scan.windows.cols
    patches = np.stack([pixels[:, r : r + 32, c : c + 32] for r in rows for c in cols])
    expected = ensemble.fold_probs(patches)
    mean = expected.mean(axis=0).reshape(len(rows), len(cols))
    assert np.allclose(probability[:32, :32], mean[0, 0], atol=1e-6)
    assert np.allclose(probability[:26, :11], mean[0, 0], atol=1e-6) and found.n_answered == scan.windows.n_windows
    with rasterio.open(tmp_path / "p_disagreement.tif") as file:
        assert np.allclose(file.read(1)[:32, :32], expected[:, 0].std(), atol=1e-6)
    own = scan.windows.blended(mean[:, :, None], 0, 0, SHAPE[0])[0]
    assert np.allclose(probability, own, atol=1e-6)


def test_flips_may_be_asked_for_or_not(ensemble, tmp_path):
    pixels = scene_pixels(shape=(96, 80))  # windows lie alike when it is turned over
    plain, _ = answered(scan_of(ensemble, tmp_path, pixels, tta=False), tmp_path / "p.tif")
    mean, _ = answered(scan_of(ensemble, tmp_path, pixels, tta=True), tmp_path / "p.tif")
    turned, _ = answered(scan_of(ensemble, tmp_path, pixels[:, ::-1].copy(), tta=True), tmp_path / "p.tif")
    patch = pixels[None, :, :32, :32]
    of_patch = np.mean([1 / (1 + np.exp(-m.log_odds(patch, [ensemble.head], ensemble.rules, tta=True)[ensemble.head]))
                        for m in ensemble.models])  # fmt: skip
    scan = scan_of(ensemble, tmp_path, pixels[:, :32, :32].copy(), tta=True, name="t")
    assert np.allclose(answered(scan, tmp_path / "q.tif")[0], of_patch, atol=1e-6)
    assert np.abs(mean - plain).max() > 1e-4
    assert np.allclose(turned[::-1], mean, atol=1e-5)


def test_the_result_does_not_depend_on_the_height_of_the_stripes(ensemble, tmp_path):
    pixels = scene_pixels()
    pixels[:, 40:50, :20] = -9999
    results = [
        answered(scan_of(ensemble, tmp_path, pixels, stripe_rows=rows), tmp_path / "p.tif")
        for rows in (32, 50, 64, 200)
    ]
    for probability, found in results[1:]:
        assert np.allclose(probability, results[0][0], atol=1e-6, equal_nan=True)
        assert found.pixels["no data"] == results[0][1].pixels["no data"] == 200
        assert found.km2["no data"] == pytest.approx(results[0][1].km2["no data"])


@settings(max_examples=12)
@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 60), st.integers(1, 50), st.integers(1, 50)), max_size=4))
def test_no_data_stays_no_data_and_everything_else_has_an_answer_or_a_reason(ensemble, tmp_path_factory, holes):
    folder = tmp_path_factory.mktemp("holes")
    pixels = scene_pixels()
    for row, col, height, width in holes:
        pixels[:, row : row + height, col : col + width] = -9999
    hole = (pixels == -9999).all(axis=0)
    probability, found = answered(scan_of(ensemble, folder, pixels, stride=32), folder / "p.tif")
    with rasterio.open(path_of(UNSEEN, folder / "p.tif")) as file:
        codes = file.read(1)
    assert np.array_equal(codes == 1, hole) and np.isnan(probability[hole]).all()
    assert np.array_equal(np.isnan(probability), codes != 0)
    assert ((probability[codes == 0] > 0) & (probability[codes == 0] < 1)).all()
    assert found.pixels["all"] == hole.size and found.pixels["answered"] == (codes == 0).sum()
    assert found.n_missing == dict.fromkeys(("red", "green", "blue"), hole.sum())


def test_a_window_of_which_too_little_was_seen_has_no_answer(ensemble, tmp_path):
    pixels = scene_pixels()
    pixels[:, :60, :60] = -9999
    probability, found = answered(scan_of(ensemble, tmp_path, pixels, stride=32), tmp_path / "p.tif")
    assert np.isnan(probability[10, 70]) and np.isfinite(probability[80, 10])
    assert found.pixels["too little seen around it"] == 15 * 32 and found.n_answered == 4
    everything, _ = answered(scan_of(ensemble, tmp_path, pixels, stride=32, most_unseen=0.99), tmp_path / "q.tif")
    assert np.isfinite(everything[~np.isnan(probability)]).all() and np.isfinite(everything[10, 70])
    pixels[:] = -9999
    nothing, found = answered(scan_of(ensemble, tmp_path, pixels), tmp_path / "r.tif")
    assert np.isnan(nothing).all() and found.n_answered == 0 and found.pixels["answered"] == 0


def test_clouds_are_counted_apart(ensemble, tmp_path):
    pixels = scene_pixels()
    pixels[:, :10, :10] = -9999
    mask = np.zeros((1, *SHAPE), np.uint8)
    mask[0, 5:30, 5:30] = 1
    cloud = raster(tmp_path / "cloud.tif", mask, ("cloud",), transform=at(5e5, 25e5))
    probability, found = answered(scan_of(ensemble, tmp_path, pixels, clouds=(cloud,)), tmp_path / "p.tif")
    assert found.pixels["no data"] == 100 and found.pixels["cloud"] == 25 * 25 - 25
    assert found.km2["cloud"] == pytest.approx(600e-4, rel=1e-3) and np.isnan(probability[12, 12])


def test_broken_off_anywhere_it_ends_with_the_same_bytes(ensemble, tmp_path):
    pixels = scene_pixels(1)
    pixels[:, 30:44, :20] = -9999
    whole = scan_of(ensemble, tmp_path, pixels, stripe_rows=48, name="whole")
    steps = []
    answered(whole, tmp_path / "whole.tif", steps.append)
    expected = digests(tmp_path / "whole.tif")
    assert len(whole.stripes) == 3 and not any(step.event for step in steps)
    for stop in range(1, len(steps), 3):
        scan = scan_of(ensemble, tmp_path, pixels, stripe_rows=48, name="whole")
        broken = scan_scene(scan, tmp_path / "p.tif", 0.5, {})
        for _ in range(stop):
            next(broken)
        broken.close()
        kept = len(list(scan.folder.glob("stripe_*")))
        again = []
        answered(scan, tmp_path / "p.tif", again.append)
        assert digests(tmp_path / "p.tif") == expected, stop
        assert [step.event for step in again if step.event] == (["resumed"] if 0 < kept < 3 else [])
        assert len([step for step in again if "answered." in step.message]) == 2 * (3 - kept)
        (tmp_path / "p.tif").unlink()


def test_a_damaged_stripe_is_answered_again(ensemble, tmp_path):
    pixels = scene_pixels(1)
    scan = scan_of(ensemble, tmp_path, pixels, stripe_rows=48)
    drain(scan_scene(scan, tmp_path / "p.tif", 0.5, {}))
    expected = digests(tmp_path / "p.tif")
    stripe = scan.folder / "stripe_00001.safetensors"
    stripe.write_bytes(stripe.read_bytes()[:-7])
    drain(scan_scene(scan, tmp_path / "p.tif", 0.5, {}))
    assert digests(tmp_path / "p.tif") == expected


def test_the_rasters_are_cloud_optimized_on_the_grid_of_the_scene(ensemble, tmp_path):
    pixels = scene_pixels(2, (140, 1100))
    scan = scan_of(ensemble, tmp_path, pixels, stride=32)
    drain(scan_scene(scan, tmp_path / "p.tif", 0.5, {"RUN": "a run"}))
    for kind in KINDS:
        with rasterio.open(path_of(kind, tmp_path / "p.tif")) as made, rasterio.open(tmp_path / "s.tif") as scene:
            assert made.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and made.overviews(1)
            assert (made.crs, made.transform, made.shape) == (scene.crs, scene.transform, scene.shape)
            assert made.descriptions == (kind.description,) and made.tags()["RUN"] == "a run"
            assert made.dtypes == (kind.dtype,)
    assert not list(tmp_path.glob("*.aux.xml")) and not list(tmp_path.glob("*.ovr*"))
    assert PROBABILITY.ending == ""


def test_a_world_file_gives_the_grid_where_the_raster_has_none(ensemble, tmp_path):
    path = raster(
        tmp_path / "s.tif", scene_pixels(), ("red", "green", "blue"), crs=None, transform=rasterio.Affine.identity()
    )
    (tmp_path / "s.tfw").write_text("10\n0\n0\n-10\n500005\n2499995\n")
    stack = SceneInput(scene=path, unit="0-255").stack("a run", ensemble.models[0].network.bands, [])
    scan = Scan(stack, WindowGrid.over(SHAPE, (32, 32), 32), ensemble, tmp_path / "stripes", np.array)
    found = drain(scan_scene(scan, tmp_path / "p.tif", 0.5, {}))
    with rasterio.open(tmp_path / "p.tif") as made:
        assert made.transform == at(500_000, 2_500_000) and made.crs is None
    assert found.km2 is None and found.pixels["answered"] == 90 * 75


def test_a_turned_scene_or_one_without_a_place_keeps_its_grid(ensemble, tmp_path):
    turned = at(5e5, 25e5) @ rasterio.Affine.rotation(30)
    path = raster(tmp_path / "s.tif", scene_pixels(), ("red", "green", "blue"), transform=turned)
    stack = SceneInput(scene=path, unit="0-255").stack("a run", ensemble.models[0].network.bands, [])
    scan = Scan(stack, WindowGrid.over(SHAPE, (32, 32), 32), ensemble, tmp_path / "stripes", np.array)
    found = drain(scan_scene(scan, tmp_path / "p.tif", 0.5, {}))
    with rasterio.open(tmp_path / "p.tif") as made:
        assert np.allclose(made.transform, turned)
    assert found.km2["all"] == pytest.approx(90 * 75 * 1e-4, rel=2e-3)
