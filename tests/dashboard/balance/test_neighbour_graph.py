"""The graph of neighbours: who stands where, what an edge says, what a click opens."""

import numpy as np

from dashboard.balance.neighbour_graph import layout, neighbour_figure
from tests.dashboard.balance.made_answers import GRAPH


def test_the_more_similar_stand_nearer_and_every_patch_once():
    places, further = layout(GRAPH)
    radius = {name: np.hypot(*place) for name, place in places.items()}
    assert radius["a"] == 0 and radius["b"] < radius["c"] < radius["<b>d</b>"] < radius["e"]
    assert set(places) == {"a", "b", "c", "<b>d</b>", "e", "f"} and sorted(further) == ["e", "f"]
    figure = neighbour_figure(GRAPH, {("a", "b"): 2, ("c", "a"): 1}, {})
    said = [t.text[0] for t in figure.data if t.mode == "lines"]
    assert "SSIM 0.900, 2 synthetics between them" in said and "SSIM 0.500, 1 synthetic between them" in said
    clicks = [row[0] for t in figure.data if t.customdata is not None for row in t.customdata]
    assert sorted(clicks) == sorted(places)
    assert not any("<b>" in a.text for a in figure.layout.annotations)
