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


def named(figure, name: str) -> list:
    return [trace for trace in figure.data if trace.name == name]


def test_regions_are_one_picture_that_covers_the_raster_with_its_cells():
    figure = embedding_map.boundary_map(points(), COLOURS, REGIONS)
    (image,) = figure.layout.images
    assert (image.x, image.sizex, image.y, image.sizey) == (-0.5, 3.0, 1.5, 2.0) and image.layer == "below"
    unknown = named(figure, "no patches nearby: unknown")
    assert len(unknown) == 1 and unknown[0].showlegend is not False


def test_the_map_fills_its_frame_and_has_no_axes():
    figure = embedding_map.boundary_map(
        points(xy=np.array([[0.2, 0.1], [1.8, 0.9], [1, 0.5], [1, 0.6]])), COLOURS, REGIONS
    )
    layout = figure.layout
    assert layout.height == 600 and layout.yaxis.scaleanchor is None
    assert not layout.xaxis.visible and not layout.yaxis.visible
    assert layout.margin.pad == 0 and layout.xaxis.range == pytest.approx((0, 2), abs=0.05)


def _luminance(rgb):
    part = np.array(rgb, float) / 255
    part = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(part @ [0.2126, 0.7152, 0.0722])


def _contrast(one, other):
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


@pytest.mark.parametrize(("page", "name"), [("#FFFFFF", "light"), ("#12181D", "dark")])
def test_points_and_the_line_stand_out_from_every_ground_in_both_themes(page, name):
    tints = [(colour, opacity) for colour in COLOURS.values() for opacity in embedding_map.TINTS[name]]
    figure = embedding_map.boundary_map(points(small=np.arange(4) < 2), COLOURS, dark=name == "dark")
    for colour, opacity in [*tints, embedding_map.UNKNOWN]:
        under = tuple(opacity * c + (1 - opacity) * g for c, g in zip(_rgb(colour), _rgb(page), strict=True))
        for trace in figure.data:
            rim = trace.marker.line
            assert rim.width > 0 and _contrast(_rgb(rim.color), under) >= 3  # whatever colour is inside
        assert max(_contrast(_rgb(line["color"]), under) for line in embedding_map.LINES) >= 4.5


def test_wrong_decisions_are_crosses_in_their_colour_with_an_entry_of_their_own():
    figure = embedding_map.boundary_map(points(wrong=np.array([True, False, False, False])), COLOURS)
    (cross,) = [trace for trace in figure.data if trace.customdata is not None and trace.marker.symbol == "x"]
    assert [row[0] for row in cross.customdata] == ["p0"] and cross.marker.color == theme.NEGATIVE
    shown = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert sorted(shown) == ["landslide", "other", "wrong decision"]


def test_the_words_of_a_patch_are_in_its_hover_text():
    words = ["a · <b>", "b", "c", "d"]
    figure = embedding_map.boundary_map(points(prob=np.array([0.1, 0.2, 0.3, np.nan]), words=words), COLOURS)
    assert figure.data[0].customdata[0].tolist() == ["p0", 0.1, "a · &lt;b&gt;"]
    assert "customdata[2]" in figure.data[0].hovertemplate


def test_small_maps_have_no_legend():
    figure = embedding_map.boundary_map(points(), COLOURS, REGIONS, height=340, legend=False)
    assert figure.layout.showlegend is False and figure.layout.height == 340


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


def test_the_boundary_line_lies_above_the_points_light_under_dark():
    figure = embedding_map.boundary_map(points(), COLOURS, REGIONS)
    lines = named(figure, "boundary")
    assert [line.line.color for line in lines] == [line["color"] for line in embedding_map.LINES]
    assert lines[0].line.width > lines[1].line.width and np.isfinite(np.asarray(lines[0].x, float)).sum() >= 2
    order = [trace.name for trace in figure.data]
    assert max(order.index(name) for name in COLOURS) < order.index("boundary")


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
    figure = embedding_map.boundary_map(points(), COLOURS, empty)
    assert not figure.layout.images and not named(figure, "boundary")


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
    names = [trace.name for trace in figure.data]
    assert len(figure.data[names.index("new") - 1].x) == 6


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
