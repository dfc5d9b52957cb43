"""Counts by class add up, shares carry the interval that SciPy gives, and class pixels are those of the class."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from core.data.bands import RGB_BANDS
from core.data.by_class import BINS, balance, describe_classes, drawn_rows, parts
from core.data.store import DatasetWriter


def made(path, images, labels, nodata=None, **optional):
    with DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=images.shape[2:], class_names=("other", "landslide"), source="", nodata=nodata
    ) as writer:
        writer.append(images, labels, [f"p{i}" for i in range(len(labels))], **optional)
        return writer.finish()


def test_balance_counts_every_patch_once_and_puts_the_largest_first():
    table = balance(np.array([1, 0, 0, -1, 1, 0]), np.array(["a", "a", "b", "b", "b", "b"]))
    assert table["value"].tolist() == ["b", "a"] and table["patches"].tolist() == [4, 2]
    assert table[["positive", "negative", "unlabelled"]].to_numpy().tolist() == [[1, 2, 1], [1, 1, 0]]
    assert table["share"].tolist() == pytest.approx([1 / 3, 1 / 2])


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (1, 3), (180, 1000)])
def test_the_interval_is_wilsons(k, n):
    row = balance(np.repeat([1, 0], [k, n - k]), np.full(n, "a")).iloc[0]
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (row["share"], row["low"], row["high"]) == pytest.approx((k / n, expected.low, expected.high), abs=1e-6)


def test_patches_of_one_scene_count_as_alike():
    labels, scenes = np.tile([1] * 8 + [0] * 8, 5), np.repeat(np.arange(10), 8).astype(str)
    alone, alike = (balance(labels, np.full(80, "a"), groups).iloc[0] for groups in (None, scenes))
    assert alike["share"] == alone["share"] and alike["high"] - alike["low"] > 2 * (alone["high"] - alone["low"])


def test_a_value_without_labels_has_no_share():
    assert np.isnan(balance(np.array([-1, -1]), np.array(["a", "a"]))["share"][0])


def test_patches_are_counted_by_what_tells_them_apart(tmp_path):
    n = 100
    rng = np.random.default_rng(0)
    data = made(
        tmp_path / "d.h5", rng.normal(size=(n, 3, 2, 2)), np.arange(n) % 2,
        groups=[f"g{i // 4}" for i in range(n)], split=["train"] * 60 + [""] * 40,
        columns={
            "sensor": ["a", "b"] * 50, "name": [f"n{i}" for i in range(n)], "cloud": np.arange(n, dtype=float),
            "same": ["x"] * n, "hollow": np.full(n, np.nan),
        },
    )  # fmt: skip
    found = parts(data)
    assert list(found) == ["split", "group", "cloud", "sensor"]
    assert set(found["split"]) == {"train", "not stated"} and len(set(found["group"])) == 25
    counts = balance(data.labels, found["cloud"])["patches"]
    assert len(counts) == BINS and counts.sum() == n and counts.max() <= 21


def test_the_same_seed_draws_the_same_patches_of_the_class_only():
    labels = np.arange(50) % 3 - 1
    rows = drawn_rows(labels, 1, 8, seed=3)
    assert (labels[rows] == 1).all() and len(set(rows.tolist())) == 8 and (np.diff(rows) > 0).all()
    assert rows.tolist() == drawn_rows(labels, 1, 8, seed=3).tolist() != drawn_rows(labels, 1, 8, seed=4).tolist()
    assert len(drawn_rows(labels, 1, 999, seed=0)) == (labels == 1).sum()


def test_class_pixels_leave_out_what_holds_no_data(tmp_path):
    images = np.zeros((4, 3, 1, 2), np.float32)
    images[0] = [[[1, 2]], [[10, 20]], [[5, 5]]]
    images[1] = [[[3, 0]], [[30, 0]], [[5, 0]]]  # its second pixel holds no data
    images[2:] = 7
    images[3, 0, 0, 0] = np.nan
    pixels = describe_classes(made(tmp_path / "d.h5", images, np.array([1, 1, 0, 0]), nodata=0.0))
    of = pixels.quantiles.set_index(["band", "label"])
    assert of.loc[("red", 1), ["n_patches", "n_pixels", "q50", "mean"]].tolist() == [2, 3, 2.0, 2.0]
    assert of.loc[("red", 0), "n_pixels"] == 3 and of.loc[("green", 0), "q99"] == 7
    assert pixels.means[1][0].tolist() == [[2.0, 2.0]] and pixels.n == {1: 2, 0: 2}


def test_a_class_is_drawn_no_further_than_memory_allows(tmp_path, monkeypatch):
    monkeypatch.setattr("core.data.by_class.MOST_BYTES", 4 * 3 * 4 * 2)
    images = np.random.default_rng(0).normal(size=(10, 3, 2, 2))
    assert describe_classes(made(tmp_path / "d.h5", images, np.arange(10) % 2)).n == {1: 2, 0: 2}
