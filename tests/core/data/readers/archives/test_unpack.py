"""Archives: judged as a whole, unpacked by our own code, gone afterwards (FAULTS 17)."""

import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest, iterate_patches
from core.data.readers.archives import archive_safety
from core.data.readers.archives.unpack import judge, unpacked
from core.data.store import open_dataset
from core.errors import DataError, FormatError, UnsafeFileError


def npy(seed, side=6, bands=4):
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(seed).normal(0, 100, (side, side, bands)))
    return buffer.getvalue()


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    """members: (name or ZipInfo, bytes), written in that order, twice where they are named twice."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tarred(path, members):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members:
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


PATCHES = [(f"mine/{kind}/{kind}{i}.npy", npy(i)) for i in range(3) for kind in ("landslide", "stable")]


def run(source, out, **options):
    steps = ingest("folders", source, out, ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


@pytest.mark.parametrize(
    ("name", "pack"), [("a.zip", zipped), ("a.tar", tarred), ("A.tar.gz", tarred), ("a.TGZ", tarred)]
)
def test_an_archive_is_read_as_the_folder_that_it_holds(tmp_path, name, pack):
    if name.endswith("TGZ"):
        pack(tmp_path / "a.tgz", PATCHES).rename(tmp_path / name)
    else:
        pack(tmp_path / name, PATCHES)
    report, dataset = run(tmp_path / name, tmp_path / "x.h5")
    assert (report.n, report.n_positive) == (6, 3) and dataset.source == "folders: mine"
    with unpacked(tmp_path / name) as folder:
        assert folder.name == "mine" and len(judge(tmp_path / name)) == 6
        assert (folder / "stable" / "stable1.npy").read_bytes() == npy(1)
    assert not folder.exists() and sorted(os.listdir(tmp_path)) == sorted([name, "x.h5"])


def test_folders_that_formats_look_for_are_not_entered(tmp_path):
    with unpacked(zipped(tmp_path / "a.zip", [("landslide/a.npy", npy(0)), (".DS_Store", b"x")])) as folder:
        assert (folder / "landslide" / "a.npy").is_file()


def test_a_folder_is_given_back_as_it_is(tmp_path):
    with unpacked(tmp_path) as folder:
        assert folder == tmp_path


def test_the_format_of_an_archive_may_be_left_to_us(tmp_path):
    steps = ingest(None, zipped(tmp_path / "a.zip", PATCHES), tmp_path / "x.h5")
    assert {(p.fields["done"], p.fields["total"]) for p in steps} == {(6, 6)}


def test_patches_to_predict_may_be_packed_too(tmp_path):
    _, batches = iterate_patches(zipped(tmp_path / "a.zip", PATCHES))
    assert sum(len(ids) for ids, _ in batches) == 6


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


def nul(name):
    entry = zipfile.ZipInfo("x.npy")
    entry.filename = name  # past the constructor, which cuts at the NUL
    return entry


GOOD = [("landslide/a.npy", npy(0))]
ZIPS = {
    "outside": ([("../x.npy", b"1")], "leads out"),
    "deeper": ([("a/../../x.npy", b"1")], "leads out"),
    "absolute": ([("/etc/x.npy", b"1")], "absolute"),
    "backslash": ([("a\\..\\x.npy", b"1")], "backslash"),
    "drive": ([("C:x.npy", b"1")], "drive"),
    "nul": ([(nul("x.npy\0.png"), b"1")], "NUL|cannot be unpacked"),
    "empty part": ([("a//x.npy", b"1")], "oddly"),
    "long": ([("a" * 300, b"1")], "too long"),
    "twice": ([("a.npy", b"1"), ("a.npy", b"2")], "the same name twice"),
    "other case": ([("a.npy", b"1"), ("A.NPY", b"2")], "the same name twice"),
    "other accent": ([("\u00e9.npy", b"1"), ("e\u0301.npy", b"2")], "the same name twice"),
    "file as folder": ([("a", b"1"), ("a/b.npy", b"2")], "the same name twice"),
    "folder as file": ([("a/b.npy", b"2"), ("a", b"1")], "the same name twice"),
    "link": ([(link("x.npy"), b"/etc/passwd")], "link"),
    "bomb": ([("x.npy", bytes(20 * 2**20))], "bomb"),
    "many small bombs": ([(f"{i}.npy", bytes(3 * 2**20)) for i in range(4)], "bomb"),
    "nested": ([("inner.zip", b"PK\x03\x04")], "another archive"),
    "nested, other name": ([("inner.npy", b"PK\x03\x04" + bytes(40))], "another archive"),
}


@pytest.mark.fault(17)
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", ZIPS)
def test_one_bad_member_refuses_the_whole_archive(tmp_path, case):
    members, words = ZIPS[case]
    source = zipped(tmp_path / "a.zip", GOOD + members)
    with pytest.raises(UnsafeFileError, match=f"a.zip was refused as a whole.*({words})"):
        run(source, tmp_path / "x.h5")
    assert os.listdir(tmp_path) == ["a.zip"]


def special(kind, name="x.npy"):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


TARS = {
    "outside": ([("../x.npy", b"1")], "leads out"),
    "absolute": ([("/x.npy", b"1")], "absolute"),
    "twice": ([("a.npy", b"1"), ("a.npy", b"2")], "the same name twice"),
    "link": ([(special(tarfile.SYMTYPE), b"")], "link"),
    "hard link": ([(special(tarfile.LNKTYPE), b"")], "link"),
    "device": ([(special(tarfile.CHRTYPE), b"")], "link or a device"),
    "bomb": ([("x.npy", bytes(20 * 2**20))], "bomb"),
    "nested": ([("inner.tar", b"")], "another archive"),
}


@pytest.mark.fault(17)
@pytest.mark.parametrize("case", TARS)
def test_tars_are_judged_alike(tmp_path, case):
    members, words = TARS[case]
    source = tarred(tmp_path / "a.tar.gz", GOOD + members)
    with pytest.raises(UnsafeFileError, match=f"a.tar.gz was refused as a whole.*({words})"):
        run(source, tmp_path / "x.h5")
    assert os.listdir(tmp_path) == ["a.tar.gz"]


def test_a_tar_header_of_gigabytes_is_not_read(tmp_path):
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 6 * 2**30
    (tmp_path / "a.tar").write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(FormatError, match="a.tar cannot be unpacked: headers of"):
        judge(tmp_path / "a.tar")


@pytest.mark.fault(17)
def test_lists_of_files_that_would_fill_the_memory_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_safety, "_MAX_LISTING", 20_000)
    with pytest.raises(UnsafeFileError, match="a list of files of 0 MiB"):
        judge(zipped(tmp_path / "a.zip", [(f"{'a' * 200}{i}", b"") for i in range(100)]))
    entries = [tarfile.TarInfo(f"{i}") for i in range(30)]
    for entry in entries:
        entry.pax_headers = {"comment": "x" * 2000}
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            archive.addfile(entry)
    with pytest.raises(FormatError, match="headers of"):
        judge(tmp_path / "a.tar")
    assert len(judge(zipped(tmp_path / "b.zip", PATCHES))) == 6


def test_a_zip_of_the_large_kind_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, archive.open("a.npy", "w", force_zip64=True) as file:
        file.write(npy(0))
    assert judge(tmp_path / "a.zip") == ("a.npy",)


def test_names_that_are_not_utf_8_are_set_aside_with_the_reason(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w", errors="surrogateescape") as archive:
        for name in ("good.npy", "b\udcffd.npy"):
            entry = tarfile.TarInfo(name)
            entry.size = len(npy(0))
            archive.addfile(entry, io.BytesIO(npy(0)))
    report, _ = run(tmp_path / "a.tar", tmp_path / "x.h5")
    assert report.n == 1 and "not UTF-8" in report.rejected[0].reason


@pytest.mark.fault(17)
def test_files_stored_in_the_same_bytes_are_refused(tmp_path):
    """The bombs that unpack to gigabytes at an honest ratio each name one stored file many times."""
    source = zipped(tmp_path / "a.zip", [("a.npy", npy(0)), ("b.npy", npy(0))])
    content = bytearray(source.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 0)
    source.write_bytes(content)
    with pytest.raises(DataError, match="same bytes|cannot be unpacked"):
        judge(source)


@pytest.mark.fault(17)
def test_sizes_that_lie_are_found_out(tmp_path):
    source = zipped(tmp_path / "a.zip", [("a.npy", b"x" * 1000)], zipfile.ZIP_STORED)
    content = bytearray(source.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)
    source.write_bytes(content)
    with pytest.raises(DataError), unpacked(source, tmp_path / "x.h5"):
        pass
    assert os.listdir(tmp_path) == ["a.zip"]


def test_what_is_no_archive_or_damaged_is_told(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"not a zip")
    (tmp_path / "b.tar.gz").write_bytes(b"\x1f\x8bnot a gzip")
    (tmp_path / "c.zip").write_bytes(zipped(tmp_path / "ok.zip", GOOD).read_bytes()[:-40])
    for name in ("a.zip", "b.tar.gz", "c.zip"):
        with pytest.raises(FormatError, match=f"{name} cannot be unpacked: .* Accepted: .zip"):
            judge(tmp_path / name)
    with pytest.raises(FormatError, match="holds no files"):
        judge(zipped(tmp_path / "d.zip", []))


def test_a_flipped_byte_is_found_by_its_checksum(tmp_path):
    source = zipped(tmp_path / "a.zip", GOOD, zipfile.ZIP_STORED)
    content = bytearray(source.read_bytes())
    content[200] ^= 1
    source.write_bytes(content)
    with pytest.raises(FormatError, match="cannot be unpacked"), unpacked(source):
        pass


def test_passwords_and_rare_packings_are_told(tmp_path):
    with pytest.raises(FormatError, match="rare way"):
        judge(zipped(tmp_path / "a.zip", GOOD, zipfile.ZIP_LZMA))
    source = zipped(tmp_path / "b.zip", GOOD)
    content = bytearray(source.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    source.write_bytes(content)
    with pytest.raises(FormatError, match="password"):
        judge(source)


def test_limits_are_stated_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(archive_safety, "MAX_FILES", 3)
    with pytest.raises(UnsafeFileError, match="more than 3 files"):
        judge(zipped(tmp_path / "a.zip", PATCHES))
    monkeypatch.setattr(archive_safety, "MAX_FILES", 100)
    monkeypatch.setattr(archive_safety, "MAX_BYTES", 2000)
    with pytest.raises(UnsafeFileError, match="unpacks to .*Accepted: .zip, .npz, .tar, .tar.gz with at most"):
        judge(zipped(tmp_path / "b.zip", PATCHES))


def test_the_folder_is_gone_when_what_reads_it_fails(tmp_path):
    source = zipped(tmp_path / "a.zip", GOOD)
    with pytest.raises(RuntimeError), unpacked(source, tmp_path / "x.h5") as folder:
        raise RuntimeError("the reader broke")
    assert not folder.exists() and os.listdir(tmp_path) == ["a.zip"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    source = zipped(tmp_path / "a.zip", PATCHES)
    code = (
        "import os, sys; from pathlib import Path; from core.data.readers.archives.unpack import unpacked\n"
        f"with unpacked(Path({str(source)!r}), Path({str(tmp_path / 'x.h5')!r})): os._exit(9)"
    )
    root = Path(__file__).resolve().parents[5]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 9
    assert any(name.endswith(".unpacked") for name in os.listdir(tmp_path))
    assert run(source, tmp_path / "x.h5")[0].n == 6
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "x.h5"]
