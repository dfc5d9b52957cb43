"""HDF5 files that reach outside themselves or claim absurd sizes are refused before anything is read (FAULTS 14)."""

import h5py
import numpy as np
import pytest

from core.data.store import open_dataset
from core.data.store.hdf5 import open_safely
from core.errors import FormatError, UnsafeFileError


def make(path, fill):
    with h5py.File(path, "w") as file:
        file["labels"] = np.zeros(2, np.int8)
        fill(file)
    return path


def external_link(file):
    file["images"] = h5py.ExternalLink("secret.h5", "/secret")


def soft_link(file):
    file["images"] = h5py.SoftLink("/labels")


def soft_link_loop(file):
    file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")


def group_in_itself(file):
    file.create_group("columns")["again"] = file["/"]


def external_storage(file):
    file.create_dataset("images", (16,), np.uint8, external=[("/etc/hostname", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("secret.h5", "secret", (4,))
    file.create_virtual_dataset("images", layout)


def text_objects(file):
    file.create_dataset("ids", data=["a", "b"], dtype=h5py.string_dtype())


def references(file):
    file.create_dataset("ref", data=[file["labels"].ref], dtype=h5py.ref_dtype)


def reference_attribute(file):
    file["labels"].attrs["ref"] = file["labels"].ref


def compound(file):
    file["table"] = np.zeros(2, [("a", "f4"), ("b", "i4")])


def variable_length(file):
    file.create_dataset("ragged", (2,), dtype=h5py.vlen_dtype(np.int32))


def named_type(file):
    file["kind"] = np.dtype("f4")


def claims_64_gib(file):
    file.create_dataset("images", (2**18, 4, 64, 64), np.float32, chunks=(1, 4, 64, 64))


def huge_chunks(file):
    file.create_dataset("images", (2**29,), np.uint8, chunks=(2**29,), compression="gzip")


def too_deep(file):
    file.create_group("a/b/c/d/e/f/g/h/i/j/k")


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        (external_link, "soft or external link"),
        (soft_link, "soft or external link"),
        (soft_link_loop, "soft or external link"),
        (external_storage, "external file"),
        (virtual, "virtual dataset"),
        (text_objects, "objects"),
        (references, "objects"),
        (reference_attribute, "objects"),
        (compound, "compound"),
        (variable_length, "objects"),
        (named_type, "neither a group nor a dataset"),
        (claims_64_gib, "claims 16.0 GiB"),
        (huge_chunks, "huge chunks"),
        (too_deep, "too many objects"),
        (group_in_itself, "linked to twice"),
    ],
)
def test_unsafe_structure_is_refused_naming_the_member(tmp_path, fill, reason):
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["secret"] = np.ones(4, np.float32)
    path = make(tmp_path / "bad.h5", fill)
    with pytest.raises(UnsafeFileError, match=reason):
        open_dataset(path)


@pytest.mark.fault(14)
def test_64_gib_in_8_kib_is_refused(tmp_path):
    path = make(tmp_path / "bomb.h5", lambda f: f.create_dataset("images", (2**36,), np.uint8, chunks=(2**16,)))
    assert path.stat().st_size < 8192
    with pytest.raises(UnsafeFileError, match="claims 64.0 GiB"):
        open_dataset(path)


@pytest.mark.fault(14)
def test_a_gzip_bomb_is_refused(tmp_path):
    def zeros(file):
        data = file.create_dataset("images", (100 * 2**20,), np.uint8, chunks=(2**22,), compression="gzip")
        data[:] = 0

    with pytest.raises(UnsafeFileError, match="times the file's size"):
        open_dataset(make(tmp_path / "bomb.h5", zeros))


def test_plain_files_with_text_attributes_are_opened(tmp_path):
    def fill(file):
        file.attrs["title"] = "any length of text"
        file.create_dataset("img", data=np.zeros((4, 4), np.float64), compression="gzip")
        file["groups/names"] = np.array([b"a", b"b"])

    with open_safely(make(tmp_path / "fine.h5", fill)) as file:
        assert set(file) == {"labels", "img", "groups"}


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n" + b"\0" * 50])
def test_what_is_not_hdf5_is_told(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(FormatError, match="cannot be read as an HDF5 file"):
        open_dataset(tmp_path / "x.h5")


def test_missing_files_and_foreign_files_are_told(tmp_path):
    with pytest.raises(FormatError, match="no file"):
        open_dataset(tmp_path / "nowhere.h5")
    with pytest.raises(FormatError, match="not a dataset file of this program: it has no images, ids, card"):
        open_dataset(make(tmp_path / "foreign.h5", lambda file: None))


def test_parts_that_do_not_fit_each_other_are_told(tmp_path):
    from core.data.bands import RGB_BANDS
    from core.data.store import DatasetWriter

    path = tmp_path / "x.h5"
    with DatasetWriter(path, bands=RGB_BANDS, shape_hw=(2, 2), class_names=("a", "b"), source="") as writer:
        writer.append(np.zeros((3, 3, 2, 2)), [0, 1, 0], ["a", "b", "c"])
        writer.finish()
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file["labels"] = np.zeros(2, np.int8)
    with pytest.raises(FormatError, match="damaged: labels .2 rows, not 3. do not fit"):
        open_dataset(path)
    with h5py.File(path, "r+") as file:
        del file["labels"], file["card"]
        file["labels"] = np.zeros(3, np.int8)
        file["card"] = np.frombuffer(b"{}", np.uint8)
    with pytest.raises(FormatError, match="card cannot be used"):
        open_dataset(path)
    with h5py.File(path, "r+") as file:
        del file["card"]
        file["card"] = np.frombuffer(b"\xff\xfe[", np.uint8)
    with pytest.raises(FormatError, match="card cannot be used"):
        open_dataset(path)
