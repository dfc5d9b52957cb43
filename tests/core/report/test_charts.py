"""Figures of a report: SVG that stands in an HTML file beside others, with its text as text."""

import re
import xml.etree.ElementTree as ET

import numpy as np

from core.report import charts
from core.report.icons import counts, hundred
from core.report.svg import inlined

ROWS = [
    {"name": "<b>$x^2$ & co</b>", "value": 0.5, "lo": 0.4, "hi": 0.6},
    {"name": "no interval", "value": 0.2, "lo": None, "hi": None},
    {"name": "undefined", "value": None, "lo": None, "hi": None},
]


def words(svg):
    return [node.text for node in ET.fromstring(svg).iter("text") if node.text]


def test_names_are_text_and_never_formulas():
    svg = charts.intervals(ROWS, "F1", "what it shows", 0.5)
    assert "<b>$x^2$ & co</b>" in words(svg) and "undefined" not in words(svg)
    root = ET.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-label") == "what it shows" and not root.get("width")
    assert "DejaVu" not in svg and "metadata" not in svg


def test_every_figure_is_drawn_and_their_ids_do_not_meet():
    rng = np.random.default_rng(0)
    probs, labels = rng.random(200), rng.integers(0, 2, 200)
    xy = rng.normal(size=(200, 2))
    axis = np.linspace(-3, 3, 12)
    plane = {"x": axis, "y": axis, "values": np.add.outer(axis, axis), "near": np.ones((12, 12))}
    line = {"a": {"x": [0, 1], "y": [0, 1], "lo": [0, 0.9], "hi": [0.1, 1.1], "colour": "#123456"}}
    made = [
        charts.bars([{"name": "a", "value": -0.1, "lo": -0.2, "hi": 0.0}], "drop", "alt", form="+.3f"),
        charts.curve_pair(([0, 1], [1, 0.2]), ([0, 1], [0, 1]), 0.2, "alt", ((0.5, 0.5), (0.1, 0.5))),
        charts.histogram(probs, labels, ("other", "landslide"), (0.4,), "alt"),
        charts.lines(line, "x", "y", "alt"),
        charts.boundary_map(xy, labels, rng.random(200) < 0.3, ("other", "landslide"), "alt", plane),
    ]
    assert "landslide" in words(made[2]) and "+" not in words(made[0])[0] and "\u22120.100" in words(made[0])
    ids = [found for svg in made for found in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    for svg in made:
        own = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= own
        assert all(link.startswith(("#", "data:")) for link in re.findall(r'href="([^"]+)"', svg))


def test_a_legend_says_once_what_the_colours_of_bars_stand_for():
    kinds = (("a", "SAR"), ("b", "Optical"), ("c", "SAR"))
    rows = [{"name": name, "value": 0.1, "colour": "#123456", "kind": kind} for name, kind in kinds]
    told = words(charts.bars(rows, "drop", "alt"))
    assert told.count("SAR") == told.count("Optical") == 1
    assert "SAR" not in words(charts.bars(rows[:1], "drop", "alt")), "one colour needs no legend"


def test_an_svg_file_loses_what_a_page_must_not_have():
    text = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="5pt" height="4pt" viewBox="0 0 5 4">'
        '<metadata>who</metadata><g id="unused"><clipPath id="c"/><path clip-path="url(#c)"/></g></svg>'
    )
    svg = inlined(text, "alt", "p")
    assert "who" not in svg and "unused" not in svg and 'id="p-c"' in svg and "url(#p-c)" in svg and "5pt" not in svg


def test_a_hundred_squares_are_a_hundred():
    assert counts(0.85, (0.79, 0.89)) == (79, 6, 4, 11) and counts(0.5, None) == (50, 0, 0, 50)
    assert sum(counts(0.999, (0.99, 1.0))) == 100
    svg = hundred(0.85, (0.79, 0.89), ("#00ff00", "#ff0000"), "85 found")
    rects = list(ET.fromstring(svg).iter("rect"))
    assert len(rects) == 100 and sum(rect.get("fill") == "#00ff00" for rect in rects) == 85
