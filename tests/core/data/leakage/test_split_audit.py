import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from benchmarks.planted_crops import planted
from core.data import demo
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.data.leakage.overlap import ssim
from core.data.leakage.parts import parts_by_bands
from core.data.leakage.shifted_crops import TURNS
from core.data.leakage.split_audit import cached_leaks, crossing, find_leaks, leaks_of, leaks_path
from core.data.store import DatasetWriter
from core.progress import drain


@pytest.fixture(scope="module")
def patches():
    """Simulated patches no two of which overlap."""
    made = demo.simulate(90, 5)
    return made.images[made.near_duplicate_of == ""][:80]


def pairs_of(table, *kinds):
    chosen = table[table["kind"].isin(kinds)] if kinds else table
    return {frozenset((int(a), int(b))) for a, b in zip(chosen["a"], chosen["b"], strict=True)}


@pytest.mark.fault(19)
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_shifted_crops_are_found_and_nothing_else(seed):
    made = planted(100, 40, seed)
    table, notes = drain(find_leaks(made.images))
    truth = {frozenset(pair) for pair in made.pairs}
    found = pairs_of(table)
    assert len(found & truth) >= 0.95 * len(truth) and len(found & truth) >= 0.95 * len(found)
    at = {(int(row.a), int(row.b)): (row.dy, row.dx) for row in table.itertuples()}
    assert np.mean([at.get(pair) == shift for pair, shift in made.shifts.items()]) >= 0.95
    assert set(table["kind"]) == {"shifted"} and notes == ()
    overlap = table["overlap"] - (1 - table["dy"].abs() / 64) * (1 - table["dx"].abs() / 64)
    assert overlap.abs().max() < 1e-12


def test_nothing_is_found_where_nothing_is(patches):
    assert drain(find_leaks(patches))[0].empty
    noise = np.random.default_rng(0).normal(size=(60, 3, 32, 32)).astype(np.float32)
    assert drain(find_leaks(noise))[0].empty


def test_identical_patches_are_paired_with_the_first_of_them(patches):
    images = np.concatenate([patches[:20], patches[[3, 3, 7]]])
    table, _ = drain(find_leaks(images))
    assert list(zip(table["a"], table["b"], table["kind"], strict=True)) == [
        ("3", "20", "identical"), ("3", "21", "identical"), ("7", "22", "identical"),
    ]  # fmt: skip


@pytest.mark.parametrize("turn", list(TURNS))
def test_flipped_and_turned_copies_are_found_with_the_way_back(patches, turn):
    images = np.concatenate([patches[:30], TURNS[turn](patches[[11]])])
    table, _ = drain(find_leaks(images))
    assert pairs_of(table, "near") == {frozenset((11, 30))} and len(table) == 1
    np.testing.assert_allclose(TURNS[table["turn"][0]](images[30]), images[11])


@pytest.mark.parametrize("change", ["noise", "brightness", "jpeg"])
def test_copies_with_other_values_are_found(patches, change):
    images = np.clip(patches[:40, :3] / 25, 0, 255)
    rng = np.random.default_rng(0)
    copy = images[4].copy()
    if change == "noise":
        copy += 0.05 * images.std(axis=(0, 2, 3))[:, None, None] * rng.standard_normal(copy.shape)
    elif change == "brightness":
        copy = 1.15 * copy + 6
    else:
        held = io.BytesIO()
        Image.fromarray(copy.astype(np.uint8).transpose(1, 2, 0)).save(held, "JPEG", quality=80)
        copy = np.asarray(Image.open(held)).transpose(2, 0, 1)
    table, _ = drain(find_leaks(np.concatenate([images, copy[None]]).astype(np.float32)))
    assert pairs_of(table) == {frozenset((4, 40))}


def test_empty_borders_of_one_shape_make_no_pair(patches):
    images = patches[:30].copy()
    for k in range(12):
        images[k, :, :, : 20 + k] = np.nan
    assert drain(find_leaks(images))[0].empty
    images[20:24] = np.nan
    images[24, 2, 5, 5], images[25, 3] = np.nan, np.inf
    assert drain(find_leaks(images))[0].empty


@pytest.mark.fault(19)
def test_blends_are_found_with_parents_and_weight(patches):
    rng = np.random.default_rng(2)
    a, b = np.arange(0, 20), np.arange(20, 40)
    weight = rng.uniform(0.15, 0.85, 20).astype(np.float32)
    w = weight[:, None, None, None]
    table, _ = drain(find_leaks(np.concatenate([patches, w * patches[a] + (1 - w) * patches[b]])))
    children = table[table["kind"] == "synthetic"]
    right = 0
    for k in range(20):
        mine = children[children["b"] == str(len(patches) + k)].set_index("a")
        if set(mine.index) == {str(a[k]), str(b[k])}:
            assert mine.loc[str(a[k]), "weight"] == pytest.approx(weight[k], abs=0.01)
            assert mine.loc[str(a[k]), "partner"] == str(b[k])
            right += 1
    assert right >= 19 and not set(children["b"].astype(int)) & set(range(len(patches)))
    assert pairs_of(table, "near", "shifted", "identical") == set()


def test_small_patches_are_only_compared_by_hash():
    images = np.random.default_rng(0).normal(size=(9, 3, 8, 8)).astype(np.float32)
    images[5] = images[2]
    table, notes = drain(find_leaks(images))
    assert table["kind"].tolist() == ["identical"] and "8 x 8 pixels are too small" in notes[0]


@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_patches_without_any_contrast_make_no_pair(n):
    flat = np.broadcast_to(np.arange(n)[:, None, None, None] % 3, (n, 3, 32, 32)).astype(np.float32)
    assert drain(find_leaks(flat))[0].empty
    if n:
        ramp = np.linspace(0, 1, 32) * np.random.default_rng(0).uniform(1, 100, (n, 3, 1, 1))
        assert drain(find_leaks(np.broadcast_to(ramp, (n, 3, 32, 32)).astype(np.float32)))[0].empty


def test_patches_that_are_wider_than_high(patches):
    images = np.ascontiguousarray(patches[:24, :, 8:56])
    crop = np.concatenate([patches[3][:, 8:56, 14:], patches[40][:, 8:56, :14]], axis=2)
    table, _ = drain(find_leaks(np.concatenate([images, crop[None]])))
    assert pairs_of(table, "shifted") == {frozenset((3, 24))} and (table["dy"][0], table["dx"][0]) == (0, 14)


def test_ssim_over_the_overlap_is_scikit_images():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 23, 31))
    b = a + 0.3 * rng.normal(size=a.shape)
    expected = structural_similarity(a, b, channel_axis=0, data_range=1.82)
    assert ssim(a, b) == pytest.approx(expected, abs=1e-9)
    assert np.isnan(ssim(a[:, :5], b[:, :5]))


def test_what_was_found_is_kept_beside_the_dataset_for_its_content(tmp_path, patches):
    def made(images):
        with DatasetWriter(
            tmp_path / "x.h5", bands=ZINDI_BANDS, shape_hw=(64, 64), class_names=("a", "b"), source=""
        ) as writer:
            writer.append(images, np.arange(len(images)) % 2, [f"p{k}" for k in range(len(images))])
            return writer.finish()

    dataset = made(np.concatenate([patches[:20], patches[[4]]]))
    assert cached_leaks(dataset) is None
    shares = []
    first = drain(leaks_of(dataset), lambda progress: shares.append(progress.share))
    assert shares == sorted(shares) and shares[-1] == 1.0
    again = cached_leaks(dataset)
    pd.testing.assert_frame_equal(first.pairs, again.pairs)
    assert again.pairs[["a", "b"]].to_numpy().tolist() == [["p4", "p20"]] and again.n == 21
    assert cached_leaks(made(patches[:20])) is None  # other content
    leaks_path(dataset.path).write_text("{")
    assert cached_leaks(dataset) is None


@pytest.mark.fault(19)
def test_crossing_names_both_parts_and_passes_over_the_unknown():
    pairs = pd.DataFrame({"a": ["p", "p", "q"], "b": ["q", "r", "s"], "kind": "near"})
    found = crossing(pairs, {"p": 0, "q": 1, "r": 0})
    assert found[["a", "b", "part_a", "part_b"]].to_numpy().tolist() == [["p", "q", 0, 1]]


def test_the_same_patches_give_the_same_pairs(patches):
    images = np.concatenate([patches[:30], patches[[2]] * 1.01, TURNS["transposed"](patches[[8]])])
    pd.testing.assert_frame_equal(drain(find_leaks(images))[0], drain(find_leaks(images.copy()))[0])


def test_rgb_bytes_are_compared_too(tmp_path, patches):
    images = np.clip(patches[:24, :3] / 25, 0, 255).astype(np.uint8)
    with DatasetWriter(
        tmp_path / "x.h5", bands=RGB_BANDS, shape_hw=(64, 64), class_names=("a", "b"), source="", dtype=np.uint8
    ) as writer:
        writer.append(np.concatenate([images, images[[5]][..., ::-1]]), np.arange(25) % 2, [str(k) for k in range(25)])
        dataset = writer.finish()
    assert pairs_of(drain(leaks_of(dataset)).pairs, "near") == {frozenset((5, 24))}


@pytest.mark.skipif("LANDSLIDE_REAL_DATA" not in os.environ, reason="LANDSLIDE_REAL_DATA names no folder of real data")
def test_real_crops_that_overlap_are_found_and_agree_pixel_by_pixel():
    files = sorted((Path(os.environ["LANDSLIDE_REAL_DATA"]) / "chittagong-s2-4band" / "patches64").glob("*.npy"))
    images = np.stack([np.load(file) for file in files]).transpose(0, 3, 1, 2)
    table, _ = drain(find_leaks(images))
    assert len(table) > 300 and set(table["kind"]) == {"shifted"}
    for row in table.itertuples():
        a, b = images[int(row.a)], images[int(row.b)]
        left = a[:, max(row.dy, 0) : 64 + min(row.dy, 0), max(row.dx, 0) : 64 + min(row.dx, 0)]
        right = b[:, max(-row.dy, 0) : 64 + min(-row.dy, 0), max(-row.dx, 0) : 64 + min(-row.dx, 0)]
        np.testing.assert_array_equal(left, right)


def test_patches_that_lack_bands_are_compared_in_those_that_both_have(patches):
    images = patches[:24].copy()
    noise = np.random.default_rng(0).normal(0, 0.02, images[3].shape)
    images[20] = images[3] + noise * images[3].std(axis=(1, 2), keepdims=True)
    images[21, :, :, :-6], images[21, :, :, -6:] = images[5, :, :, 6:], images[6, :, :, :6]
    whole = pairs_of(drain(find_leaks(images))[0])
    assert {frozenset((3, 20)), frozenset((5, 21))} <= whole
    images[:12, 8:] = np.nan  # the ascending orbit is missing in one half, the descending one in the other
    images[12:, 4:8] = np.nan
    images[0, 0, :8], images[13, 2] = np.nan, np.inf
    table, notes = drain(find_leaks(images))
    assert pairs_of(table) == whole and not notes


def test_no_way_of_lacking_bands_stops_the_search(patches):
    images = patches[:16].copy()
    images[:, 3] = np.nan  # in all patches
    images[15] = images[2]
    assert pairs_of(drain(find_leaks(images))[0]) == {frozenset((2, 15))}
    rng = np.random.default_rng(0)
    for patch in images:
        patch[rng.permutation(12)[:4]] = np.nan
    _, notes = drain(find_leaks(images))
    assert len(notes) == 1 and "combinations of bands were not compared" in notes[0]
    images[:] = np.nan
    assert drain(find_leaks(images))[0].empty


def test_parts_hold_every_two_patches_with_a_common_band():
    rng = np.random.default_rng(1)
    kinds = rng.random((5, 6)) < 0.6
    seen = kinds[rng.integers(5, size=40)]
    parts, left_out = parts_by_bands(seen)
    together = np.zeros((40, 40), bool)
    for rows, bands in parts:
        assert seen[rows][:, bands].all()
        together[np.ix_(rows, rows)] = True
    common = (seen[:, None] & seen[None]).any(axis=2)
    np.fill_diagonal(common, False)
    assert left_out == 0 and together[common].all()
    assert [rows.tolist() for rows, _ in parts_by_bands(np.ones((3, 2), bool))[0]] == [[0, 1, 2]]
