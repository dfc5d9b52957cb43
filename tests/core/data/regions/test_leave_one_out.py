"""Leave-one-region-out: no region is trained on in the fold that it is judged in, nor what belongs to it elsewhere."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import FoldsConfig, RunConfig, preset
from core.data.bands import RGB_BANDS
from core.data.fold_drawing import draw_folds
from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.footprints import HEIGHT, WIDTH, metres_per_degree, nearest
from core.data.leakage.split_audit import COLUMNS
from core.data.regions.leave_one_out import (
    MOST,
    belonging,
    columns_of_regions,
    region_names,
    regions_of,
    resolved,
    with_regions,
)
from core.data.store import DatasetWriter
from core.errors import ConfigError, FoldError
from core.flow.run_context import prepare
from core.jobs import queue
from core.runs.labels import title_of
from core.runs.store import create_run
from tests.builders import make_patches

NO_PAIRS = pd.DataFrame(columns=list(COLUMNS))
BY_SOURCE = FoldsConfig(region="source")


def made(path, sources, labels=None, groups=None, lonlat=None, columns=None, images=None):
    """A dataset with the column ``source``; images: (N, 3, H, W), else noise of 4 x 4 pixels."""
    n = len(sources)
    labels = np.arange(n) % 2 if labels is None else labels
    columns = {"source": list(sources)} | (columns or {})
    if lonlat is not None:
        columns |= {WIDTH: np.full(n, 100.0), HEIGHT: np.full(n, 100.0)}
    if images is None:
        images = np.random.default_rng(0).normal(size=(n, 3, 4, 4)).astype(np.float32)
    with DatasetWriter(
        path / "made.h5", bands=RGB_BANDS, shape_hw=images.shape[2:], class_names=("a", "b"), source=""
    ) as writer:  # fmt: skip
        writer.append(
            images, np.asarray(labels, np.int8), [f"p{k:03d}" for k in range(n)], groups=groups, lonlat=lonlat,
            columns=columns,
        )  # fmt: skip
        return writer.finish()


def pair(a, b, kind="near"):
    row = dict.fromkeys(COLUMNS, np.nan) | {"a": f"p{a:03d}", "b": f"p{b:03d}", "kind": kind}
    return pd.DataFrame([row], columns=list(COLUMNS))


def drawn_of(data, config=BY_SOURCE, pairs=NO_PAIRS, **more):
    return draw_folds(data, data.labels, config, 0, pairs, **more)


def test_each_region_is_a_fold_in_alphabetical_order_and_the_unlabelled_are_in_none(tmp_path):
    labels = [0, 1, 0, 1, 0, 1, -1, -1]
    data = made(tmp_path, ["nepal", "nepal", "bijie", "bijie", "chile", "chile", "chile", "peru"], labels)
    drawn = drawn_of(data)
    assert drawn.folds.fold_of.tolist() == [2, 2, 0, 0, 1, 1, -1, -1]
    assert drawn.folds.n_splits == 3 and drawn.folds.grouped
    assert drawn.folds.train(2).tolist() == [2, 3, 4, 5] and drawn.folds.val(2).tolist() == [0, 1]
    told = " ".join(drawn.notes)
    assert "a fold for each of 3 regions: bijie 2 patches (1 positive)" in told
    assert "Fewer than 10 patches of a class in bijie, chile, nepal" in told


def test_as_many_folds_as_regions_whatever_n_splits_says(tmp_path):
    data = made(tmp_path, ["a"] * 4 + ["b"] * 4 + ["c"] * 4)
    config = preset("small").with_overrides(["folds.region=source"])
    assert config.folds.n_splits == 5
    assert resolved(data, data.labels, config).folds.n_splits == 3
    assert with_regions(data.path, config).folds.n_splits == 3
    assert resolved(data, data.labels, RunConfig()) == RunConfig()


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(2, 6), st.integers(0, 1000))
def test_no_region_lies_on_both_sides_and_every_labelled_patch_is_judged_once(tmp_path_factory, data, n, seed):
    rng = np.random.default_rng(seed)
    sizes = data.draw(st.lists(st.integers(2, 9), min_size=n, max_size=n))
    sources = np.repeat([f"r{k}" for k in range(n)], sizes)
    labels = np.concatenate([np.arange(size) % 2 for size in sizes])
    labels[rng.random(len(labels)) < 0.2] = -1
    order = rng.permutation(len(sources))
    made_of = made(tmp_path_factory.mktemp("r"), sources[order], labels[order])
    groups = rng.integers(0, 4, len(sources)).astype(str)  # groups across regions
    object.__setattr__(made_of, "groups", groups)
    try:
        folds = drawn_of(made_of, FoldsConfig(region="source", rare_regions="join")).folds
    except FoldError:
        return
    judged = np.concatenate([folds.val(k) for k in range(folds.n_splits)])
    assert sorted(judged) == np.flatnonzero(made_of.labels >= 0).tolist()
    for k in range(folds.n_splits):
        train, val = folds.train(k), folds.val(k)
        assert not set(sources[order][train]) & set(sources[order][val])
        assert not set(groups[train]) & set(groups[val])
        assert len(np.unique(made_of.labels[train])) == 2


def test_patches_of_one_group_or_the_same_ground_in_another_region_are_left_out_of_training(tmp_path):
    sources = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    images = np.random.default_rng(1).normal(size=(12, 3, 4, 4)).astype(np.float32)
    images[8] = images[4]  # p008 of c is p004 of b
    groups = [f"g{k}" for k in range(12)]
    groups[5] = "g1"  # p005 of b belongs with p001 of a
    data = made(tmp_path, sources, groups=groups, images=images)
    drawn = drawn_of(data, pairs=pair(0, 9), hashes=patch_hashes(data.images()))
    left = [set(rows.tolist()) for rows in drawn.folds.left_out]
    assert left == [{5, 9}, {1, 8}, {0, 4}]
    assert drawn.groups[8] == drawn.groups[4] and drawn.groups[5] == drawn.groups[1]
    assert any("Left out of the training part of each fold: 2 patches" in note for note in drawn.notes)
    with pytest.raises(FoldError, match="1 pair of patches that show the same ground lie in different regions"):
        drawn_of(data, BY_SOURCE.model_copy(update={"on_leak": "refuse"}), pair(0, 9))
    ignored = drawn_of(data, BY_SOURCE.model_copy(update={"on_leak": "ignore"}), pair(0, 9)).folds
    assert [rows.tolist() for rows in ignored.left_out] == [[5], [1], []]


@pytest.mark.parametrize("buffer_m", [0.0, 150.0, 350.0])
def test_no_training_patch_lies_within_the_buffer_of_the_region(tmp_path, buffer_m):
    n = 24  # a line of touching squares of 100 m; the regions meet at every eighth
    per_lon, _ = metres_per_degree(10.0)
    lonlat = np.stack([5.0 + np.arange(n) * 100.0 / per_lon, np.full(n, 10.0)], axis=1)
    data = made(tmp_path, np.repeat(["a", "b", "c"], 8), lonlat=lonlat)
    drawn = drawn_of(data, FoldsConfig(region="source", buffer_m=buffer_m))
    for k in range(3):
        val, train = (drawn.ground.rows(rows) for rows in (drawn.folds.val(k), drawn.folds.train(k)))
        assert (nearest(val, train, buffer_m)[0] > buffer_m).all() or not buffer_m
    gone = {0.0: 0, 150.0: 2, 350.0: 4}[buffer_m]  # gaps are 0, 100, 200 m and so on, to the edge
    assert [len(rows) for rows in drawn.folds.left_out] == ([gone, 2 * gone, gone] if gone else [])
    plain = made(tmp_path, ["a"] * 4 + ["b"] * 4)
    with pytest.raises(ConfigError, match="needs the places of patches"):
        drawn_of(plain, FoldsConfig(region="source", buffer_m=10.0))


def test_what_cannot_be_is_told_with_the_way_out(tmp_path):
    data = made(tmp_path, ["a"] * 4 + ["b"] * 4, columns={"one": ["x"] * 8, "kind": [str(k % 2) for k in range(8)]})
    with pytest.raises(ConfigError, match="no column 'land'. Columns here: kind, one, source"):
        drawn_of(data, FoldsConfig(region="land"))
    with pytest.raises(FoldError, match="at least two regions with labelled patches; the column 'one' .* names x"):
        drawn_of(data, FoldsConfig(region="one"))
    with pytest.raises(FoldError, match="0, 1 hold one class only.*rare_regions=join"):
        drawn_of(data, FoldsConfig(region="kind"))
    with pytest.raises(FoldError, match="no region but 0, 1 holds both classes"):
        drawn_of(data, FoldsConfig(region="kind", rare_regions="join"))
    with pytest.raises(ConfigError, match="folds.grouped=false draws folds at random"):
        preset("small").with_overrides(["folds.region=source", "folds.grouped=false"])
    assert columns_of_regions(data) == ("source",)
    with pytest.raises(FoldError, match="fold 1 would have 0 positive"):  # all patches of a class belong together
        drawn_of(made(tmp_path, ["a"] * 4 + ["b"] * 4, groups=["g", "h"] * 4))


def test_rare_regions_are_refused_or_judged_together(tmp_path):
    sources = ["a"] * 4 + ["b"] * 6 + ["only ones"] * 2 + [""] * 2
    data = made(tmp_path, sources, [0, 1, 0, 1, *[0, 1] * 3, 1, 1, 1, 1])
    with pytest.raises(FoldError, match="only ones holds one class only.*2 labelled patches have no value of it"):
        regions_of(data, data.labels, BY_SOURCE)
    joined = regions_of(data, data.labels, FoldsConfig(region="source", rare_regions="join"))
    assert joined.names[0] == "b" and joined.names[1].startswith("other regions (")  # a lends them its other class
    assert joined.fold_of.tolist() == [1] * 4 + [0] * 6 + [1] * 4


def test_more_regions_than_folds_can_be(tmp_path):
    sizes = [4] * 22 + [2]
    data = made(tmp_path, np.repeat([f"r{k:02d}" for k in range(23)], sizes))
    with pytest.raises(FoldError, match="there are 23 regions, and at most 20 folds"):
        regions_of(data, data.labels, BY_SOURCE)
    joined = regions_of(data, data.labels, FoldsConfig(region="source", rare_regions="join"))
    assert len(joined.names) == MOST and (joined.fold_of == MOST - 1).sum() == 3 * 4 + 2
    assert columns_of_regions(data) == ()


def test_columns_with_usual_names_come_first_and_numbers_are_read_too(tmp_path):
    n = 12
    data = made(
        tmp_path, ["a", "a", "b", "b"] * 3,
        columns={"zone": [f"z{k // 4}" for k in range(n)], "event_year": np.repeat([2015.0, np.nan, 2018.0], 4)},
    )  # fmt: skip
    assert columns_of_regions(data) == ("source", "zone")
    few = made(tmp_path, [*["a", "b"] * 20, "one class"], [*np.arange(40) // 2 % 2, 0])
    assert columns_of_regions(few) == ("source",)  # the last is no fold of its own, and is joined
    assert set(region_names(data, "event_year")) == {"2015.0", "", "2018.0"}


def test_belonging_by_hand():
    groups = np.array(["g", "h", "g", "k", "h"])
    pairs = np.array([[3, 4]])
    assert belonging(np.array([0, 1, 3]), np.array([2, 4]), groups, pairs).tolist() == [0, 1, 3]
    assert belonging(np.array([0, 1, 3]), np.array([2]), None, pairs).tolist() == []


def test_a_run_has_as_many_folds_as_regions_in_its_record_too(tmp_path):
    images, labels = make_patches(24)
    data = made(tmp_path, np.repeat(["a", "b", "c"], 8), labels, images=images)
    config = preset("demo").with_overrides(["folds.region=source", "device=cpu"])
    run = create_run(tmp_path / "checkpoints", config, data.path, "x")
    context = prepare(run)
    assert config.folds.n_splits == 5 and context.config.folds.n_splits == run.config().folds.n_splits == 3
    assert run.folds()["n_splits"] == 3 and run.folds()["folds"][1] == [f"p{k:03d}" for k in range(8, 16)]
    assert any("a fold for each of 3 regions" in note for note in context.notes)
    assert title_of(run).split(" · ")[0].endswith("leave-one-source-out")
    with pytest.raises(ConfigError, match="has no column 'land'"):  # at once, not in the worker
        queue.submit(tmp_path / "checkpoints", data.path, config.with_overrides(["folds.region=land"]))
