"""What is sent of a scene to the browser, and what its answers do."""

import json

import numpy as np

from dashboard import theme
from dashboard.predict.figure import Place
from dashboard.predict.picture import Drawn, Layers, Scale, payload, svg_path
from tests.dashboard.predict.conftest import cells_table

PLACE, LAYERS = Place.of((60, 60), (10, 10)), Layers("one", "data:a", "data:b", None, "data:o")


def sent(drawn, layers=LAYERS, swipe=40, place=PLACE):
    return payload(place, layers, drawn, Scale("0.7 probability", "#D9622B"), 70, swipe, "The scene", "A scene")


def test_rings_are_paths_with_a_gap_between_them():
    assert svg_path(np.array([[0, 0], [5, 0], [5, 5.25], [np.nan, np.nan], [8, 8], [9, 8], [np.nan, np.nan]])) == (
        "M0 0L5 0L5 5.2ZM8 8L9 8Z"
    )
    assert svg_path(np.empty((0, 2))) == ""


def test_first_cells_polygons_the_chosen_and_the_judged_are_drawn():
    outlines = np.array([[0, 0], [10, 0], [10, 10], [0, 0], [np.nan, np.nan]])
    words = {"1-1": "landslide", "1-2": "not", "2-2": "unsure", "7-7": "not"}
    data = sent(Drawn(outlines, cells_table(), 3, True, "3-3", words, ("2-1", "2-2"), (5, 7)))
    assert [one["kind"] for one in data["shapes"]] == ["line", "box", "line", "chosen"]
    assert data["shapes"][1]["path"].count("M") == 3 and data["shapes"][3]["path"] == "M40 40H60V60H40Z"
    by_kind = {}
    for one in data["labels"]:
        by_kind.setdefault(one["kind"], []).append(one["text"])
    assert by_kind == {"rank": ["1", "2", "3"], "mark": ["✓", "✗", "?"], "like": ["A", "B"], "cross": ["✛"]}
    assert [one["text"] for one in data["legend"]] == ["Landslide polygons", "Cells to look at first"]
    assert data["legend"][0]["colour"] == theme.POSITIVE and data["scale"] == "0.7 probability"
    assert len(data["cells"]["name"]) == 9 and data["cells"]["box"][0] == [0, 0, 20, 20]
    assert data["swipe"] == 40 and data["wide"] == 0.6 and data["aspect"] == 1


def test_cells_that_are_not_drawn_can_still_be_clicked_and_a_scene_without_cells_has_none():
    data = sent(Drawn(None, cells_table(), 3, show_cells=False))
    assert not data["shapes"] and len(data["cells"]["name"]) == 9
    data = sent(Drawn(), place=Place.of((60, 80), None))
    assert data["cells"]["name"] == [] and data["unit"] == "pixels"


def test_the_swipe_alone_draws_nothing_anew():
    one, other = sent(Drawn(None, cells_table(), 3), swipe=0), sent(Drawn(None, cells_table(), 3), swipe=60)
    assert one["version"] == other["version"] != sent(Drawn(None, cells_table(), 4))["version"]
    assert json.dumps(one)
