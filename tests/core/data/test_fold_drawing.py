"""Folds over ground that overlaps: nothing that is judged shares ground with what is learnt from."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import FoldsConfig
from core.data.bands import RGB_BANDS
from core.data.fold_drawing import draw_folds
from core.data.folds import Folds, make_folds, training_ids
from core.data.leakage.duplicates import patch_hashes
from core.data.leakage.footprints import HEIGHT, WIDTH, footprints, metres_per_degree, nearest, overlaps
from core.data.leakage.ground_between import sentence
from core.data.leakage.split_audit import COLUMNS, find_leaks, leaks_of
from core.data.store import DatasetWriter
from core.errors import ConfigError, FoldError
from core.progress import drain

SIDE_M = 640.0
NO_PAIRS = pd.DataFrame(columns=list(COLUMNS))


def scene(path, n=12, stride=0.5, groups="one", on_earth=True, labels=None, seed=0):
    """A scene of n x n tiles of 64 px, each ``stride`` of a side from the next, as an import would leave it."""
    rng = np.random.default_rng(seed)
    row, col = (axis.ravel() for axis in np.mgrid[:n, :n])
    step = stride * SIDE_M
    per_lon, per_lat = metres_per_degree(42.7)
    lonlat = np.stack([141.9 + col * step / per_lon, 42.7 - row * step / per_lat], axis=1)
    columns = {"image": ["scene"] * n * n, "row": row * round(64 * stride), "col": col * round(64 * stride)}
    if on_earth:
        columns |= {WIDTH: np.full(n * n, SIDE_M), HEIGHT: np.full(n * n, SIDE_M)}
    labels = (rng.random(n * n) < 0.3).astype(np.int8) if labels is None else labels
    writer = DatasetWriter(
        path / "scene.h5", bands=RGB_BANDS, shape_hw=(64, 64), class_names=("a", "b"), source="",
        facts={"patches_from_masks": {"tile": 64}},
    )  # fmt: skip
    with writer:
        images = rng.normal(size=(n * n, 3, 64, 64)).astype(np.float32)
        writer.append(
            images, labels, [f"t{r:02d}_{c:02d}" for r, c in zip(row, col, strict=True)],
            groups=["scene"] * n * n if groups == "one" else groups, lonlat=lonlat if on_earth else None,
            columns=columns,
        )  # fmt: skip
        return writer.finish()


def shared(drawn):
    """The largest share of ground of any judged patch with a training patch of its fold."""
    folds, worst = drawn.folds, 0.0
    for fold in range(folds.n_splits):
        val, train = drawn.ground.rows(folds.val(fold)), drawn.ground.rows(folds.train(fold))
        worst = max(worst, nearest(val, train, 0.0)[1].max())
    return worst


@pytest.mark.parametrize("on_earth", [True, False])
@pytest.mark.parametrize("group_by", ["groups", "block"])
def test_overlapping_tiles_of_one_scene_are_drawn_into_honest_folds(tmp_path, on_earth, group_by):
    data = scene(tmp_path, on_earth=on_earth)
    drawn = draw_folds(data, data.labels, FoldsConfig(group_by=group_by), 0, NO_PAIRS)
    assert sorted(np.concatenate([drawn.folds.val(k) for k in range(5)])) == list(range(144))
    assert shared(drawn) == 0.0 and drawn.record()["overlap"] == 0.0 and drawn.by_place
    for k in range(5):
        out = drawn.folds.left_out[k]
        assert len(out) and len(out) + len(drawn.folds.train(k)) + len(drawn.folds.val(k)) == 144
        assert len(np.unique(data.labels[drawn.folds.train(k)])) == 2
    told = " ".join(drawn.notes)
    low, high = (f(map(len, drawn.folds.left_out)) for f in (min, max))
    assert f"{low} to {high} patches that share ground" in told if low != high else f": {low} patches" in told
    assert ("squares of ground" in told) == (group_by == "groups")


def test_without_it_most_judged_tiles_share_ground_and_the_record_says_so(tmp_path):
    data = scene(tmp_path)
    drawn = draw_folds(data, data.labels, FoldsConfig(group_by="block", block_km=1.0, on_leak="ignore"), 0, NO_PAIRS)
    record = drawn.record()
    assert record["overlap_20"] > 0.5 and record["within"][0]["distance"] == SIDE_M and not drawn.folds.left_out
    assert f"{record['overlap']:.0%} share ground" in sentence(record)
    assert "n/a" in sentence(None)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([0.25, 0.5, 0.75, 1.0]), st.sampled_from([0.0, 300.0, 700.0]), st.integers(0, 50), st.booleans())
def test_nothing_judged_is_within_the_buffer_of_training(tmp_path_factory, stride, buffer_m, seed, by_block):
    data = scene(tmp_path_factory.mktemp("s"), n=14, stride=stride, groups=None, seed=seed)
    config = FoldsConfig(n_splits=3, buffer_m=buffer_m, group_by="block" if by_block else "groups")
    try:
        drawn = draw_folds(data, data.labels, config, seed, NO_PAIRS)
    except FoldError as error:
        assert buffer_m and "a smaller folds.buffer_m" in str(error)
        return
    assert shared(drawn) == 0.0
    for fold in range(3):
        val, train = (drawn.ground.rows(rows) for rows in (drawn.folds.val(fold), drawn.folds.train(fold)))
        gap = nearest(val, train, buffer_m)[0]
        assert np.isinf(gap).all() if buffer_m else True


def test_datasets_without_places_have_the_folds_they_had(tmp_path):
    plain = scene(tmp_path, n=10, groups=[f"g{k // 5}" for k in range(100)], on_earth=False)
    object.__setattr__(plain, "facts", {})  # not cut by this import, so that columns of these names mean nothing
    for seed in range(3):
        drawn = draw_folds(plain, plain.labels, FoldsConfig(), seed, NO_PAIRS, patch_hashes(plain.images()))
        before = make_folds(plain.labels, plain.groups, 5, seed)
        np.testing.assert_array_equal(drawn.folds.fold_of, before.fold_of)
        assert drawn.notes == () and drawn.record() is None and "left_out" not in drawn.folds.to_json(plain.ids)


def test_one_place_seen_in_two_files_is_kept_out_of_training_and_not_joined(tmp_path):
    data = scene(tmp_path, n=8, stride=1.0, groups=[f"g{k % 8}" for k in range(64)])
    twice = {"a": data.ids[0], "b": data.ids[1], "kind": "identical"}  # two groups, two places: joined
    table = pd.DataFrame([{**dict.fromkeys(COLUMNS), **twice}])
    groups = draw_folds(data, data.labels, FoldsConfig(n_splits=3), 0, table).groups
    assert groups[0] == groups[1]
    data.lonlat.flags.writeable = True
    data.lonlat[1] = data.lonlat[0]  # now of one place
    drawn = draw_folds(data, data.labels, FoldsConfig(n_splits=3), 0, table)
    assert drawn.groups[0] != drawn.groups[1] and shared(drawn) == 0.0


def test_the_error_says_what_was_joined_what_remains_and_what_helps(tmp_path):
    data = scene(tmp_path, n=6, stride=1.0, groups=[f"g{k // 9}" for k in range(36)], on_earth=False)
    chain = [(0, 9), (9, 18), (18, 27)]
    table = pd.DataFrame([{"a": data.ids[a], "b": data.ids[b], "kind": "identical"} for a, b in chain])
    object.__setattr__(data, "facts", {})
    with pytest.raises(FoldError) as told:
        draw_folds(data, data.labels, FoldsConfig(n_splits=3), 0, table.reindex(columns=list(COLUMNS)))
    words = str(told.value)
    assert "3 folds cannot be drawn from 1 labelled group" in words
    assert "4 groups of the dataset, which pairs that must not be divided join into 1 (3 identical)" in words
    assert "more labelled patches from other places" in words and "set folds.n_splits" not in words
    with pytest.raises(FoldError, match=r"4 groups of the dataset\. 4 folds can be drawn: set folds.n_splits=4"):
        draw_folds(data, data.labels, FoldsConfig(n_splits=5), 0, NO_PAIRS)


def test_a_buffer_without_metres_is_refused_in_words(tmp_path):
    data = scene(tmp_path, on_earth=False)
    with pytest.raises(ConfigError, match=r"needs the places of patches in metres.*--pixel-m"):
        draw_folds(data, data.labels, FoldsConfig(buffer_m=100.0), 0, NO_PAIRS)


def test_the_record_of_folds_keeps_what_was_left_out():
    folds = Folds(2, 0, False, np.repeat([0, 1], 6).astype(np.int8), (np.array([7]), np.array([0, 1])))
    ids = np.array([f"p{k}" for k in range(12)])
    again = Folds.from_json(folds.to_json(ids), ids)
    for fold in range(2):
        np.testing.assert_array_equal(again.train(fold), folds.train(fold))
        assert training_ids(json.loads(folds.to_json(ids)), fold) == ids[folds.train(fold)].tolist()
    assert folds.train(0).tolist() == [6, 8, 9, 10, 11] and folds.train(1).tolist() == [2, 3, 4, 5]


def test_overlap_by_place_is_among_the_pairs_at_any_shift(tmp_path):
    for stride in (0.1, 0.5, 0.9):
        data = scene(tmp_path, n=3, stride=stride)
        leaks = drain(leaks_of(data))
        found = {frozenset(pair) for pair in zip(leaks.pairs["a"], leaks.pairs["b"], strict=True)}
        table = overlaps(footprints(data))
        assert len(found) == len(table) >= 12 and set(leaks.pairs["kind"]) == {"overlap"}
        beside = leaks.pairs[(leaks.pairs["a"] == "t00_00") & (leaks.pairs["b"] == "t00_01")].iloc[0]
        assert (beside["dy"], beside["dx"]) == (0, round(64 * stride))
        assert beside["overlap"] == pytest.approx(1 - stride, abs=0.01)
        leaks_path = data.path.with_suffix(".leaks.json")
        assert '"overlap"' not in leaks_path.read_text().split('"pairs"')[1]  # places are looked at each time
        leaks_path.unlink()


@pytest.mark.parametrize("both", [False, True])
def test_crops_shifted_by_half_a_side_are_found_by_their_pixels(both):
    rng = np.random.default_rng(0)
    images = []
    for _ in range(20):
        ground = rng.normal(size=(3, 128, 128)).cumsum(1).cumsum(2)
        images += [ground[:, :64, :64], ground[:, 32:96, 32:96] if both else ground[:, 32:96, :64]]
    table, _ = drain(find_leaks(np.array(images, np.float32)))
    found = {(int(a), int(b)) for a, b in zip(table["a"], table["b"], strict=True)}
    assert found == {(k, k + 1) for k in range(0, 40, 2)}
    assert (table["dy"].abs() == 32).all()


# ------------------------------------------------------------------------------------- what people keep together


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 59), min_size=2, max_size=4, unique=True), max_size=6),
    st.sets(st.integers(0, 59), max_size=20),
    st.booleans(),
)
def test_what_people_keep_together_is_in_one_fold_whatever_overlaps(tmp_path_factory, groups, left_out, own_groups):
    data = sixty(tmp_path_factory, own_groups)
    labels = np.array(data.labels)
    labels[list(left_out)] = -1
    together = [[str(data.ids[row]) for row in rows] for rows in groups]
    drawn = draw_folds(data, labels, FoldsConfig(n_splits=3, on_leak="ignore"), 0, NO_PAIRS, None, together)
    reach = np.eye(60, dtype=bool)
    for rows in groups:
        reach[np.ix_(rows, rows)] = True
    for k in range(60):  # the transitive closure: groups that overlap are one
        reach |= np.outer(reach[:, k], reach[k])
    folds = drawn.folds.fold_of
    assert (folds[labels < 0] == -1).all() and (folds[labels >= 0] >= 0).all()
    for row in reach:
        inside = row & (labels >= 0)
        assert len(np.unique(folds[inside])) <= 1
    if own_groups:
        assert all(len(np.unique(folds[(data.groups == name) & (labels >= 0)])) <= 1 for name in set(data.groups))
    n = sum((row & (labels >= 0)).sum() > 1 for row in np.unique(reach, axis=0))
    said = [note for note in drawn.notes if "Kept in one fold by the version of the labels" in note]
    assert len(said) == bool(n) and (not n or f"{n} group" in said[0])


SIXTY = {}


def sixty(tmp_path_factory, own_groups):
    if own_groups not in SIXTY:
        path = tmp_path_factory.mktemp("sixty") / "sixty.h5"
        writer = DatasetWriter(path, bands=RGB_BANDS, shape_hw=(4, 4), class_names=("a", "b"), source="")
        with writer:
            names = [f"s{i:02d}" for i in range(60)]
            images = np.random.default_rng(0).normal(size=(60, 3, 4, 4)).astype(np.float32)
            groups = [f"g{i // 2}" for i in range(60)] if own_groups else None
            writer.append(images, (np.arange(60) % 2).astype(np.int8), names, groups=groups)
            SIXTY[own_groups] = writer.finish()
    return SIXTY[own_groups]


def test_without_groups_of_people_the_folds_are_as_they_were(tmp_path_factory):
    data = sixty(tmp_path_factory, True)
    before = draw_folds(data, data.labels, FoldsConfig(), 0, NO_PAIRS)
    after = draw_folds(data, data.labels, FoldsConfig(), 0, NO_PAIRS, None, ())
    assert (before.folds.fold_of == after.folds.fold_of).all() and before.notes == after.notes


def test_folds_that_would_divide_what_people_keep_together_are_refused(tmp_path_factory):
    data = sixty(tmp_path_factory, False)
    with pytest.raises(FoldError, match="would divide them. Set folds.grouped=true"):
        draw_folds(data, data.labels, FoldsConfig(grouped=False), 0, NO_PAIRS, None, [["s00", "s01"]])
    positive = data.ids[data.labels == 1].tolist()
    with pytest.raises(FoldError) as told:
        draw_folds(data, data.labels, FoldsConfig(), 0, NO_PAIRS, None, [positive])
    words = str(told.value)
    assert "1 group of 30 patches in all" in words and "All 30 positive patches would lie in one fold" in words
    assert "5 folds can be drawn without the groups of the version of the labels" in words
    assert "29 kept together by people" in words
