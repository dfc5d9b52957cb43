import json
import resource
import struct

import numpy as np
import pytest

from core.errors import FormatError, UnsafeFileError
from core.io import atomic, safetensors_file


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


def test_a_long_list_is_shortened():
    assert safetensors_file.shorten([str(i) for i in range(10)]).endswith("7 and 2 more")


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
        {"shape": [1]},
        7,
    ],
)
def test_an_entry_that_cannot_be_true_is_refused_before_it_is_read(tmp_path, entry):
    with pytest.raises(UnsafeFileError, match="entry 'a'"):
        safetensors_file.load_arrays(with_header(tmp_path / "x.safetensors", {"a": entry}, b"\0" * 4))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FormatError, match="none.safetensors"):
        safetensors_file.header(tmp_path / "none.safetensors")


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
