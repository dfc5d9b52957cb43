"""A dataset file damaged or made up in any way: it opens and its patches are read, or one line says why not."""

import os
import resource
import time

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from core.data.store import open_dataset
from core.data.store.contents import MAX_TEXT_BYTES
from core.errors import DataError, FormatError, LandslideLensError, UnsafeFileError
from tests.builders import make_tiny
from tests.faults.mutations import _json as changed_json
from tests.faults.mutations import bytewise, mutated, of_json

SECONDS, MEBIBYTES = 5.0, 600
SLOW = settings(
    max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
QUICK = settings(SLOW, max_examples=80)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A dataset file of 24 patches."""
    home = tmp_path_factory.mktemp("fuzzed")
    make_tiny(home / "other.h5", n=9, side=8)
    return make_tiny(home / "tiny.h5", n=24, side=16)


def hold(path):
    """Read all there is to read: success or one line, in bounded time and memory."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    try:
        data = open_dataset(path)
        rows = range(min(len(data), 30))
        data.images(list(rows))
        if data.has_masks:
            data.masks(list(rows))
        assert len(data.ids) == len(data.labels) and len(data.bands) == data.shape[0] == len(data.statistics)
    except LandslideLensError as error:
        assert "\n" not in str(error) and len(str(error)) < 2100
    took = time.monotonic() - began
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert took < SECONDS and used < MEBIBYTES, f"{took:.1f} s, {used:.0f} MiB"


@pytest.mark.fault(14)
@QUICK
@given(mutation=bytewise)
def test_a_dataset_file_from_a_stranger_is_read_or_refused(path, mutation):
    with mutated(path, mutation, [path.with_name("other.h5")]):
        hold(path)


@pytest.mark.fault(14)
@pytest.mark.slow
@SLOW
@given(mutation=bytewise)
def test_a_dataset_file_from_a_stranger_is_read_or_refused_whatever_is_done_to_it(path, mutation):
    with mutated(path, mutation, [path.with_name("other.h5")]):
        hold(path)


@pytest.mark.fault(14)
@QUICK
@given(mutation=of_json)
def test_a_card_that_lies_is_refused(path, tmp_path_factory, mutation):
    other = _with_card(path, tmp_path_factory.mktemp("card") / "x.h5", mutation)
    hold(other)


def _with_card(path, other, mutation):
    import json

    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        card = json.loads(file["card"][()].tobytes())
        text = changed_json(card, mutation.how, mutation.where, mutation.what)
        del file["card"]
        file["card"] = np.frombuffer(text, np.uint8)
    return other


def _made(path, other, change):
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        change(file)
    return other


def _swap(name, value):
    def change(file):
        file.pop(name, None)
        file[name] = value

    return change


def _unwritten(file):
    """Twenty million patches of one pixel that nobody wrote: a few KB."""
    for name in ("images", "labels", "ids"):
        del file[name]
    file.create_dataset("images", (20_000_000, 3, 1, 1), "u1", chunks=(1000, 3, 1, 1))
    file.create_dataset("labels", (20_000_000,), "i1", chunks=(10**6,))
    file.create_dataset("ids", (20_000_000,), "S1", chunks=(10**6,))


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_swap("labels", np.full(24, 300)), "labels"),
        (_swap("labels", np.full(24, np.nan)), "labels"),
        (_swap("ids", np.arange(24)), "ids"),
        (_swap("ids", np.array([b"\xff%d" % i for i in range(24)])), "is damaged"),
        (_swap("ids", np.array([b"x"] * 24)), "ids or labels"),
        (_swap("ids", np.zeros(24, f"S{MAX_TEXT_BYTES + 1}")), "texts of"),
        (_swap("images", np.zeros((24, 3, 16, 16), np.float64)), "float32 nor uint8"),
        (_swap("images", np.zeros((24, 4, 16, 16), np.float32)), "names 3 bands and the images have 4"),
        (_swap("lonlat", np.zeros((24, 3))), "lonlat"),
        (_swap("masks", np.zeros((24, 8, 8), np.uint8)), "masks"),
        (_swap("columns", np.zeros(24)), "columns"),
        (_swap("card", np.zeros(4)), "card"),
        (_unwritten, "are claimed"),
    ],
)
def test_parts_that_lie_are_named(path, tmp_path, change, said):
    with pytest.raises(DataError, match=said):
        open_dataset(_made(path, tmp_path / "x.h5", change))


@pytest.mark.fault(14)
def test_pipes_devices_and_loops_are_no_datasets(path, tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    (tmp_path / "loop.h5").symlink_to("loop.h5")
    for name in (tmp_path / "pipe.h5", tmp_path / "loop.h5", "/dev/zero"):
        with pytest.raises((UnsafeFileError, FormatError)):
            open_dataset(name)
    (tmp_path / "mine.h5").symlink_to(path)  # a path that the user names may be a link
    assert len(open_dataset(tmp_path / "mine.h5")) == 24
