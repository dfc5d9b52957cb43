"""Confusion matrix, histogram and curves: the numbers that come in are the numbers that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.metrics import pr_curve
from dashboard import theme
from dashboard.charts import scores

NAMES = ("other", "landslide")
HOSTILE = "<b onmouseover=x>slide</b>"


def test_confusion_matrix_names_the_positive_class_and_shares_of_the_true_class():
    figure = scores.confusion_matrix({"tp": 26, "fn": 5, "fp": 6, "tn": 25}, NAMES)
    shown = {(int(a.x), int(a.y)): a.text for a in figure.layout.annotations}
    assert "26" in shown[0, 0] and "83.9% of 31" in shown[0, 0] and "Found (TP)" in shown[0, 0]
    assert "<b>6</b>" in shown[0, 1] and "19.4% of 31" in shown[0, 1]
    assert list(figure.layout.yaxis.ticktext) == list(figure.layout.xaxis.ticktext) == ["landslide", "other"]


def test_confusion_matrix_without_a_class_divides_by_nothing():
    figure = scores.confusion_matrix({"tp": 0, "fn": 0, "fp": 1, "tn": 3}, NAMES)
    assert sum("no such patches" in a.text for a in figure.layout.annotations) == 2


def test_histogram_counts_every_patch_once_and_hovers_the_count_not_its_root():
    probs, labels = np.array([0.0, 0.01, 0.99, 1.0]), np.array([0, 0, 0, 1])
    figure = scores.probability_histogram(probs, labels, NAMES, [0.4, None, 0.5], bins=10)
    other, landslide = figure.data
    assert other.customdata.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert other.y[0] == pytest.approx(2**0.5)
    assert landslide.marker.color == theme.POSITIVE
    assert len(figure.layout.shapes) == 2  # the fold without a threshold has no line


def test_curves_mark_where_the_head_decides():
    curve = pr_curve(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.8]))
    figure = scores.precision_recall([scores.HeadCurve("fc", curve, (0.5, 0.75))], ("fc",), 2 / 3)
    line, dot = figure.data
    assert list(line.x) == list(curve.x)
    assert (dot.x[0], dot.y[0]) == (0.5, 0.75)
    assert "recall" in figure.layout.xaxis.title.text.lower()


def test_a_curve_of_one_class_is_empty_and_an_undefined_point_is_not_drawn():
    curve = pr_curve(np.array([0, 0]), np.array([0.1, 0.4]))
    figure = scores.roc([scores.HeadCurve("fc", curve, (float("nan"), 0.5))], ("fc",))
    assert len(figure.data) == 1 and len(figure.data[0].x) == 0


def test_long_curves_are_thinned_to_what_the_eye_sees_with_both_ends():
    rng = np.random.default_rng(0)
    curve = pr_curve(rng.integers(0, 2, 5000), rng.random(5000))
    line = scores.roc([scores.HeadCurve("fc", curve, None)], ("fc",)).data[0]
    assert len(line.x) == len(line.customdata) == scores.CURVE_POINTS
    assert (line.x[0], line.x[-1]) == (curve.x[0], curve.x[-1])


@pytest.mark.parametrize(
    "figure",
    [
        scores.confusion_matrix({"tp": 1, "fn": 1, "fp": 1, "tn": 1}, (HOSTILE, HOSTILE)),
        scores.probability_histogram(np.array([0.5]), np.array([1]), (HOSTILE, HOSTILE)),
    ],
)
def test_what_a_user_wrote_is_never_html(figure):
    assert "<b on" not in figure.to_json() and "\\u003cb on" not in figure.to_json()
    assert "onmouseover=x" in figure.to_json()


def squares_drawn(panel) -> list[tuple[int, ...]]:
    """Colour and opacity of each of a panel's squares, in rows."""
    start = scores.SIDE // 3
    middle = scores.squares(panel)[start :: scores.SIDE, start :: scores.SIDE]
    return [tuple(int(v) for v in ink) for ink in middle.reshape(-1, 4)]


def ink_of(outcome: str, opacity: float = 1.0) -> tuple[int, ...]:
    colour = theme.OUTCOME[outcome]
    return (*(int(colour[k : k + 2], 16) for k in (1, 3, 5)), round(255 * opacity))


def test_a_hundred_squares_are_the_share_and_faint_within_its_interval():
    scars = scores.Squares("100 scars", 0.839, (0.78, 0.887), ("TP", "FN"), ("found", "missed"))
    alarms = scores.Squares(f"100 {HOSTILE}", 0.876, (None, None), ("TP", "FP"), ("correct", "false"))
    assert scars.counts() == (78, 6, 5, 11) and alarms.counts() == (88, 0, 0, 12)
    faint = scores.FAINT
    expected = [*[ink_of("TP")] * 78, *[ink_of("TP", faint)] * 6, *[ink_of("FN", faint)] * 5, *[ink_of("FN")] * 11]
    assert squares_drawn(scars) == expected
    assert squares_drawn(alarms) == [ink_of("TP")] * 88 + [ink_of("FP")] * 12
    assert scars.sentence() == "Of 100 scars: 84 found, 16 missed"
    assert (scores.squares(scars)[scores.SIDE - 1] == 0).all()  # the gap shows the ground


@pytest.mark.parametrize("share", [None, float("nan")])
def test_an_undefined_share_is_a_hundred_squares_that_say_so(share):
    panel = scores.Squares("100 alarms", share, None, ("TP", "FP"), ("correct", "false"))
    assert len(set(squares_drawn(panel))) == 1 and len(squares_drawn(panel)) == 100
    assert "undefined" in panel.sentence()


@pytest.mark.parametrize(("share", "bounds"), [(0.0, (0.0, 0.04)), (1.0, (0.964, 1.0)), (0.5, (0.51, 0.6))])
def test_squares_add_up_to_a_hundred_at_either_end(share, bounds):
    counts = scores.Squares("100", share, bounds, ("TP", "FN"), ("found", "missed")).counts()
    assert sum(counts) == 100 and min(counts) >= 0 and counts[0] + counts[1] == round(100 * share)
