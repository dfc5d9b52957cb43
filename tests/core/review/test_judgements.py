"""Judgements: nothing that was kept is lost, whoever writes at the same time, and whatever happens to the file."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DataError, FormatError, UnsafeFileError
from core.review import entry_file
from core.review.judgements import Judgements, judgements_path
from tests.results_files import ROOT


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "map"
    place.mkdir()
    return place


def said(judgements):
    return {(e.by, e.kind, e.subject): e.verdict for e in judgements.latest()}


def test_a_judgement_is_kept_with_who_when_and_why(folder):
    kept = Judgements(folder).add(
        "cell", "r3c4", "landslide", " Ana  Pérez ", note="scarp", tags=["fresh", "road"],
        place={"lonlat": (141.9, 42.7), "box": (141.8, 42.6, 142.0, 42.8)},
    )  # fmt: skip
    (read,) = Judgements(folder).latest()
    assert read == kept and read.by == "Ana Pérez" and read.label == 1
    assert read.lonlat == (141.9, 42.7) and read.tags == ("fresh", "road")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(read.at)) < timedelta(minutes=1)


def test_undo_brings_back_what_stood_before_and_is_an_entry_too(folder):
    judgements = Judgements(folder)
    assert judgements.undo("ana") is None and not judgements.path.exists()
    judgements.add("patch", "p1", "not", "ana")
    judgements.add("patch", "p1", "landslide", "ana")
    judgements.add("patch", "p1", "unsure", "ben")
    assert judgements.undo("ana").verdict == "landslide"
    assert said(judgements) == {("ana", "patch", "p1"): "not", ("ben", "patch", "p1"): "unsure"}
    assert judgements.undo("ana").verdict == "not"
    assert judgements.undo("ana") is None
    assert [e.verdict for e in judgements.history()] == ["not", "landslide", "unsure", "undo", "undo"]


def test_where_the_file_lies(folder, tmp_path):
    assert judgements_path(folder) == folder / "judgements.sqlite"
    assert judgements_path(tmp_path / "demo.h5") == tmp_path / "demo.judgements.sqlite"


def test_the_stamp_changes_with_every_entry(folder):
    judgements, seen = Judgements(folder), [(0, 0)]
    assert judgements.stamp == (0, 0)
    for _ in range(20):
        judgements.add("patch", "p", "not", "ana")
        seen.append(judgements.stamp)
        judgements.latest()
        assert judgements.stamp == seen[-1]
    assert len(set(seen)) == 21


def test_reading_makes_no_file(folder):
    judgements = Judgements(folder)
    assert judgements.latest() == judgements.history() == judgements.disagreements() == judgements.agreement() == []
    assert list(folder.iterdir()) == []


def test_progress_says_how_long_it_takes(folder, monkeypatch):
    judgements, clock = Judgements(folder), [datetime(2026, 1, 1, tzinfo=UTC)]
    monkeypatch.setattr("core.review.judgements._now", lambda: clock[0].isoformat(timespec="microseconds"))
    names = [f"p{i}" for i in range(120)]
    assert judgements.progress(names).sentence == "0 of 120"
    for name in names[:34]:
        judgements.add("patch", name, "not", "ana")
        clock[0] += timedelta(hours=2) if name == "p3" else timedelta(seconds=6)  # a pause is no time spent
    judgements.add("cell", "p50", "not", "ana")
    judgements.import_csv("subject,verdict,by\np1,not,ana\np2,not,ana\np3,not,ana\n")  # at one moment: no pace
    found = judgements.progress(names)
    assert (found.judged, found.total, found.seconds_each) == (34, 120, 6.0)
    assert found.sentence == "34 of 120, about 9 minutes left" and found.by_person == {"ana": 34}
    assert judgements.progress(names, by="ben").sentence == "0 of 120"
    assert judgements.progress(names[:34]).sentence == "34 of 34"


def test_disagreements_are_listed(folder):
    judgements = Judgements(folder)
    for who, one, two in (("ana", "not", "not"), ("ben", "landslide", "not")):
        judgements.add("patch", "p1", one, who)
        judgements.add("patch", "p2", two, who)
    (found,) = judgements.disagreements()
    assert (found.kind, found.subject, found.verdicts) == ("patch", "p1", {"ana": "not", "ben": "landslide"})
    judgements.undo("ben")
    judgements.undo("ben")
    assert judgements.disagreements() == []


def test_a_clock_that_is_set_back_reorders_nothing(folder, monkeypatch):
    judgements, times = (
        Judgements(folder),
        iter(["2026-05-01T10:00:00.000000+00:00", "2026-05-01T09:00:00.000000+00:00"]),
    )
    monkeypatch.setattr("core.review.judgements._now", lambda: next(times))
    judgements.add("patch", "p", "not", "ana")
    judgements.add("patch", "p", "landslide", "ana")
    assert said(judgements) == {("ana", "patch", "p"): "landslide"}


# ------------------------------------------------------------------------------------------------ several at once


JUDGE = """
for i in range(12):
    Judgements(place).add("patch", f"p{i}", "landslide" if i % 2 else "not", who)
    if i % 5 == 4:
        Judgements(place).undo(who)
"""
JUDGE_ON = """
while True:
    Judgements(place).add("patch", "p", "not", who)
"""


def another_process(code, place, who):
    """Begins a reviewer of its own; not by multiprocessing, which runs anew what a page's test made the main module."""
    begin = "import sys\nfrom core.review.judgements import Judgements\nplace, who = sys.argv[1:]\n"
    return subprocess.Popen([sys.executable, "-c", begin + code, str(place), who], cwd=ROOT)


def test_two_processes_lose_no_judgement(folder):
    workers = [another_process(JUDGE, folder, who) for who in ("ana", "ben")]
    assert [worker.wait(120) for worker in workers] == [0, 0]  # each waits for a disk that others may keep busy
    judgements = Judgements(folder)
    for who in ("ana", "ben"):
        mine = [e for e in judgements.history() if e.by == who]
        assert len(mine) == 14 and [e.at for e in mine] == sorted(e.at for e in mine)
        left = {f"p{i}": "landslide" if i % 2 else "not" for i in range(12) if i % 5 != 4}
        assert {e.subject: e.verdict for e in judgements.latest(by=who)} == left
    assert sorted(path.name for path in folder.iterdir()) == ["judgements.sqlite"]
    assert judgements.agreement()[0].same == 1.0


def test_a_killed_writer_leaves_what_was_kept(folder):
    worker = another_process(JUDGE_ON, folder, "ana")
    while len(Judgements(folder).history()) < 5:
        assert worker.poll() is None
        time.sleep(0.01)
    worker.kill()
    worker.wait(20)
    before = len(Judgements(folder).history())
    Judgements(folder).add("patch", "q", "not", "ben")
    assert len(Judgements(folder).history()) == before + 1


WHO = st.sampled_from(["ana", "ben"])
STEPS = st.lists(
    st.one_of(
        st.tuples(WHO, st.sampled_from(["p1", "p2"]), st.sampled_from(["landslide", "not", "unsure"])),
        st.tuples(WHO, st.just("undo"), st.just("")),
    ),
    max_size=14,
)


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_any_order_of_two_writers_and_undos_is_as_each_alone(tmp_path_factory, steps):
    """Against a model: each person has a stack of judgements; the last of each subject that is left stands."""
    folder = tmp_path_factory.mktemp("both")
    desks = {"ana": Judgements(folder), "ben": Judgements(folder)}
    stacks = {"ana": [], "ben": []}
    for who, subject, verdict in steps:
        if subject == "undo":
            taken = desks[who].undo(who)
            assert (taken and (taken.subject, taken.verdict)) == (stacks[who].pop() if stacks[who] else None)
        else:
            desks[who].add("patch", subject, verdict, who)
            stacks[who].append((subject, verdict))
    expected = {(who, "patch", subject): verdict for who, stack in stacks.items() for subject, verdict in stack}
    assert said(desks["ana"]) == said(desks["ben"]) == expected


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "pixel"}, "cannot be judged. Accepted: patch, cell"),
        ({"verdict": "maybe"}, "Accepted: landslide, not, unsure, bad image, duplicate"),
        ({"verdict": "undo"}, "An undo names"),
        ({"by": "  "}, "reviewer's name is missing"),
        ({"subject": ""}, "is missing"),
        ({"subject": "a\0"}, "cannot be stored"),
        ({"note": "x" * 4001}, "at most 4,000"),
        ({"note": "\ud800"}, "cannot be stored"),
        ({"tags": "road"}, "as a list"),
        ({"tags": ["a;b"]}, "semicolon"),
        ({"place": {"lonlat": (42.7, 141.9)}}, "longitude, latitude"),
        ({"place": {"lonlat": (float("nan"), 0)}}, "longitude, latitude"),
        ({"place": {"box": (0, 2, 1, 1)}}, "south is north"),
        ({"place": {"lat": 1}}, "found lat"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is(folder, wrong, words):
    values = {"kind": "patch", "subject": "p", "verdict": "not", "by": "ana"} | wrong
    with pytest.raises(DataError, match=words):
        Judgements(folder).add(**values)
    assert list(folder.iterdir()) == []


def test_judging_beside_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"demo\.h5 is not there"):
        Judgements(tmp_path / "demo.h5").add("patch", "p", "not", "ana")


def test_a_locked_file_is_told_of_and_read_afterwards(folder, monkeypatch):
    monkeypatch.setattr(entry_file, "LOCK_TIMEOUT_S", 0.05)
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    other = sqlite3.connect(judgements.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DataError, match="in use by somebody else just now. Nothing was kept"):
        judgements.add("patch", "q", "not", "ana")
    assert len(judgements.latest()) == 1  # reading goes on
    other.close()
    judgements.add("patch", "q", "not", "ana")
    assert len(judgements.latest()) == 2


def test_a_file_that_is_read_only_can_be_read(folder, monkeypatch):
    """As SQLite says it of a file that may not be written, also to root."""
    judgements, connect = Judgements(folder), entry_file._connect
    judgements.add("patch", "p", "not", "ana")

    def read_only(path):
        connection = connect(path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    monkeypatch.setattr(entry_file, "_connect", read_only)
    assert len(judgements.latest()) == 1
    for ask in (lambda: judgements.add("patch", "q", "not", "ana"), lambda: judgements.undo("ana")):
        with pytest.raises(DataError, match="Nothing was kept. Make the folder writable"):
            ask()
    assert len(judgements.history()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_is_read_only_can_be_read(folder):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    judgements.path.chmod(0o444)
    folder.chmod(0o555)
    try:
        assert len(judgements.latest()) == 1
        with pytest.raises(DataError, match="Make the folder writable"):
            judgements.add("patch", "q", "not", "ana")
    finally:
        folder.chmod(0o755)


def test_a_file_that_cannot_be_written_is_told_of(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(entry_file, "replacing", refuse)
    with pytest.raises(DataError, match="Permission denied.*Nothing was kept"):
        Judgements(folder).add("patch", "p", "not", "ana")


def test_a_full_disk_keeps_what_was_there(folder, monkeypatch):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    open_file = entry_file._connect

    def small(path):
        connection = open_file(path)
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
        return connection

    monkeypatch.setattr(entry_file, "_connect", small)
    with pytest.raises(DataError, match="disk is full: nothing was kept"):
        for _ in range(200):
            judgements.add("patch", "q", "not", "ana", note="x" * 4000)
    monkeypatch.undo()
    assert {e.subject for e in judgements.latest()} >= {"p"}


@pytest.mark.parametrize("keep", [0, 100, 3000, 5000])
def test_a_torn_file_is_refused_and_left_as_it_is(folder, keep):
    judgements = Judgements(folder)
    for i in range(20):
        judgements.add("patch", f"p{i}", "not", "ana", note="n" * 300)
    whole = judgements.path.read_bytes()
    judgements.path.write_bytes(whole[:keep])
    for ask in (judgements.latest, lambda: judgements.add("patch", "q", "not", "ana"), lambda: judgements.undo("ana")):
        with pytest.raises(DataError, match=r"damaged .*Put back a copy"):
            ask()
    assert judgements.path.read_bytes() == whole[:keep]
    judgements.path.write_bytes(whole)
    assert len(judgements.latest()) == 20


def test_bytes_that_are_no_text_are_damage_and_told_so(folder):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    whole = judgements.path.read_bytes()
    judgements.path.write_bytes(whole.replace(b"UNIQUE, at TEXT", b"\xa4NIQUE, at TEXT"))
    with pytest.raises(DataError, match=r"damaged .*Put back a copy"):
        judgements.latest()
    judgements.path.write_bytes(whole.replace(b"ana", b"a\xa4a"))
    with pytest.raises(DataError, match=r"damaged .*Put back a copy"):
        judgements.latest()


def test_another_kind_of_file_is_refused(folder):
    judgements = Judgements(folder)
    judgements.path.write_bytes(b"id,label\n" * 200)
    with pytest.raises(DataError, match="damaged"):
        judgements.latest()
    judgements.path.unlink()
    with sqlite3.connect(judgements.path) as other:
        other.execute("CREATE TABLE entries (x)")
    other.close()
    with pytest.raises(FormatError, match="holds no judgements"):
        judgements.add("patch", "p", "not", "ana")


def test_a_newer_version_is_refused(folder):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    newer = sqlite3.connect(judgements.path)
    newer.execute("PRAGMA user_version = 9")
    newer.close()
    with pytest.raises(FormatError, match="newer Landslide Lens"):
        judgements.latest()


def test_a_file_with_foreign_triggers_is_refused(folder):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    other = sqlite3.connect(judgements.path)
    other.execute("CREATE TRIGGER x AFTER INSERT ON entries BEGIN SELECT load_extension('x'); END")
    other.close()
    with pytest.raises(DataError, match="not those of judgements"):
        judgements.add("patch", "q", "not", "ana")


def test_entries_cannot_be_changed_by_another_program(folder):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    other = sqlite3.connect(judgements.path)
    for statement in ("UPDATE entries SET verdict = 'landslide'", "DELETE FROM entries"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            other.execute(statement)
    other.close()


def test_a_link_is_not_followed(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere.sqlite"
    (folder / "judgements.sqlite").symlink_to(elsewhere)
    with pytest.raises(UnsafeFileError, match="is a link"):
        Judgements(folder).add("patch", "p", "not", "ana")
    assert not elsewhere.exists()


def test_a_copy_of_the_one_file_holds_everything(folder, tmp_path):
    judgements = Judgements(folder)
    judgements.add("patch", "p", "not", "ana")
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(judgements.path, copy)
    assert Judgements(copy).history() == judgements.history()
