"""Figures of the Balance page hold the numbers they were given and escape what a user wrote."""

import numpy as np

from dashboard import theme
from dashboard.balance import charts
from tests.dashboard.balance.made_answers import stops


def test_curves_mark_the_stop_the_threshold_and_what_is_stored():
    figure = charts.interpolation_curves(stops(["a", "b", "c"]), 1.5, "<b>slide</b>", "svm_c0.1")
    lines = [shape.x0 for shape in figure.layout.shapes if shape.line.color == charts.STOP]
    assert set(lines) == {1.5} and "&lt;b&gt;" in figure.layout.yaxis.title.text
    diamonds = next(t for t in figure.data if t.marker.symbol == "diamond-open")
    assert list(diamonds.y) == [0.9, 0.5, 0.1]
    assert 0.4 in [shape.y0 for shape in figure.layout.shapes]


def test_colours_tell_real_against_real_from_the_tests():
    test = {"auc": 0.8, "lo": 0.7, "hi": 0.9, "n": [9, 9]}
    figure = charts.two_samples({"statistics": test, "real_against_real": test, "embedding": test | {"auc": None}})
    assert list(figure.data[0].marker.color) == [theme.POSITIVE, theme.INK]


def test_noise_scores_stand_beside_what_predicting_positive_everywhere_gives():
    noise = {"f1": {"folds_over_all": 0.96, "before_folds": 0.83, "inside_fold": 0.03}, "f1_all_positive": 0.3}
    figure = charts.noise_labels(noise)
    assert list(figure.data[0].x) == [0.96, 0.83, 0.03] and figure.layout.shapes[0].x0 == 0.3
    assert list(figure.data[0].marker.color) == [theme.OUTCOME["FN"], theme.OUTCOME["FN"], theme.OUTCOME["TP"]]


def test_a_difference_is_signed_and_its_scale_even_on_both_sides():
    values = np.zeros((8, 8))
    values[0, :] = 0.5
    (picture,) = charts.difference_picture(values, "<b>dB</b>").data
    assert picture.zmax == -picture.zmin == 0.5 and np.array_equal(picture.z, values)
    assert picture.colorbar.title.text == "&lt;b&gt;dB&lt;/b&gt;"
    (nothing,) = charts.difference_picture(np.full((8, 8), np.nan), "dB").data
    assert nothing.zmax > 0


def test_the_margin_has_its_boundary():
    figure = charts.interpolation_margin(stops(["a", "b", "c"]), 0.5)
    assert 0.0 in [shape.y0 for shape in figure.layout.shapes] and figure.data[0].y[0] == 1
