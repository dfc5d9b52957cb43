"""Inventories joined as an analysis: the join beside the dataset, what was set aside, and no upload that stays."""

import io

import pytest

from core.analyses.datasets.inventory_join import ANALYSIS, read
from core.data import uploads
from core.data.inventories.join import join_path, read_join
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError, FormatError
from core.progress import drain
from core.runs.targets import DatasetTarget
from tests.builders import make_dataset

CSV = b"event_id,longitude,latitude\n1,10.001,46.0\n2,,46.0\n3,10.2,46.0\n"


@pytest.fixture
def target(tmp_path):
    """Ten patches on a line near 10 E, 46 N."""
    data = make_dataset(tmp_path / "plain.h5", n=10)
    path = tmp_path / "datasets" / "placed.h5"
    with DatasetWriter(
        path, bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source=""
    ) as writer:
        places = [[10 + 0.01 * k, 46.0] for k in range(10)]
        writer.append(data.images(), data.labels, [f"p{k}" for k in range(10)], lonlat=places)
        writer.finish()
    return DatasetTarget(path, tmp_path)


def upload(root, content=CSV):
    folder = uploads.keep([uploads.Upload("my events.csv", io.BytesIO(content), (".csv",))], root)
    return uploads.files_in(folder)


def test_uploads_are_joined_under_their_own_names_and_gone(target):
    files = upload(target.checkpoints)
    result = drain(ANALYSIS.start(target, {"files": files, "names": ["my events.csv"], "uploaded": True}))
    assert result["message"] == "2 events read, 1 rows set aside."
    found, join = read(target), read_join(open_dataset(target.path))
    assert found.aside["file"].tolist() == ["my events.csv"] and found.aside["line"].tolist() == [3]
    assert join.card["inventories"] == ["my events.csv"] and join.card["within_km"] == 1.0 and join.joined.sum() == 2
    assert not files[0].exists() and not (target.checkpoints / "datasets" / ".uploads").exists()


def test_files_of_the_server_stay_and_filters_are_heeded(target, tmp_path):
    (tmp_path / "events.csv").write_bytes(CSV)
    drain(ANALYSIS.start(target, {"files": [tmp_path / "events.csv"], "within_km": 500, "uploaded": True}))
    assert (tmp_path / "events.csv").is_file() and read_join(open_dataset(target.path)).joined.all()


def test_what_cannot_be_joined_ends_in_a_sentence_and_keeps_what_was_there(target):
    (path,) = upload(target.checkpoints, b"ID,label\na,1\n")
    with pytest.raises(FormatError, match="no columns of latitude"):
        drain(ANALYSIS.start(target, {"files": [path], "uploaded": True}))
    assert not path.exists() and not join_path(target.path).exists() and read(target) is None
    (path,) = upload(target.checkpoints)
    with pytest.raises(DataError, match="has no coordinates"):
        drain(ANALYSIS.start(DatasetTarget(target.checkpoints / "plain.h5", target.checkpoints), {"files": [path]}))


def test_options_are_bounded(target):
    for options in ({"files": []}, {"within_km": 0}, {"within_km": 501}, {"min_confidence": 9}):
        with pytest.raises(ConfigError):
            ANALYSIS.options({"files": ["x.csv"], **options})
