"""Which decisions change, checked by hand on four patches."""

import pandas as pd
import pytest

from core.analyses.bands.flips import answers_of, flipped, groups_of
from core.errors import RunError

FACTS = {"id": list("abcd"), "label": [1, 1, 0, 0], "fold": 0, "group": ["x", "x", "", "y"]}
TABLE = pd.concat(
    [
        pd.DataFrame(FACTS | {"scenario": "intact", "policy": "as_is", "prob": [0.9, 0.4, 0.1, 0.7],
                              "pred": [1, 0, 0, 1]}),
        pd.DataFrame(FACTS | {"scenario": "sar_lost", "policy": "mean", "prob": [0.2, 0.6, 0.8, 0.6],
                              "pred": [0, 1, 1, 1]}),
    ],
    ignore_index=True,
)  # fmt: skip


def test_the_largest_change_comes_first_and_each_kind_has_its_name():
    flips = flipped(TABLE, "sar_lost", "mean")
    assert flips[["id", "change"]].values.tolist() == [["a", "missed"], ["c", "new alarm"], ["b", "found"]] or (
        flips[["id", "change"]].values.tolist() == [["c", "new alarm"], ["a", "missed"], ["b", "found"]]
    )  # a and c moved alike
    assert flips.loc[flips["id"] == "a", ["prob", "prob_after", "pred", "pred_after"]].values.tolist() == [
        [0.9, 0.2, 1, 0]
    ]
    assert flipped(TABLE, "intact", "as_is").empty


def test_a_patch_without_a_group_stands_for_itself():
    assert groups_of(answers_of(TABLE, "intact", "as_is")).tolist() == ["x", "x", "c", "y"]
    assert groups_of(answers_of(TABLE.assign(group=""), "intact", "as_is")) is None


def test_a_scenario_without_results_is_named():
    with pytest.raises(RunError, match="no results for the scenario 'flood' with the policy 'mean'"):
        answers_of(TABLE, "flood", "mean")
