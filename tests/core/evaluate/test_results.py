"""What a page shows of one head comes from the out-of-fold table alone, so that older runs have it too."""

import numpy as np
import pandas as pd
import pytest

from core.errors import ConfigError
from core.evaluate.metrics import METRIC_NAMES, metrics
from core.evaluate.results import head_results


def table(n=90, group=True):
    rng = np.random.default_rng(0)
    labels, probs = np.arange(n) % 2, rng.random(n)
    oof = pd.DataFrame({"label": labels, "fold": np.arange(n) // 3 % 3, "prob_fc": probs})
    oof["group"] = [f"g{i // 3}" if group else "" for i in range(n)]
    return oof.assign(id=np.arange(n).astype(str), pred_fc=(probs > 0.4).astype(np.int8))


def test_values_folds_and_intervals_are_those_of_the_decisions():
    oof = table()
    found = head_results(oof, "fc", n_boot=100)
    assert found.values == metrics(oof["label"].to_numpy(), oof["prob_fc"].to_numpy(), pred=oof["pred_fc"].to_numpy())
    assert set(found.intervals) == set(METRIC_NAMES) and found.grouped
    assert found.folds["n"].tolist() == [30, 30, 30] and found.folds[["tn", "fp", "fn", "tp"]].to_numpy().sum() == 90
    for name in ("f1", "auc", "mcc", "brier"):
        low, high = found.intervals[name]
        assert low <= found.values[name] <= high
    assert found.roc.x[0] == 0 and found.pr.x[-1] == 1


def test_without_groups_patches_are_resampled():
    assert not head_results(table(group=False), "fc", n_boot=20).grouped


def test_an_unknown_head_is_refused():
    with pytest.raises(ConfigError, match="no head 'svm'"):
        head_results(table(), "svm")


def test_no_patch_gives_undefined_values_and_no_fold():
    found = head_results(table().iloc[:0], "fc", n_boot=20)
    assert found.values["n"] == 0 and np.isnan(found.values["f1"]) and len(found.folds) == 0
    assert np.isnan(found.intervals["f1"]).all() and "n_positive" in found.folds.columns
