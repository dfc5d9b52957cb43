"""FAULTS 31: events of a million lines, damaged ones and a clock that jumps: only what is new is read, and at once."""

import json
import time

import pytest

from core.runs.store import RunFolder

LINES = 1_000_000


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A job whose events have a million lines (some 60 MB)."""
    folder = RunFolder(tmp_path_factory.mktemp("long"))
    block = "".join(
        json.dumps({"time": "2026-01-01T00:00:00.000+00:00", "event": "epoch", "epoch": i}) + "\n" for i in range(1000)
    )
    with (folder.path / "events.jsonl").open("w") as file:
        for _ in range(LINES // 1000):
            file.write(block)
    return folder


@pytest.mark.fault(31)
def test_the_newest_of_a_million_events_are_read_at_once(long):
    began = time.process_time()
    newest = long.newest_events()
    assert len(newest) == 200 and newest[-1]["epoch"] == 999 and time.process_time() - began < 0.2


@pytest.mark.fault(31)
def test_only_what_is_new_is_read(long):
    size = (long.path / "events.jsonl").stat().st_size
    began = time.process_time()
    assert long.events(size) == ([], size)
    long.add_event("epoch", epoch=LINES)
    found, offset = long.events(size)
    assert [one["epoch"] for one in found] == [LINES] and offset > size and time.process_time() - began < 0.2


@pytest.mark.fault(31)
def test_bytes_that_are_no_text_and_a_clock_that_jumps_back_lose_no_other_event(tmp_path):
    folder = RunFolder(tmp_path)
    folder.add_event("started")
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(
            b'\xff\xfe\x00 {"event": "x"}\n[1, 2]\n"text"\n\n{"event": "epoch", "time": "1970-01-01"}\n{"event": "cut'
        )
    found, offset = folder.events()
    assert [one["event"] for one in found] == ["started", "epoch"]
    assert offset == (tmp_path / "events.jsonl").stat().st_size - len('{"event": "cut')
    folder.add_event("succeeded")
    assert [one["event"] for one in folder.events(offset)[0]] == ["succeeded"]
