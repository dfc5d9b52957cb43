import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import FoldsConfig
from core.data.bands import RGB_BANDS
from core.data.folds import make_folds
from core.data.grouping import chosen_groups, ways_of_grouping
from core.data.grouping import groups_for as groups_over
from core.data.leakage.blocks import blocks, sides
from core.data.leakage.duplicates import joined
from core.data.leakage.footprints import footprints
from core.data.leakage.split_audit import COLUMNS
from core.data.store import DatasetWriter
from core.errors import ConfigError, FoldError

N = 40
IDS = [f"p{k}" for k in range(N)]


def made(tmp_path, groups="own", lonlat=None, columns=None):
    groups = [f"g{k // 4}" for k in range(N)] if groups == "own" else groups
    writer = DatasetWriter(
        tmp_path / "x.h5", bands=RGB_BANDS, shape_hw=(4, 4), class_names=("a", "b"), source=""
    )  # fmt: skip
    with writer:
        images = np.random.default_rng(0).normal(size=(N, 3, 4, 4))
        writer.append(images, np.arange(N) % 2, IDS, groups, lonlat=lonlat, columns=columns)
        return writer.finish()


def pairs(*found):
    rows = [{"a": f"p{a}", "b": f"p{b}", "kind": kind} for a, b, kind in found]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def groups_for(data, labels, settings, found):
    return groups_over(data, labels, settings, found, chosen_groups(data, settings))


def config(**settings):
    return FoldsConfig(**settings)


def test_without_pairs_groups_stay_as_they_are(tmp_path):
    data = made(tmp_path)
    found = groups_for(data, data.labels, config(), pairs())
    assert found.groups is data.groups and found.notes == ()


def test_a_shifted_crop_across_groups_joins_them_and_says_so(tmp_path):
    data = made(tmp_path)
    found = groups_for(data, data.labels, config(), pairs((1, 9, "shifted"), (2, 3, "near")))
    assert set(found.groups[:4]) == set(found.groups[8:12]) == {"g0"} and set(found.groups[4:8]) == {"g1"}
    (note,) = found.notes
    assert "1 pairs of patches that show the same ground (1 shifted crops: p1 and p9)" in note and "joined" in note
    fold_of = make_folds(data.labels, found.groups).fold_of
    assert fold_of[1] == fold_of[9]


def test_the_run_is_refused_where_that_is_asked_for(tmp_path):
    data = made(tmp_path)
    with pytest.raises(FoldError, match="p1 and p9.*would lie in different folds"):
        groups_for(data, data.labels, config(on_leak="refuse"), pairs((1, 9, "synthetic")))
    groups_for(data, data.labels, config(on_leak="refuse"), pairs((1, 2, "shifted")))  # one group already
    left_out = np.where(np.arange(N) == 9, -1, data.labels)
    assert groups_for(data, left_out, config(on_leak="refuse"), pairs((1, 9, "shifted"))).groups is data.groups


def test_left_apart_where_that_is_asked_for_but_never_identical_ones(tmp_path):
    data = made(tmp_path)
    found = groups_for(data, data.labels, config(on_leak="ignore"), pairs((1, 9, "shifted"), (0, 39, "identical")))
    assert found.groups[0] == found.groups[39] and found.groups[1] != found.groups[9]
    assert "may lie in different folds" in found.notes[0]


def test_pairs_that_would_swallow_a_class_are_left_apart_and_told(tmp_path):
    data = made(tmp_path, groups=None)
    alike = [(1, k, "near") for k in range(3, N, 2)]  # all of one class
    found = groups_for(data, data.labels, config(), pairs(*alike, (0, 2, "shifted")))
    assert found.groups[0] == found.groups[2] and len(set(found.groups)) == N - 1
    assert "19 pairs of patches look alike across groups" in found.notes[1]


def test_folds_by_duplicates_alone(tmp_path):
    data = made(tmp_path)
    found = groups_for(data, data.labels, config(group_by="duplicates"), pairs((0, 39, "near")))
    assert found.groups[0] == found.groups[39] and len(set(found.groups)) == N - 1


def test_folds_by_a_column(tmp_path):
    data = made(tmp_path, columns={"scene": [f"s{k % 8}" if k else "" for k in range(N)]})
    found = groups_for(data, data.labels, config(group_by="scene"), pairs()).groups
    assert found[1] == found[9] and found[0] == "patch p0"
    with pytest.raises(ConfigError, match=r"no column 'event'.*groups, duplicates, block, scene"):
        groups_for(data, data.labels, config(group_by="event"), pairs())


def test_every_way_of_grouping_that_is_offered_works_and_unique_columns_are_no_way(tmp_path):
    columns = {"scene": [f"s{k % 8}" for k in range(N)], "file": [f"f{k}.png" for k in range(N)]}
    data = made(tmp_path, lonlat=np.tile([90.0, 22.0], (N, 1)), columns=columns)
    ways = ways_of_grouping(data)
    assert ways == ("groups", "duplicates", "block", "scene")
    for way in ways:
        groups_for(data, data.labels, config(group_by=way), pairs())
    assert ways_of_grouping(made(tmp_path, groups=None)) == ("duplicates",)


def test_blocks_of_ground(tmp_path):
    with pytest.raises(ConfigError, match="needs the place of each patch"):
        groups_for(made(tmp_path), np.zeros(N), config(group_by="block"), pairs())
    rng = np.random.default_rng(0)
    lonlat = np.stack([rng.uniform(91.9, 92.3, N), rng.uniform(22.1, 22.5, N)], axis=1)
    lonlat[0] = np.nan
    data = made(tmp_path, lonlat=lonlat)
    found = blocks(footprints(data), sides(footprints(data), 5.0)[0], data.ids)
    assert found[0] == "patch p0"
    for name in set(found[1:]):
        lon, lat = lonlat[found == name].T
        assert np.ptp(lat) * 110.574 <= 5.0 and np.ptp(lon) * 111.32 * np.cos(np.deg2rad(lat.mean())) <= 5.02
    assert 20 < len(set(found)) < N


@given(
    st.lists(st.sampled_from("abcdef"), min_size=2, max_size=20),
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=12),
)
def test_joined_groups_divide_no_group_and_no_pair_and_join_nothing_else(groups, links):
    groups = np.array(groups)
    links = np.array([(a % len(groups), b % len(groups)) for a, b in links], np.int64).reshape(-1, 2)
    found = joined(groups, len(groups), links)
    for a, b in links:
        assert found[a] == found[b]
    reach = groups[:, None] == groups  # transitive closure by repeated squaring
    reach[links[:, 0], links[:, 1]] = reach[links[:, 1], links[:, 0]] = True
    for _ in range(6):
        reach = reach @ reach
    np.testing.assert_array_equal(found[:, None] == found, reach)
