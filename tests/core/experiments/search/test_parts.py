"""What a search looks at and what judges its winner: apart in every way, and the dataset's own test in neither."""

import numpy as np
import pytest

from core.config import preset
from core.data.held_back.split_parts import split_parts
from core.data.store import open_dataset
from core.errors import FoldError
from core.experiments.search.parts import parts_of
from core.flow.shared import Shared
from tests.builders import make_tiny
from tests.example_data import with_test_part

CONFIG = preset("demo")


def test_the_datasets_own_test_part_is_searched_by_nobody_and_judges_nobody(tmp_path):
    data = open_dataset(with_test_part(tmp_path / "split.h5"))
    locked = split_parts(data) == "test"
    (part,) = parts_of(data, CONFIG, "held_back", 0.5, 2, Shared())
    assert locked.any() and not locked[part.search].any() and not locked[part.outer].any()
    assert set(part.exclude).isdisjoint(data.ids[part.search]) and set(data.ids[part.outer]) <= set(part.exclude)


def test_nested_parts_judge_every_patch_once_and_divide_no_group(tmp_path):
    data = open_dataset(make_tiny(tmp_path / "tiny.h5", n=72, side=16))
    parts = parts_of(data, CONFIG, "nested", 0.25, 3, Shared())
    assert sorted(np.concatenate([part.outer for part in parts])) == list(range(72))
    for part in parts:
        assert set(data.groups[part.search]).isdisjoint(data.groups[part.outer])
        assert set(part.config(CONFIG).data.exclude) == set(data.ids[part.outer])


def test_a_part_too_small_to_judge_with_is_refused(tmp_path):
    data = open_dataset(make_tiny(tmp_path / "tiny.h5", n=36, side=16))
    with pytest.raises(FoldError, match="5 of each are needed"):
        parts_of(data, CONFIG, "held_back", 0.1, 2, Shared())
