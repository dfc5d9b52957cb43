"""Arrays come back as they were; what is no whole safetensors file is refused before memory is taken."""

import json
import resource
import struct
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from core.errors import FormatError, UnsafeFileError
from core.io import atomic, safetensors_file

FOUR_BYTES = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@contextmanager
def little_memory(mib=256):
    """So much more address space than now: a file that claims gigabytes fails instead of being given them."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + mib * 2**20, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.safetensors"
    safetensors_file.save_arrays(
        path, {"x": np.arange(6.0).reshape(2, 3), "n": np.asarray(4), "empty": np.zeros((0, 3))}
    )
    return path


def with_header(path, entries, data=b""):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_arrays_come_back_as_they_were(saved):
    back = safetensors_file.load_arrays(saved, {"x": (2, 3), "n": (), "empty": (0, 3)})
    assert back["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["n"].shape == () and back["n"] == 4


def test_rows_of_a_transposed_array_are_not_mixed_up(tmp_path):
    x = np.arange(6.0).reshape(2, 3).T
    safetensors_file.save_arrays(tmp_path / "t.safetensors", {"x": x})
    assert np.array_equal(safetensors_file.load_arrays(tmp_path / "t.safetensors")["x"], x)


def test_equal_content_is_equal_bytes_and_named_by_its_hash(saved, tmp_path):
    digest = safetensors_file.save_arrays(tmp_path / "b.safetensors", safetensors_file.load_arrays(saved))
    assert (tmp_path / "b.safetensors").read_bytes() == saved.read_bytes()
    assert digest == atomic.sha256(saved)


def test_arrays_that_differ_from_what_is_needed_are_listed(saved):
    with pytest.raises(FormatError, match="missing: y; not expected: n, empty; .* x is 2x3 instead of 9"):
        safetensors_file.load_arrays(saved, {"x": (9,), "y": (1,)})


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02",
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"nope",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
        b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnsafeFileError, match="x.safetensors was refused"):
        safetensors_file.load_arrays(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 400]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]},
        {"dtype": "OBJECT", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": "xy", "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]},
        {"shape": [1]},
        7,
    ],
)
def test_an_entry_that_cannot_be_true_is_refused_before_it_is_read(tmp_path, entry):
    path = with_header(tmp_path / "x.safetensors", {"a": entry}, b"\0" * 4)
    with little_memory(), pytest.raises(UnsafeFileError, match="x.safetensors was refused"):
        safetensors_file.load_arrays(path)


@pytest.mark.parametrize(
    "entries, n_bytes",
    [
        ({"a": FOUR_BYTES}, 5),  # bytes that no array has
        ({"a": FOUR_BYTES}, 3),  # cut short
        ({"a": FOUR_BYTES, "b": FOUR_BYTES}, 4),  # two arrays in the same bytes
        ({"a": FOUR_BYTES, "b": FOUR_BYTES | {"data_offsets": [5, 9]}}, 9),  # a hole
        ({"__metadata__": {"a": 1}}, 0),
        ({"__metadata__": [1]}, 0),
    ],
)
def test_arrays_must_fill_the_file_exactly(tmp_path, entries, n_bytes):
    with pytest.raises(UnsafeFileError, match="x.safetensors was refused"):
        safetensors_file.header(with_header(tmp_path / "x.safetensors", entries, b"\0" * n_bytes))


@pytest.mark.fault(25)
def test_a_header_of_millions_of_entries_is_refused_unread(tmp_path):
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 90_000_000))
        file.truncate(90_000_008)  # the library would take so long a header
    with little_memory(), pytest.raises(UnsafeFileError, match="longer than 16 MiB"):
        safetensors_file.header(path)


def test_what_other_programs_note_in_the_header_is_passed_over(tmp_path):
    path = with_header(tmp_path / "x.safetensors", {"__metadata__": {"format": "pt"}, "a": FOUR_BYTES}, b"\0" * 4)
    assert safetensors_file.header(path) == {"a": ("F32", (1,))}


@pytest.mark.parametrize("dtype, n_bytes", [("BF16", 2), ("F8_E4M3", 1)])
def test_numbers_that_numpy_lacks_are_named(tmp_path, dtype, n_bytes):
    entry = {"dtype": dtype, "shape": [1], "data_offsets": [0, n_bytes]}
    path = with_header(tmp_path / "x.safetensors", {"a": entry}, b"\0" * n_bytes)
    assert safetensors_file.header(path)["a"][0] == dtype
    with pytest.raises(FormatError, match=f"its types: {dtype}"):
        safetensors_file.load_arrays(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        safetensors_file.header(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match="none.safetensors"):
        safetensors_file.header(tmp_path / "none.safetensors")


@pytest.mark.fault(7)
def test_a_full_disk_leaves_the_file_before_and_nothing_else(saved):
    before = saved.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError):
            safetensors_file.save_arrays(saved, {"x": np.zeros(100_000)})
        with pytest.raises(OSError):
            atomic.write_text(saved.with_suffix(".json"), "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
