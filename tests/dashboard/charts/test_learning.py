"""Learning curves, drawn."""

from __future__ import annotations

import pandas as pd

from dashboard.charts import learning


def _history():
    return pd.DataFrame(
        {"fold": [0, 0, 1], "epoch": [1, 2, 1], "train_loss": [3, 2, 3], "val_loss": [4, 3, 4], "val_f1": [0.1, 0.2, 0]}
    )


def test_learning_curves_are_a_mean_between_the_lowest_and_highest_fold():
    names = [line.name for line in learning.learning_curves(_history(), "val_f1").data if line.name]
    assert names == ["Lowest to highest fold", "Mean of 2 folds"]
    mean = learning.learning_curves(_history(), "val_f1").data[-1]
    assert list(mean.y) == [0.05, 0.2]
    loss = learning.learning_curves(_history(), "val_loss")
    assert loss.data[-1].line.dash == "dot"
    assert list(loss.layout.xaxis.tickvals) == [1, 2], "whole epochs"


def test_accuracy_has_both_parts_where_a_run_kept_both():
    """Paper B's Figure 8."""
    history = _history().assign(train_accuracy=[0.5, 0.75, 0.7], val_accuracy=[0.4, 0.6, 0.6])
    figure = learning.learning_curves(history, "val_accuracy")
    assert list(figure.data[-1].y) == [0.6, 0.75] and figure.data[-1].name == "Training part"
    earlier = learning.learning_curves(history.assign(train_accuracy=float("nan")), "val_accuracy")
    assert earlier.data[-1].name == "Mean of 2 folds"


def test_the_running_fold_is_a_line_of_its_own_and_each_fold_on_request():
    running = learning.learning_curves(_history(), "val_f1", running=1)
    assert running.data[-1].name == "fold 2, running"
    each = learning.learning_curves(_history(), "val_f1", each=True)
    assert [line.name for line in each.data][-2:] == ["fold 1", "fold 2"]


def test_the_strip_says_how_far_each_fold_is():
    strip = learning.fold_strip({0: 4, 1: 2}, 3, 4)
    assert list(strip.layout.xaxis.ticktext) == ["Fold 1", "Fold 2: 2 of 4", "Fold 3"]
