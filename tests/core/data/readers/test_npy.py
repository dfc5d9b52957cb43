"""Patches from .npy files: refused from the header, before anything is allocated (FAULTS 10 and 11)."""

import io
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.data.readers.npy import read_header, read_npy
from core.errors import DataError, FormatError, UnsafeFileError

WHOLE = np.arange(24.0).reshape(2, 3, 4)


def saved(array, **kwargs):
    buffer = io.BytesIO()
    np.save(buffer, array, **kwargs)
    return buffer.getvalue()


def with_header(text, data=b"", version=(1, 0)):
    text = text.encode("latin-1")
    size = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + data


def header(descr="'<f8'", fortran="False", shape="(64, 64, 12)"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


class Canary:
    """Creates a file when unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@settings(max_examples=60, deadline=None)
@given(
    array=st.sampled_from(["<f8", ">f4", "<f2", "u1", "<i2", ">u4"]).flatmap(lambda t: arrays(np.dtype(t), (2, 3, 4))),
    fortran=st.booleans(),
)
def test_every_plain_array_is_read_as_numpy_reads_it(tmp_path_factory, array, fortran):
    path = tmp_path_factory.getbasetemp() / "plain.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    ours = read_npy(path)
    np.testing.assert_array_equal(ours, np.load(path))
    assert ours.dtype == array.dtype.newbyteorder("=") and read_header(path).shape == (2, 3, 4)


@pytest.mark.fault(10, 11)
@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (b"", FormatError, "not a .npy file"),
        (b"\x93NUMPY", FormatError, "not a .npy file"),
        (b"PK\x03\x04 an archive named .npy", FormatError, "not a .npy file"),
        (saved(WHOLE)[:-1], FormatError, "is cut short"),
        (saved(WHOLE)[:128], FormatError, "is cut short"),
        (saved(WHOLE)[:40], FormatError, "not a .npy file"),
        (saved(WHOLE) + b"x", FormatError, "longer than it says"),
        (saved(np.zeros((0, 3, 4))), FormatError, "is empty"),
        (with_header(header(shape="(1048576, 1048576, 1)"), b"x"), UnsafeFileError, "claims 8388608 MiB"),
        (with_header(header(shape="(-64, 64, -12)"), b"x" * 99), UnsafeFileError, "cannot be negative"),
        (with_header(header(shape="(True, 8)"), b"x" * 64), UnsafeFileError, "shape"),
        (with_header(header(shape="(2.5,)")), FormatError, "not a .npy file"),
        (with_header(header(descr="'|O'")), UnsafeFileError, "Python objects"),
        (with_header(header(descr="[('a', '|O'), ('b', '<f4')]")), UnsafeFileError, "Python objects"),
        (with_header(header(descr="[('a', '<f4')]")), FormatError, "accepted: booleans, integers and floats"),
        (with_header(header(descr="'<c16'")), FormatError, "accepted: booleans, integers and floats"),
        (with_header(header(descr="'<M8[s]'")), FormatError, "accepted: booleans, integers and floats"),
        (with_header(header(descr="'<U9'")), FormatError, "accepted: booleans, integers and floats"),
        (with_header("__import__('os').system('true')"), FormatError, "not a .npy file"),
        (with_header("(" * 5000), FormatError, "not a .npy file"),
        (with_header("{" * 60_000), FormatError, "not a .npy file"),
        (with_header(header(), version=(3, 0)), FormatError, "version"),
        (with_header(header(), version=(9, 9)), FormatError, "not a .npy file|version"),
    ],
)
def test_damaged_and_hostile_headers_are_refused(tmp_path, content, error, reason):
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    for read in (read_header, read_npy):
        with pytest.raises(error, match=reason) as caught:
            read(path)
        assert "bad.npy" in str(caught.value)


@pytest.mark.fault(10)
def test_a_header_that_asks_for_4_tib_allocates_nothing(tmp_path):
    path = tmp_path / "huge.npy"
    path.write_bytes(with_header(header(shape="(4096, 1024, 131072)"), b"\0" * 1000))
    tracemalloc.start()
    with pytest.raises(UnsafeFileError, match="claims 4194304 MiB"):
        read_npy(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.fault(11)
def test_pickled_code_never_runs(tmp_path):
    canary = tmp_path / "canary"
    (tmp_path / "objects.npy").write_bytes(saved(np.array([Canary(canary)], object), allow_pickle=True))
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(Canary(canary)))
    for name, error in (("objects.npy", UnsafeFileError), ("pickle.npy", FormatError)):
        with pytest.raises(error):
            read_npy(tmp_path / name)
    assert not canary.exists()


def test_a_folder_or_a_missing_file_is_told(tmp_path):
    for path, why in ((tmp_path, "it is a folder"), (tmp_path / "nowhere.npy", "cannot be opened")):
        with pytest.raises(DataError, match=why):
            read_header(path)
