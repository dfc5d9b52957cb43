import numpy as np
import pytest

from core.config import RunConfig
from core.data import exclusions
from core.data.bands import RGB_BANDS
from core.data.exclusions import add, current_exclusions, exclusions_path, read_exclusions, remove, without_excluded
from core.data.store import DatasetWriter, open_dataset
from core.errors import DataError, FormatError


def made(path, ids):
    with DatasetWriter(path, bands=RGB_BANDS, shape_hw=(4, 4), class_names=("a", "b"), source="") as writer:
        writer.append(np.zeros((len(ids), 3, 4, 4), np.float32), np.arange(len(ids)) % 2, ids)
        return writer.finish().path


@pytest.fixture
def dataset(tmp_path):
    return made(tmp_path / "x.h5", ["p0", "p1", "p2", '=HYPER,"x"\n<img>'])


def test_nothing_is_excluded_at_first(dataset):
    assert read_exclusions(dataset).empty and not exclusions_path(dataset).exists()
    config = RunConfig()
    assert without_excluded(config, open_dataset(dataset)) == (config, "")


def test_adding_survives_reading_and_removing_undoes_it(dataset):
    add(dataset, ["p1", '=HYPER,"x"\n<img>', "p1"], " copies, of p0 ")
    table = read_exclusions(dataset)
    assert table["id"].tolist() == ["p1", '=HYPER,"x"\n<img>']
    assert set(table["reason"]) == {"copies, of p0"} and table["added_utc"].str.endswith("+00:00").all()
    add(dataset, ["p1"], "another reason")
    assert read_exclusions(dataset).set_index("id").loc["p1", "reason"] == "another reason"
    remove(dataset, ["p1", '=HYPER,"x"\n<img>'])
    assert read_exclusions(dataset).empty and not exclusions_path(dataset).exists()


def test_unknown_ids_are_named_and_nothing_is_written(dataset):
    with pytest.raises(DataError, match="no patch named q9"):
        add(dataset, ["p0", "q9"], "x")
    assert not exclusions_path(dataset).exists()
    with pytest.raises(DataError, match="p0: not on the exclusion list"):
        remove(dataset, ["p0"])


def test_stale_ids_are_named_and_not_fatal(tmp_path, dataset):
    add(dataset, ["p0", "p2"], "x")
    made(dataset, ["p0", "other"])
    assert current_exclusions(open_dataset(dataset)) == (("p0",), ("p2",))
    config, note = without_excluded(RunConfig().with_overrides(["data.exclude=other"]), open_dataset(dataset))
    assert config.data.exclude == ("other", "p0")
    assert "1 patch of x.exclude.csv is left out." in note and "does not have: p2" in note


def test_a_damaged_list_is_told_of(dataset):
    exclusions_path(dataset).write_text("who,why\np0,x\n")
    with pytest.raises(FormatError, match="has no columns id, reason, added_utc"):
        read_exclusions(dataset)
    exclusions_path(dataset).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="cannot be read"):
        exclusions.read_exclusions(dataset)
