"""Marked patches beside a run: named by what they hold, bounded in number, and refused when they were changed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunError
from core.review import patch_sets
from core.runs.store import RunFolder

KNOWN = [f"P{i}" for i in range(9)]


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def written(run, name):
    return run.results("marked_patches").part(name).path / patch_sets.FILE


def test_what_is_kept_is_read_again_under_the_name_of_what_it_holds(run):
    name = patch_sets.keep(run, ["P2", "P1", "P2"])
    assert patch_sets.read(run, name, KNOWN) == {"P1", "P2"}
    assert patch_sets.keep(run, ["P1", "P2"]) == name != patch_sets.keep(run, ["P1"])
    assert patch_sets.read(run, "0" * 16, KNOWN) is None
    assert patch_sets.read(run, "../../etc", KNOWN) is None


@given(st.sets(st.text(max_size=5)), st.sets(st.text(max_size=5)))
def test_other_patches_have_another_name(one, other):
    assert (patch_sets.name_of(one) == patch_sets.name_of(sorted(other))) == (one == other)


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"ids": 3}', '{"ids": [1]}', '{"ids": ["P1", "P3"]}', "null", '{"ids": "P1"}', "{"]
)
def test_a_file_that_was_changed_is_refused(run, text):
    name = patch_sets.keep(run, ["P1"])
    written(run, name).write_text(text)
    with pytest.raises(RunError, match="changed|damaged"):
        patch_sets.read(run, name, KNOWN)


def test_patches_of_another_dataset_are_refused(run):
    name = patch_sets.keep(run, ["P1", "elsewhere"])
    with pytest.raises(RunError, match="not those of its dataset"):
        patch_sets.read(run, name, KNOWN)


def test_a_link_in_its_place_is_refused(run, tmp_path):
    name = patch_sets.keep(run, ["P1"])
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"ids": ["P1"]}))
    written(run, name).unlink()
    written(run, name).symlink_to(secret)
    with pytest.raises(RunError):
        patch_sets.read(run, name, KNOWN)


def test_the_oldest_give_way_but_those_of_saved_views(run, monkeypatch):
    monkeypatch.setattr(patch_sets, "MOST", 3)
    times = iter(range(100, 200))
    monkeypatch.setattr(patch_sets, "now", lambda: f"{next(times)}")
    names = [patch_sets.keep(run, [one], spare={patch_sets.name_of(["P0"])}) for one in KNOWN[:5]]
    there = [patch_sets.read(run, name, KNOWN) is not None for name in names]
    assert there == [True, False, False, True, True]


def test_a_folder_that_is_a_file_is_told(run):
    run.path.mkdir()
    (run.path / "analyses").write_text("")
    with pytest.raises((OSError, RunError)):
        patch_sets.keep(run, ["P1"])
