"""Learning curves, drawn."""

from __future__ import annotations

import pandas as pd

from dashboard.charts import learning


def test_learning_curves_have_a_line_per_fold_and_training_loss_dotted():
    history = pd.DataFrame(
        {"fold": [0, 0, 1], "epoch": [1, 2, 1], "train_loss": [3, 2, 3], "val_loss": [4, 3, 4], "val_f1": [0.1, 0.2, 0]}
    )
    assert len(learning.learning_curves(history, "val_f1").data) == 2
    loss = learning.learning_curves(history, "val_loss")
    assert [line.line.dash for line in loss.data] == ["dot", None, "dot", None]
    assert [line.name for line in loss.data if line.name] == ["fold 1", "fold 2"]
