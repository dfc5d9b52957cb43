"""The triage grid: sums by hand, unseen ground never clear, the dial, and the files as another library sees them."""

import csv

import fiona
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.predict.maps.roads import Roads, crossed
from core.predict.triage_grid import cells as rooms
from core.predict.triage_grid.cells import BELOW, LEAST, LOOK, PARTLY, UNSEEN, slope_weight
from core.predict.triage_grid.files import FIRST, columns_of, write
from core.predict.triage_grid.workload import workload
from tests.core.predict.maps.making import grid

SCALE = 1 / 0.9996**2  # ground of a square metre of UTM on its central meridian


def made(seed=0, size=(23, 31), unseen=0.2):
    rng = np.random.default_rng(seed)
    probs = (rng.random(size) ** 3).astype(np.float32)
    blocks = np.kron(rng.random((6, 8)) < unseen, np.ones((4, 4), bool))[: size[0], : size[1]]
    probs[blocks] = np.nan
    return probs


def triage_cells(probs, where, cell_m, threshold, *more, **options):
    called = np.nan_to_num(probs, nan=-1) >= np.float32(threshold)
    return rooms.triage_cells(probs, where, cell_m, called, *more, **options)


def test_four_cells_by_hand():
    probs = np.zeros((4, 4), np.float32)
    probs[:2, :2] = 0.5
    probs[:2, 2:] = np.nan
    probs[2, 0] = 0.9
    probs[2:, 2:] = [[0.1, np.nan], [0.1, 0.1]]
    cells = triage_cells(probs, grid(4, 4), 20, 0.6)
    assert len(cells) == 4 and cells.status.tolist() == [BELOW, UNSEEN, LOOK, PARTLY]
    pixel = 1e-4 * SCALE
    assert cells.expected_km2 == pytest.approx([2 * pixel, 0, 0.9 * pixel, 0.3 * pixel], rel=1e-3)
    assert cells.seen_km2 == pytest.approx([4 * pixel, 0, 4 * pixel, 3 * pixel], rel=1e-3)
    assert cells.priority[3] == pytest.approx(0.4 * pixel, rel=1e-3)  # as if the fourth pixel were like the others
    assert cells.above_km2 == pytest.approx([0, 0, pixel, 0], rel=1e-3) and np.isnan(cells.prob_max[1])
    assert cells.rank.tolist() == [1, 0, 2, 3] and cells.unseen_rank.tolist() == [0, 1, 0, 0]


def test_slope_moves_the_steep_cell_first_and_the_steep_unseen_one_too():
    probs = np.full((2, 8), 0.5, np.float32)
    probs[:, 4:] = np.nan
    slope = np.tile(np.repeat(np.array([2, 40, 2, 40], np.float32), 2), (2, 1))
    plain, weighted = triage_cells(probs, grid(2, 8), 20, 0.4), triage_cells(probs, grid(2, 8), 20, 0.4, slope)
    assert plain.rank.tolist() == [1, 2, 0, 0] and weighted.rank.tolist() == [2, 1, 0, 0]
    assert weighted.unseen_rank.tolist() == [0, 0, 2, 1] and weighted.slope.tolist() == [2, 40, 2, 40]
    assert weighted.expected_km2 == pytest.approx(plain.expected_km2)  # the slope orders; it changes no expectation
    assert slope_weight(np.array([0, 15, 60, np.nan])).tolist() == [LEAST, 0.5, 1, 1]


@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0.05, 1), st.sampled_from([20.0, 45.0, 70.0]))
def test_unseen_ground_never_counts_as_clear(seed, unseen, unseen_from, cell_m):
    probs = made(seed, unseen=unseen)
    where = grid(*probs.shape)
    cells = triage_cells(probs, where, cell_m, 0.5, unseen_from=unseen_from)
    hidden = cells.unseen_km2 > 1e-12
    assert not (cells.status[hidden] == BELOW).any()
    assert ((cells.rank > 0) == (cells.status != UNSEEN)).all()
    assert ((cells.unseen_rank > 0) == (cells.status == UNSEEN)).all()
    for ranks in (cells.rank, cells.unseen_rank):
        assert sorted(ranks[ranks > 0]) == list(range(1, (ranks > 0).sum() + 1))
    called = np.nan_to_num(cells.prob_max) >= np.float32(0.5)
    assert (cells.status[called] == LOOK).all()  # however little of it was seen


@given(st.integers(0, 10**6), st.sampled_from([10.0, 30.0, 50.0, 500.0]))
def test_ground_and_expectation_add_up(seed, cell_m):
    probs = made(seed)
    cells = triage_cells(probs, grid(*probs.shape), cell_m, 0.5)
    pixel = 1e-4 * SCALE
    assert cells.area_km2.sum() == pytest.approx(probs.size * pixel, rel=1e-3)
    assert cells.unseen_km2.sum() == pytest.approx(np.isnan(probs).sum() * pixel, rel=1e-3, abs=1e-9)
    assert cells.expected_km2.sum() == pytest.approx(np.nansum(probs.astype(np.float64)) * pixel, rel=1e-3, abs=1e-9)


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_the_dial_is_one(seed, share):
    cells = triage_cells(made(seed), grid(23, 31), 30, 0.5)
    dial = workload(cells, minutes=10)
    stop = dial.at_share(share)
    assert stop.share >= share - 1e-9 and (stop.cells == 0 or dial.at_cells(stop.cells - 1).share < share)
    assert dial.at_hours(stop.hours) == stop == dial.at_cells(stop.cells)
    assert stop.missed_km2 == pytest.approx((1 - stop.share) * dial.expected_km2)
    assert (np.diff(dial.share) >= 0).all() and dial.at_cells(10**9).share == pytest.approx(1)


def test_the_sentence_says_cells_share_time_and_what_was_not_seen():
    probs = np.full((10, 10), 0.01, np.float32)
    probs[:2, :8] = 0.9
    probs[8:] = np.nan
    dial = workload(triage_cells(probs, grid(10, 10), 20, 0.5), minutes=30)
    text = dial.sentence(dial.at_share(0.8))
    assert (
        "Look at these 4 of 20 cells first" in text
        and "2 h 00 min" in text
        and "5 cells have a rank of their own" in text
    )
    assert "were not seen" in text and "no landslide" not in text.lower()
    nothing = workload(triage_cells(np.zeros((4, 4), np.float32), grid(4, 4), 20, 0.5))
    assert "Nothing is expected" in nothing.sentence(nothing.at_share(0.8))


def test_one_cell_is_not_plural():
    probs = np.full((2, 4), 0.9, np.float32)
    probs[:, 2:] = np.nan
    dial = workload(triage_cells(probs, grid(2, 4), 20, 0.5))
    text = dial.sentence(dial.at_share(0.8))
    assert "Look at 1 of 1 cell first" in text and "1 cell has a rank of its own: nothing is known of it." in text
    nothing = workload(triage_cells(np.zeros((2, 2), np.float32), grid(2, 2), 20, 0.5))
    assert "in the 1 cell that was seen" in nothing.sentence(nothing.at_share(0.8))


def test_cells_in_degrees_have_their_own_height_and_width():
    where = grid(100, 100, "EPSG:4326", Affine(0.0001, 0, 142, 0, -0.0001, 60))
    cells = triage_cells(np.full((100, 100), 0.5, np.float32), where, 100, 0.4)
    assert 0.009 < np.median(cells.area_km2) < 0.011  # a hundred metres each way, although degrees differ


def test_what_makes_no_sense_is_refused_in_words():
    probs = made()
    with pytest.raises(ConfigError, match="smaller than a pixel"):
        triage_cells(probs, grid(*probs.shape), 3, 0.5)
    cells = triage_cells(probs, grid(*probs.shape), 30, 0.5)
    with pytest.raises(ConfigError, match="minutes a cell"):
        workload(cells, 0)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        workload(cells).at_share(2)


def test_the_files_open_elsewhere_and_keep_the_order(tmp_path):
    probs = made()
    where = grid(*probs.shape)
    cells = triage_cells(probs, where, 50, 0.5)
    dial = workload(cells)
    first = dial.at_share(0.5).cells
    line = shapely.LineString(where.to_lonlat(np.array([[0, 2], [31, 2]])))
    roads = crossed(cells.lonlat, Roads(np.array([line]), np.array(["=cmd"], dtype=object)))
    columns = columns_of(cells, dial.share, first, roads)
    paths = write(cells, where, columns, tmp_path / "grid.gpkg", {"run": "a-run"})
    assert [path.name for path in paths] == ["grid.geojson", "grid.gpkg", "grid.qml", "grid.csv"]
    for path in paths[:2]:
        with fiona.open(path) as layer:
            rows = [dict(record["properties"]) for record in layer]
            assert all(shapely.geometry.shape(record["geometry"]).is_valid for record in layer)
        assert len(rows) == len(cells) and [row["status"] for row in rows].count(FIRST) == first
        assert all((row["rank"] is None) == (row["status"] == UNSEEN) for row in rows)
        assert all(isinstance(row["rank"] or 0, int) for row in rows)
    table = list(csv.DictReader(paths[3].read_text(encoding="utf-8").splitlines()))
    assert [int(row["rank"]) for row in table if row["rank"]] == list(range(1, (cells.rank > 0).sum() + 1))
    assert table[-1]["unseen_rank"] == str((cells.unseen_rank > 0).sum()) and not table[-1]["rank"]
    assert any(row["roads"] == "'=cmd" for row in table)  # a spreadsheet does not run it
    assert float(table[(cells.rank > 0).sum() - 1]["held"]) == pytest.approx(1)
