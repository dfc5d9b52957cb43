"""Versions of the labels: written once, named by what they say, refused when they do not fit."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import RunConfig
from core.data.label_versions import (
    Change,
    LabelVersion,
    labels_hash,
    labels_of,
    read_version,
    resolve,
    version_names,
    versions_path,
    with_labels,
    with_version_named,
    write_version,
)
from core.data.selection import select
from core.data.store import open_dataset
from core.errors import ConfigError, DataError, FormatError, UnsafeFileError
from tests.builders import make_tiny

WHEN = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def dataset(tmp_path):
    return open_dataset(make_tiny(tmp_path / "tiny.h5", n=12, side=8))


def version(dataset, why="review", **after):
    known = dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True))
    changes = tuple(Change(name, known[name], label, "ana", WHEN) for name, label in after.items())
    of = labels_hash(dataset.ids, dataset.labels)
    return LabelVersion(0, of, WHEN, "ana", why, "agreed", changes)


@settings(max_examples=30)
@given(data=st.data())
def test_a_version_comes_back_and_changes_exactly_what_it_says(tmp_path_factory, data):
    dataset = open_dataset(make_tiny(tmp_path_factory.mktemp("d") / "tiny.h5", n=6, side=8))
    after = data.draw(st.dictionaries(st.sampled_from(dataset.ids.tolist()), st.sampled_from([-1, 0, 1])))
    made = write_version(dataset.path, version(dataset, data.draw(st.text(min_size=1, max_size=5)), **after))
    read = read_version(dataset.path, made.name)
    assert read == made and read.hash == made.hash
    labels = read.apply(dataset)
    assert (read.apply(with_labels(dataset, made.name)) == labels).all()  # of a dataset that bears them already
    for row, name in enumerate(dataset.ids.tolist()):
        assert labels[row] == after.get(name, dataset.labels[row])
    assert labels.dtype == np.int8


def test_numbers_go_up_and_names_are_found(dataset):
    first = write_version(dataset.path, version(dataset, p000=0))
    second = write_version(dataset.path, version(dataset, p001=1))
    assert version_names(dataset.path) == [first.name, second.name]
    assert [resolve(dataset.path, name) for name in ("v1", "v2", "latest", first.name)] == [
        first.name, second.name, second.name, first.name,
    ]  # fmt: skip
    assert first.name.startswith("v1-") and first.hash.startswith(first.name[3:])


@pytest.mark.parametrize("name", ["v9", "latest", "../tiny", "v1", ""])
def test_what_is_not_there_is_told(dataset, name):
    with pytest.raises(DataError, match="There are none yet: make one from a review"):
        resolve(dataset.path, name)


def test_a_version_that_was_changed_afterwards_is_refused(dataset):
    made = write_version(dataset.path, version(dataset, p000=0))
    path = versions_path(dataset.path) / f"{made.name}.json"
    path.write_text(path.read_text().replace('"after": 0', '"after": -1'))
    with pytest.raises(FormatError, match="was changed after it was made"):
        read_version(dataset.path, "v1")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"number": 1}', json.dumps({"number": 1, "changes": [{"id": "p000", "after": 2}]})]
)
def test_a_damaged_version_is_refused(dataset, text):
    made = write_version(dataset.path, version(dataset, p000=0))
    (versions_path(dataset.path) / f"{made.name}.json").write_text(text)
    with pytest.raises(FormatError, match=made.name):
        read_version(dataset.path, "latest")


def test_a_link_in_place_of_the_folder_is_refused(dataset, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    versions_path(dataset.path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFileError):
        resolve(dataset.path, "latest")


def test_a_version_of_other_labels_does_not_fit(dataset, tmp_path):
    made = version(dataset, p000=0)
    other = open_dataset(make_tiny(tmp_path / "other.h5", n=12, side=8, positive_every=4))
    smaller = open_dataset(make_tiny(tmp_path / "other2.h5", n=9, side=8))
    for stranger in (other, smaller):
        with pytest.raises(DataError, match=r"made for other contents of other"):
            replace(made, changes=(*made.changes, Change("p011", 0, 1, "ana", WHEN))).apply(stranger)


def test_a_run_uses_them_and_records_them(dataset):
    made = write_version(dataset.path, version(dataset, p000=0, p001=1, p002=-1))
    config, told = with_version_named(RunConfig().with_overrides(["data.labels=latest"]), dataset.path)
    assert (
        config.data.labels == made.name and told == f"Labels of version {made.name}: 2 corrected, 1 patches left out."
    )
    selection = select(dataset, config.data)
    assert selection.labels[:4].tolist() == [0, 1, -1, 1] and not selection.labels.flags.writeable
    assert selection.to_dict()["labels"]["hash"] == made.hash and selection.notes[0] == told
    assert select(dataset, RunConfig().data).to_dict()["labels"] is None
    excluded = config.with_overrides(['data.exclude=["p001"]'])
    assert select(dataset, excluded.data).labels[:4].tolist() == [0, -1, -1, 1]


def test_without_a_version_nothing_is_asked(dataset):
    config = RunConfig()
    assert with_version_named(config, "gone.h5") == (config, "")
    labels, none = labels_of(dataset, None)
    assert none is None and (labels == dataset.labels).all()


def test_an_empty_name_is_no_setting():
    with pytest.raises(ConfigError, match=r"data\.labels"):
        RunConfig().with_overrides(['data.labels=""'])
