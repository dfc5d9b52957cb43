import numpy as np
import pytest

from core.data.inner_split import inner_split
from core.errors import FoldError

LABELS = np.arange(60) % 2
GROUPS = np.arange(60) // 4


@pytest.mark.parametrize("groups", [None, GROUPS.astype(str)])
def test_rows_are_divided_without_rest_and_no_group_is_on_both_sides(groups):
    rows = np.arange(8, 56)
    learnt, held = inner_split(rows, LABELS, groups, 0.25, seed=0)
    assert sorted([*learnt, *held]) == rows.tolist()
    assert 0.15 <= len(held) / len(rows) <= 0.35
    assert set(LABELS[learnt]) == set(LABELS[held]) == {0, 1}
    if groups is not None:
        assert not set(groups[learnt]) & set(groups[held])
    again = inner_split(rows, LABELS, groups, 0.25, seed=0)
    assert np.array_equal(learnt, again[0]) and np.array_equal(held, again[1])


def test_what_cannot_be_divided_is_told():
    one_positive_group = np.array(["a"] * 20 + ["b"] * 40)
    labels = (one_positive_group == "a").astype(int)
    with pytest.raises(FoldError, match="choose an epoch by"):
        inner_split(np.arange(60), labels, one_positive_group, 0.2, seed=0)
