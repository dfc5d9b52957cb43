"""The embedding map: hatched where no patch is near, points that can be opened by id, light however many there are."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard import theme
from dashboard.charts import embedding_map

REGIONS = embedding_map.Regions(
    x=np.array([0.0, 1.0, 2.0]),
    y=np.array([0.0, 1.0]),
    values=np.array([[-1.0, 0.5, 1.0], [-2.0, -0.5, 4.0]]),
    near=np.array([[True, True, False], [True, True, True]]),
)


def points(n: int = 4, **changes) -> embedding_map.Points:
    facts = {
        "xy": np.arange(2.0 * n).reshape(n, 2),
        "ids": [f"p{i}" for i in range(n)],
        "group": np.array(["other", "landslide"] * (n // 2)),
    }
    return embedding_map.Points(**(facts | changes))


def of_type(figure, kind: str) -> list:
    return [trace for trace in figure.data if trace.type == kind]


COLOURS = {"other": theme.NEGATIVE, "landslide": theme.POSITIVE}


def test_cells_without_a_patch_nearby_have_no_colour():
    (heat,) = of_type(embedding_map.boundary_map(points(), COLOURS, REGIONS), "heatmap")
    assert np.isnan(np.asarray(heat.z)[0, 2])
    assert np.isfinite(np.asarray(heat.z)).sum() == 5
    assert heat.zmin == -heat.zmax  # the neutral colour is the boundary


def test_cells_without_a_patch_nearby_are_hatched_and_only_those():
    near = np.ones((40, 40), bool)
    near[5:15, 20:38] = False
    axis = np.arange(40.0)
    x, y = embedding_map.hatching(embedding_map.Regions(axis, axis, np.zeros((40, 40)), near))
    pieces = np.stack([x, y], axis=1).reshape(-1, 3, 2)
    assert np.isnan(pieces[:, 2]).all() and len(pieces) >= 5
    middles = pieces[:, :2].mean(axis=1)
    assert ((middles[:, 0] > 19) & (middles[:, 0] < 38) & (middles[:, 1] > 4) & (middles[:, 1] < 15)).all()
    ends = pieces[:, :2].reshape(-1, 2)
    assert ends.min(axis=0) == pytest.approx([19.5, 4.5], abs=4) and (ends <= [37.5, 14.5]).all()
    assert embedding_map.hatching(embedding_map.Regions(axis, axis, near, np.ones_like(near)))[0].size == 0


def test_the_boundary_line_is_where_the_decision_changes_sign_and_lies_above_the_points():
    figure = embedding_map.boundary_map(points(), COLOURS, REGIONS)
    lines = of_type(figure, "contour")
    assert {(line.contours.start, line.contours.end) for line in lines} == {(0, 0)}
    order = [trace.type for trace in figure.data]
    assert max(i for i, kind in enumerate(order) if kind == "scatter") < order.index("contour")


def test_every_point_carries_its_id_and_its_classes_colour():
    figure = embedding_map.boundary_map(points(), COLOURS)
    assert {trace.name: [row[0] for row in trace.customdata] for trace in figure.data} == {
        "other": ["p0", "p2"],
        "landslide": ["p1", "p3"],
    }
    assert {trace.name: trace.marker.color for trace in figure.data} == COLOURS
    assert all(trace.type == "scatter" for trace in figure.data)


def test_training_points_are_smaller_fainter_and_named():
    figure = embedding_map.boundary_map(points(small=np.array([True, False, False, False])), COLOURS)
    faint, *_ = figure.data
    assert faint.name == "other (training part)" and faint.marker.size < figure.data[1].marker.size


def test_probability_uses_the_diverging_scale_of_the_classes_and_other_numbers_their_own():
    figure = embedding_map.boundary_map(points(group=None, value=np.linspace(0, 1, 4)), {})
    scale = figure.data[0].marker.colorscale
    assert (scale[0][1], scale[-1][1]) == (theme.NEGATIVE, theme.POSITIVE)
    loss = embedding_map.boundary_map(points(group=None, value=np.array([0, 1, np.nan, 9]), limits=(0.0, 3.0)), {})
    marker = loss.data[0].marker
    assert (marker.cmin, marker.cmax) == (0, 3) and marker.colorscale[0][1] != theme.NEGATIVE


def test_values_of_both_parts_keep_their_places():
    small = np.array([True, False, True, False])
    figure = embedding_map.boundary_map(points(group=None, value=np.array([0.1, 0.2, 0.3, 0.4]), small=small), {})
    found = {row[0]: c for trace in figure.data for row, c in zip(trace.customdata, trace.marker.color, strict=True)}
    assert found == pytest.approx({"p0": 0.1, "p1": 0.2, "p2": 0.3, "p3": 0.4}, abs=1e-6)


def test_many_points_are_drawn_by_webgl_and_weigh_little():
    n = 20_000
    figure = embedding_map.boundary_map(points(n, prob=np.linspace(0, 1, n)), COLOURS, REGIONS)
    assert len(of_type(figure, "scattergl")) == 2
    assert len(figure.to_json()) < 45 * n  # bytes: two float32, an id, a probability


def test_regions_without_any_data_are_not_drawn():
    empty = embedding_map.Regions(REGIONS.x, REGIONS.y, REGIONS.values, np.zeros((2, 3), bool))
    assert len(embedding_map.boundary_map(points(), COLOURS, empty).data) == 2


def test_synthetic_patches_are_joined_to_both_parents():
    xy, anchor, neighbour = (np.array([[a, a], [b, b]], float) for a, b in ((1, 2), (0, 3), (5, 6)))
    figure = embedding_map.boundary_map(
        points(), COLOURS, synthetic=embedding_map.Synthetic(xy, anchor, neighbour, ["<i>", "b"])
    )
    lines, diamonds = figure.data[:2]
    joined = np.stack([lines.x, lines.y], axis=1).reshape(2, 4, 2)
    np.testing.assert_array_equal(joined[0, :3], [[0, 0], [1, 1], [5, 5]])
    assert np.isnan(joined[:, 3]).all() and diamonds.text[0] == "&lt;i&gt;"


def test_marked_places_are_joined_and_stay_inside_the_frame():
    far = embedding_map.Marked("new", np.array([[90.0, -40.0]]), ["new: a"], np.array([[[0.0, 1.0], [2.0, 3.0]]]))
    figure = embedding_map.boundary_map(points(), COLOURS, REGIONS, marked=[far])
    assert figure.layout.xaxis.range[1] > 90 and figure.layout.yaxis.range[0] < -40
    assert figure.data[-1].name == "new" and len(figure.data[-2].x) == 6


def test_names_are_never_html():
    figure = embedding_map.boundary_map(points(ids=["<b on>", "p1", "p2", "p3"]), COLOURS)
    shown = next(trace for trace in figure.data if trace.name == "other")
    assert shown.customdata[0][0] == "<b on>" and shown.customdata[0][-1] == "&lt;b on&gt;"  # an id, and what is shown
    assert f"customdata[{len(shown.customdata[0]) - 1}]" in shown.hovertemplate
    assert "customdata[0]" not in shown.hovertemplate


def test_selected_ids_come_once_whatever_form_streamlit_gives():
    event = {"selection": {"points": [{"customdata": ["a"]}, {"customdata": {"0": "b"}}, {"customdata": ["a"]}, {}]}}
    assert embedding_map.selected_ids(event) == ["a", "b"]
    assert embedding_map.selected_ids(None) == []
