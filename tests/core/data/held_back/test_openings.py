"""The list of openings beside a dataset only grows, and nothing is shown that it does not hold."""

import numpy as np
import pytest

from core.data.held_back.openings import FIELDS, openings_path, read_openings, record_opening, set_hash
from core.data.store import open_dataset
from core.errors import DataError
from tests.builders import make_tiny

FACTS = {
    "run": "r1", "part": "test", "set": "s", "n": 4, "head": "fc", "threshold": 0.5, "f1": 0.8,
    "f1_interval": [0.7, 0.9], "auc": 0.9,
}  # fmt: skip


def test_openings_are_added_with_who_and_when(tmp_path):
    data = tmp_path / "x.h5"
    assert read_openings(data) == []
    record_opening(data, FACTS)
    first = openings_path(data).read_text()
    record_opening(data, {**FACTS, "run": "r2", "part": "val"})
    assert openings_path(data).read_text().startswith(first)
    assert [one["run"] for one in read_openings(data)] == ["r1", "r2"]
    assert [one["run"] for one in read_openings(data, "val")] == ["r2"]
    assert all(set(one) == set(FIELDS) and one["who"] and one["when"] for one in read_openings(data))


@pytest.mark.parametrize("text", ["{", "[]\n", '{"run": "r1"}\n', "\ufffd\n"])
def test_a_damaged_list_is_told_and_not_passed_over(tmp_path, text):
    openings_path(tmp_path / "x.h5").write_text(text)
    with pytest.raises(DataError, match="list of openings, cannot be read"):
        read_openings(tmp_path / "x.h5")


def test_what_cannot_be_recorded_is_refused(tmp_path):
    openings_path(tmp_path / "x.h5").mkdir()
    with pytest.raises(DataError, match="would leave no trace"):
        record_opening(tmp_path / "x.h5", FACTS)


def test_a_set_is_named_by_its_patches_and_labels_alone(tmp_path):
    one, other = (open_dataset(make_tiny(tmp_path / f"{k}.h5", n=12, seed=k)) for k in range(2))
    rows = np.array([1, 5, 7])
    assert set_hash(one, rows) == set_hash(other, rows[::-1]) != set_hash(one, rows[:2])
