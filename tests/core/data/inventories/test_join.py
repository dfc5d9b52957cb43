"""Patches get the nearest event within reach, ties and sharing are told, and a join can be undone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.bands import RGB_BANDS
from core.data.inventories import COLUMNS as EVENT_COLUMNS
from core.data.inventories import Inventory
from core.data.inventories.join import (
    COLUMNS,
    EARTH_KM,
    haversine_km,
    join_by_place,
    join_dataset,
    join_path,
    read_join,
    remove_join,
    write_join,
)
from core.data.store import DatasetWriter
from core.errors import DataError

degrees = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def made_events(places, **facts):
    table = pd.DataFrame({"longitude": [p[0] for p in places], "latitude": [p[1] for p in places]})
    table["event_id"] = [f"e{i}" for i in range(len(places))]
    for column in ("elevation_m", "confidence", "accuracy_km", "fatalities"):
        table[column] = np.asarray(facts.get(column, [np.nan] * len(places)), float)
    for column in ("inventory", "date", "date_precision", "size", "category", "trigger", "title"):
        table[column] = facts.get(column, [""] * len(places))
    return table[list(EVENT_COLUMNS)]


@given(st.lists(degrees, min_size=1, max_size=20), st.lists(degrees, min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_distance_is_scikit_learns_haversine(a, b):
    from sklearn.metrics.pairwise import haversine_distances

    a, b = np.array(a), np.array(b)
    expected = EARTH_KM * haversine_distances(np.radians(a[:, ::-1]), np.radians(b[:, ::-1]))
    assert haversine_km(a[:, None], b[None]) == pytest.approx(expected, abs=1e-6)


@given(st.lists(degrees, min_size=1, max_size=15), st.lists(degrees, min_size=1, max_size=15), st.floats(1, 20000))
@settings(max_examples=100, deadline=None)
def test_every_patch_gets_the_nearest_event_within_reach(patches, places, within):
    join = join_by_place([str(i) for i in range(len(patches))], np.array(patches), made_events(places), within)
    km = haversine_km(np.array(patches)[:, None], np.array(places)[None])
    near = km.min(axis=1)
    clear = np.abs(near - within) > 1e-6  # at the very edge rounding may decide
    assert (join.joined == (near <= within))[clear].all()
    found = join.joined
    assert join.table["distance_km"].to_numpy()[found] == pytest.approx(near[found], abs=2e-3)
    assert (join.table["n_within"] <= (km <= within + 1e-6).sum(axis=1)).all()
    assert (join.table["n_within"][found] >= (km <= within - 1e-6).sum(axis=1)[found]).all()


def test_places_on_both_sides_of_the_date_line_are_near():
    join = join_by_place(["p"], np.array([[179.999, -16.0]]), made_events([(-179.999, -16.0)]), 1.0)
    assert join.joined[0] and join.table["distance_km"][0] == pytest.approx(0.2138, abs=1e-3)


def test_of_events_at_the_same_place_the_surer_and_better_known_is_taken():
    events = made_events([(10, 46)] * 3, confidence=[1, 8, 8], accuracy_km=[0, 5, 1], size=["small", "medium", "large"])
    join = join_by_place(["p"], np.array([[10.0, 46.001]]), events, 5.0)
    assert join.table["event_id"][0] == "e2" and join.table["event_size"][0] == "large"
    assert (join.table["n_tied"][0], join.table["n_within"][0], join.card["n_tied"]) == (3, 3, 1)


def test_an_event_that_several_patches_have_is_told():
    join = join_by_place(["a", "b", "c"], np.array([[10, 46], [10.001, 46], [20, 46]]), made_events([(10, 46)]), 1.0)
    assert join.table["n_shared"].tolist() == [2, 2, 0] and join.card["n_shared"] == 2
    assert join.table["event_id"].tolist() == ["e0", "e0", ""]


def test_patches_without_a_place_have_no_event():
    join = join_by_place(["a"], np.array([[np.nan, np.nan]]), made_events([(10, 46)]), 1e4)
    assert not join.joined.any() and join.card["n_without_place"] == 1


def test_filters_leave_out_what_is_known_to_be_vague_and_keep_what_is_silent():
    events = made_events([(10, 46), (10, 46.01), (10, 46.02)], accuracy_km=[50, 1, np.nan], confidence=[8, 1, np.nan])
    at = np.array([[10.0, 46.0]])
    assert join_by_place(["p"], at, events, 10, max_accuracy_km=5).table["event_id"][0] == "e1"
    assert join_by_place(["p"], at, events, 10, min_confidence=3).table["event_id"][0] == "e0"
    assert join_by_place(["p"], at, events, 10, max_accuracy_km=5, min_confidence=3).table["event_id"][0] == "e2"


@pytest.mark.parametrize("within", [0.0, -1.0, float("nan")])
def test_a_distance_that_is_none_is_refused(within):
    with pytest.raises(DataError, match="above 0 km"):
        join_by_place(["p"], np.array([[10.0, 46.0]]), made_events([(10, 46)]), within)


@pytest.fixture
def placed(tmp_path):
    def made(lonlat):
        n = len(lonlat)
        with DatasetWriter(
            tmp_path / "d.h5", bands=RGB_BANDS, shape_hw=(2, 2), class_names=("other", "landslide"), source="",
            dtype="uint8",
        ) as writer:  # fmt: skip
            images = np.arange(12 * n, dtype=np.uint8).reshape(n, 3, 2, 2)
            writer.append(images, np.arange(n) % 2, [f"p{i}" for i in range(n)], lonlat=lonlat)
            return writer.finish()

    return made


def inventory():
    return Inventory("usgs.csv", "usgs", made_events([(10, 46), (80, 0)], confidence=[8, 1]), pd.DataFrame())


def test_a_join_is_kept_beside_the_dataset_read_back_and_removed(placed):
    data = placed(np.array([[10.0, 46.0], [np.nan, np.nan], [10.001, 46.0]]))
    join = join_dataset(data, [inventory()], 2.0, min_confidence=3.0)
    assert write_join(data.path, join) == join_path(data.path)
    again = read_join(data)
    assert again.table["id"].tolist() == ["p0", "p1", "p2"] and list(again.table.columns) == ["id", *COLUMNS]
    pd.testing.assert_frame_equal(again.table, join.table, check_dtype=False)
    assert again.card["inventories"] == ["usgs.csv"] and again.card["dataset_hash"] == data.content_hash
    assert again.events["event_id"].tolist() == ["e0"]
    remove_join(data.path)
    assert read_join(data) is None and [p.name for p in data.path.parent.iterdir()] == ["d.h5"]


def test_a_join_of_other_patches_or_a_damaged_one_is_refused(placed):
    data = placed(np.array([[10.0, 46.0], [11.0, 46.0]]))
    write_join(data.path, join_dataset(data, [inventory()], 2.0))
    other = placed(np.array([[10.0, 46.0], [11.0, 46.0], [12.0, 46.0]]))
    with pytest.raises(DataError, match="another state"):
        read_join(other)
    join_path(data.path).write_bytes(b"no parquet")
    with pytest.raises(DataError, match="damaged"):
        read_join(other)


def test_a_dataset_without_coordinates_is_refused_in_words(placed):
    data = placed(np.full((2, 2), np.nan))
    with pytest.raises(DataError, match="no coordinates"):
        join_dataset(data, [inventory()], 2.0)


def test_events_across_the_date_line_are_joined_and_drawn():
    patches = np.array([[179.99, -17.0], [-179.98, -17.0]])
    join = join_by_place(["a", "b"], patches, made_events([(-179.995, -17.0), (0.0, -17.0)]), within_km=5)
    assert join.table["event_id"].tolist() == ["e0", "e0"] and join.events["event_id"].tolist() == ["e0"]
