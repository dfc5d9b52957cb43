"""The map: blank where no patch is near, points that can be opened by id."""

from __future__ import annotations

import numpy as np

from dashboard import map_chart, theme

REGIONS = map_chart.Regions(
    x=np.array([0.0, 1.0, 2.0]),
    y=np.array([0.0, 1.0]),
    values=np.array([[-1.0, 0.5, 1.0], [-2.0, -0.5, 4.0]]),
    near=np.array([[True, True, False], [True, True, True]]),
)


def points(n: int = 4, **changes) -> map_chart.Points:
    facts = {
        "xy": np.arange(2.0 * n).reshape(n, 2),
        "ids": [f"p{i}" for i in range(n)],
        "hover": [f"patch {i}" for i in range(n)],
        "group": np.array(["other", "landslide"] * (n // 2)),
    }
    return map_chart.Points(**(facts | changes))


COLOURS = {"other": theme.NEGATIVE, "landslide": theme.POSITIVE}


def test_cells_without_a_patch_nearby_are_blank():
    heat = map_chart.boundary_map(points(), COLOURS, REGIONS).data[0]
    assert np.isnan(np.asarray(heat.z)[0, 2])
    assert np.isfinite(np.asarray(heat.z)).sum() == 5
    assert heat.zmin == -heat.zmax  # the neutral colour is the boundary


def test_the_boundary_line_is_where_the_decision_changes_sign():
    contour = map_chart.boundary_map(points(), COLOURS, REGIONS).data[1]
    assert (contour.contours.start, contour.contours.end) == (0, 0)


def test_every_point_carries_its_id_and_its_classes_colour():
    figure = map_chart.boundary_map(points(), COLOURS)
    assert {trace.name: [row[0] for row in trace.customdata] for trace in figure.data} == {
        "other": ["p0", "p2"],
        "landslide": ["p1", "p3"],
    }
    assert {trace.name: trace.marker.color for trace in figure.data} == COLOURS
    assert all(trace.type == "scatter" for trace in figure.data)


def test_training_points_are_smaller_fainter_and_named():
    figure = map_chart.boundary_map(points(small=np.array([True, False, False, False])), COLOURS)
    faint, *_ = figure.data
    assert faint.name == "other (training part)" and faint.marker.size < figure.data[1].marker.size


def test_probability_uses_the_diverging_scale_of_the_classes():
    figure = map_chart.boundary_map(points(group=None, value=np.linspace(0, 1, 4)), {})
    scale = figure.data[0].marker.colorscale
    assert (scale[0][1], scale[-1][1]) == (theme.NEGATIVE, theme.POSITIVE)


def test_many_points_are_drawn_by_webgl():
    figure = map_chart.boundary_map(points(map_chart.MANY + 2), COLOURS)
    assert {trace.type for trace in figure.data} == {"scattergl"}


def test_regions_without_any_data_are_not_drawn():
    empty = map_chart.Regions(REGIONS.x, REGIONS.y, REGIONS.values, np.zeros((2, 3), bool))
    assert len(map_chart.boundary_map(points(), COLOURS, empty).data) == 2


def test_names_are_never_html():
    figure = map_chart.boundary_map(points(hover=["<b on>"] * 4), COLOURS)
    assert figure.data[0].text[0] == "&lt;b on&gt;"


def test_selected_ids_come_once_whatever_form_streamlit_gives():
    event = {"selection": {"points": [{"customdata": ["a"]}, {"customdata": {"0": "b"}}, {"customdata": ["a"]}, {}]}}
    assert map_chart.selected_ids(event) == ["a", "b"]
    assert map_chart.selected_ids(None) == []
