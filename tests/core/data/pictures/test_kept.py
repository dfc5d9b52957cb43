"""Kept pictures come back as they were put in, or not at all; the file is bounded, and can be done without."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data.pictures import kept as module
from core.data.pictures.kept import KeptPictures

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LEAST_FREE", 0)
    return KeptPictures(tmp_path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pictures=st.dictionaries(st.binary(min_size=1, max_size=16), st.binary(max_size=300), max_size=8))
def test_what_was_put_in_comes_back(kept, pictures):
    assert kept.put(pictures)
    assert kept.get(list(pictures)) == pictures
    assert kept.known([*pictures, b"another key, longer"]) == set(pictures)


def test_nothing_is_made_by_looking(kept):
    assert kept.get([b"a"]) == {} and kept.known([b"a"]) == set() and not kept.path.parent.exists()


@pytest.mark.parametrize("change", ["picture = X'00'", "picture = NULL", "digest = NULL", "picture = 'text'"])
def test_a_picture_that_was_changed_in_the_file_does_not_come_back(kept, change):
    kept.put({b"a": b"one", b"b": b"two"})
    with sqlite3.connect(kept.path) as file:
        file.execute(f"UPDATE pictures SET {change} WHERE key = X'61'")
    file.close()
    assert kept.get([b"a", b"b"]) == {b"b": b"two"}


def test_a_picture_that_is_too_large_is_neither_kept_nor_read(kept, monkeypatch):
    kept.put({b"a": b"x" * 50})
    monkeypatch.setattr(module, "MOST_PICTURE", 20)
    assert kept.put({b"b": b"x" * 21}) and kept.get([b"a", b"b"]) == {}


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes().replace(b"PRIMARY KEY", b"\xa4RIMARY KEY")),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 60_000),
    ],
)
def test_a_damaged_file_is_begun_anew(kept, damage):
    kept.put({bytes([i]): os.urandom(20_000) for i in range(20)})
    damage(kept.path)
    for _ in range(3):  # found out while reading or while writing; nothing is raised at any time
        found = kept.get([bytes([i]) for i in range(20)])
        kept.put({b"new": b"picture"})
    assert kept.get([b"new"]) == {b"new": b"picture"} and len(found) < 20


def test_a_file_of_another_layout_is_begun_anew(kept):
    kept.path.parent.mkdir()
    with sqlite3.connect(kept.path) as file:
        file.execute("CREATE TABLE pictures (key, picture)")
    file.close()
    kept.put({b"a": b"one"})
    assert kept.put({b"a": b"one"}) and kept.get([b"a"]) == {b"a": b"one"}


@pytest.mark.parametrize("which", ["pictures.sqlite", "pictures.sqlite-journal", ""])
def test_links_are_not_followed(kept, tmp_path, which):
    elsewhere = tmp_path / "elsewhere"
    if which:
        kept.path.parent.mkdir()
        elsewhere.write_bytes(b"")
        (kept.path.parent / which).symlink_to(elsewhere)
    else:
        elsewhere.mkdir()
        kept.path.parent.symlink_to(elsewhere)
    assert not kept.put({b"a": b"one"}) and kept.get([b"a"]) == {}
    assert elsewhere.stat().st_size == 0 if which else not list(elsewhere.iterdir())


def test_a_full_disk_and_a_file_in_the_folders_place_are_done_without(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LEAST_FREE", 2**62)
    assert not kept.put({b"a": b"one"})
    (tmp_path / "file").write_bytes(b"")
    assert not KeptPictures(tmp_path / "file").put({b"a": b"one"})
    assert KeptPictures(tmp_path / "nowhere").get([b"a"]) == {}


def test_the_oldest_go_where_there_are_too_many(kept, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 2**20)
    for i in range(300):
        assert kept.put({i.to_bytes(2, "big"): os.urandom(10_000)})
    left = [i for i in range(300) if kept.known([i.to_bytes(2, "big")])]
    assert left == list(range(left[0], 300)) and 60 < len(left) < 110
    assert kept.path.stat().st_size < 1.2 * 2**20 and not kept.has_room()


def test_a_page_does_not_wait_for_long_for_somebody_who_writes(kept):
    kept.put({b"a": b"one"})
    other = sqlite3.connect(kept.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    assert kept.get([b"a"]) == {} and not kept.put({b"b": b"two"})
    assert time.monotonic() - began < 5
    other.close()
    assert kept.get([b"a"]) == {b"a": b"one"}, "what is only locked stays"


def test_processes_write_at_once_and_nothing_is_lost(kept, tmp_path):
    code = (
        "import sys; from pathlib import Path; from core.data.pictures import kept as m; m.LEAST_FREE = 0\n"
        "kept = m.KeptPictures(Path(sys.argv[1]), 30.0)\n"
        "for i in range(40): assert kept.put({f'{sys.argv[2]}-{i}'.encode(): b'x' * 5000})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=ROOT) for name in "ab"]
    assert [one.wait(60) for one in writers] == [0, 0]
    assert len(kept.known([f"{name}-{i}".encode() for name in "ab" for i in range(40)])) == 80
