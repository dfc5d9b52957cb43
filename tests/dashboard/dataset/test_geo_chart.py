"""The map of places draws every patch once, at true proportions, and asks the network for nothing unless told to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard.dataset.geo_chart import KM_PER_DEGREE, Places, place_map


def made(n=20, latitude=60.0, span=0.1):
    rng = np.random.default_rng(0)
    lonlat = np.array([10.0, latitude]) + rng.uniform(0, span, (n, 2))
    group = np.array(["<b>a</b>" if i % 2 else "b" for i in range(n)], object)
    return Places(lonlat, [f"p{i}" for i in range(n)], [f"p{i}, <i>a</i>" for i in range(n)], group)


def events():
    facts = {"event_id": "7", "inventory": "<u>GS", "date": "2001-02-03", "longitude": 10.05, "latitude": 60.05}
    return pd.DataFrame(
        [facts | {"size": "very_large", "elevation_m": 812.0, "confidence": 8.0, "accuracy_km": np.nan}]
    )


COLOURS = {"<b>a</b>": "#111111", "b": "#222222"}


def test_every_patch_is_drawn_once_with_its_id_and_nothing_is_read_as_html():
    places = made()
    figure = place_map(places, COLOURS)
    assert sorted(c[0] for trace in figure.data for c in trace.customdata) == sorted(places.ids)
    assert "&lt;b&gt;a&lt;/b&gt; (10)" in [trace.name for trace in figure.data]
    assert all("<i>" not in text for trace in figure.data for text in trace.text)


def test_a_degree_of_longitude_is_as_short_as_it_is_there():
    figure = place_map(made(latitude=60.0), COLOURS)
    assert figure.layout.yaxis.scaleratio == pytest.approx(2.0, rel=0.01) and figure.layout.yaxis.scaleanchor == "x"


@pytest.mark.parametrize("span", [0.002, 0.1, 3.0])
def test_the_bar_is_as_long_as_it_says(span):
    figure = place_map(made(latitude=0.0, span=span), COLOURS)
    bar, words = figure.layout.shapes[0], figure.layout.annotations[0].text.split()
    km = float(words[0]) / (1000 if words[1] == "m" else 1)
    assert (bar.x1 - bar.x0) * KM_PER_DEGREE == pytest.approx(km, rel=0.01)
    assert str(km).strip("0.")[0] in "125"


def test_a_map_of_continents_has_no_bar():
    assert not place_map(made(latitude=0.0, span=80.0), COLOURS).layout.shapes


def test_events_say_what_is_known_of_them_and_lines_lead_to_them():
    places = made(4)
    lines = np.stack([places.lonlat[:2], np.tile([10.05, 60.05], (2, 1))], axis=1)
    figure = place_map(places, COLOURS, events(), lines)
    line, marks = figure.data[0], next(t for t in figure.data if "event of an inventory (1)" in t.name)
    assert len(line.x) == 6 and np.isnan(line.x[2]) and line.x[1] == 10.05
    assert marks.text[0] == "event 7, &lt;u&gt;GS, 2001-02-03, very large, confidence 8, 812 m"
    assert marks.customdata is None  # a selection finds patches only


@pytest.mark.parametrize("tiles", [False, True])
def test_only_tiles_use_a_map_of_the_world(tiles):
    figure = place_map(made(), COLOURS, events(), tiles=tiles)
    assert all(isinstance(trace, go.Scattermap) == tiles for trace in figure.data)
    assert (figure.layout.map.style == "open-street-map") == tiles


def test_one_place_can_be_drawn():
    one = Places(np.array([[10.0, 46.0]]), ["p"], ["p"], np.array(["b"], object))
    assert len(place_map(one, COLOURS).data) == 1 and len(place_map(one, COLOURS, tiles=True).data) == 1
