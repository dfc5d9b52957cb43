"""Figures: the numbers that come in are the numbers that are drawn, with their colours and their words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.evaluate.metrics import pr_curve
from dashboard import theme
from dashboard.charts import counts, intervals, learning, scores

NAMES = ("other", "landslide")
HOSTILE = "<b onmouseover=x>slide</b>"


def texts(figure) -> str:
    return figure.to_json()


def test_class_counts_keep_one_colour_a_class():
    figure = counts.class_counts(
        {"before": {"landslide": 3, "other": 9}, "after": {"landslide": 3, "other": 9, "synthetic landslide": 6}},
        positive="landslide",
    )
    colours = {bar.name: bar.marker.color for bar in figure.data}
    assert colours == {
        "landslide": theme.POSITIVE, "other": theme.NEGATIVE, "synthetic landslide": theme.SYNTHETIC,
    }  # fmt: skip
    assert [list(bar.x) for bar in figure.data if bar.name == "synthetic landslide"] == [[0, 6]]


def test_confusion_matrix_names_the_positive_class_and_shares_of_the_true_class():
    figure = scores.confusion_matrix({"tp": 26, "fn": 5, "fp": 6, "tn": 25}, NAMES)
    shown = {(int(a.x), int(a.y)): a.text for a in figure.layout.annotations}
    assert "26" in shown[0, 0] and "83.9% of 31" in shown[0, 0] and "landslide, found" in shown[0, 0]
    assert "<b>6</b>" in shown[0, 1] and "19.4% of 31" in shown[0, 1]
    assert list(figure.layout.yaxis.ticktext) == ["is landslide", "is other"]


def test_confusion_matrix_without_a_class_divides_by_nothing():
    figure = scores.confusion_matrix({"tp": 0, "fn": 0, "fp": 1, "tn": 3}, NAMES)
    assert sum("no such patch" in a.text for a in figure.layout.annotations) == 2


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


def test_learning_curves_have_a_line_a_fold_and_training_loss_dotted():
    history = pd.DataFrame(
        {"fold": [0, 0, 1], "epoch": [1, 2, 1], "train_loss": [3, 2, 3], "val_loss": [4, 3, 4], "val_f1": [0.1, 0.2, 0]}
    )
    assert len(learning.learning_curves(history, "val_f1").data) == 2
    loss = learning.learning_curves(history, "val_loss")
    assert [line.line.dash for line in loss.data] == ["dot", None, "dot", None]
    assert [line.name for line in loss.data if line.name] == ["fold 1", "fold 2"]


def test_heads_show_their_interval_and_only_where_it_is_known():
    heads = {
        "fc": {"f1": 0.8, "intervals": {"f1": [0.7, 0.85]}},
        "svm_c1": {"f1": 0.7, "intervals": {"f1": [None, None]}},
        "stats_svm": {"f1": None, "intervals": {}},
    }
    figure = intervals.heads_comparison(heads)
    assert [trace.y[0] for trace in figure.data] == ["Fully connected", "SVM (C 1)"]
    assert figure.data[0].error_x.array[0] == pytest.approx(0.05)
    assert figure.data[0].error_x.arrayminus[0] == pytest.approx(0.1)
    assert figure.data[1].error_x.array is None


def test_a_difference_whose_interval_holds_zero_is_grey():
    rows = [("a", 0.1, -0.1, 0.3), ("b", 0.1, 0.05, 0.2), ("c", -0.1, -0.2, -0.05), ("d", 0.1, np.nan, np.nan)]
    colours = [trace.marker.color for trace in intervals.differences(rows, "Difference").data]
    assert colours == [theme.INK, theme.OUTCOME["TP"], theme.OUTCOME["FN"], theme.INK]


def test_occlusion_bars_keep_the_order_of_bands_and_colour_by_kind():
    table = pd.DataFrame(
        {
            "title": ["Red", "Descending VV", "Near infrared"], "family": ["optical", "sar_post", "optical"],
            "drop": [0.2, 0.1, -0.1], "lo": [0.1, 0.0, -0.2], "hi": [0.3, 0.2, 0.0],
        }
    )  # fmt: skip
    figure = intervals.occlusion_bars(table, "Drop")
    assert {bar.name: list(bar.x) for bar in figure.data} == {"Optical": [0.2, -0.1], "SAR after": [0.1]}
    assert list(figure.layout.yaxis.categoryarray) == ["Near infrared", "Descending VV", "Red"]
    assert list(figure.data[0].error_x.array) == pytest.approx([0.1, 0.1])
    assert figure.data[0].marker.color == theme.FAMILY["optical"]


def test_heads_probabilities_carry_their_thresholds():
    figure = intervals.head_probabilities({"fc": 0.7, "svm_c1": 0.2}, {"fc": 0.5, "svm_c1": 0.3}, "landslide")
    bars, ticks = figure.data
    assert list(bars.x) == [0.7, 0.2] and list(ticks.x) == [0.5, 0.3]


@pytest.mark.parametrize(
    "figure",
    [
        counts.class_counts({HOSTILE: {HOSTILE: 3}}, HOSTILE),
        scores.confusion_matrix({"tp": 1, "fn": 1, "fp": 1, "tn": 1}, (HOSTILE, HOSTILE)),
        scores.probability_histogram(np.array([0.5]), np.array([1]), (HOSTILE, HOSTILE)),
        intervals.head_probabilities({"fc": 0.7}, {"fc": 0.5}, HOSTILE),
        intervals.differences([(HOSTILE, 0.1, 0.0, 0.2)], "Difference"),
        intervals.occlusion_bars(pd.DataFrame({"title": [HOSTILE], "family": [HOSTILE], "drop": [0.1]}), "Drop"),
    ],
)
def test_what_a_user_wrote_is_never_html(figure):
    assert "<b on" not in texts(figure) and "\\u003cb on" not in texts(figure)
    assert "onmouseover=x" in texts(figure)
