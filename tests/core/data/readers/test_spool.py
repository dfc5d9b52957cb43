"""An ingest that was killed goes on where it stopped, and ends in the same content."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest
from core.data.store import open_dataset
from core.errors import DataError

ROOT = Path(__file__).resolve().parents[4]
N, BATCH = 200, 64


@pytest.fixture
def source(tmp_path):
    """200 patches in two class folders, each with a mask; one is cut short behind its header's back."""
    rng = np.random.default_rng(0)
    for i in range(N):
        kind = ("landslide", "stable")[i % 2]
        for name, pixels in ((kind, rng.normal(size=(8, 8, 4))), ("m", rng.integers(0, 2, (8, 8), np.uint8))):
            (tmp_path / "src" / name).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "src" / name / f"p{i:03d}.npy", pixels)
    return tmp_path / "src"


def steps(source, out, **options):
    return ingest("folders", source, out, ReaderOptions(masks="m", **options))


def finish(steps):
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return end.value, seen


def same(a, b):
    """Whether two dataset files hold the same, down to the bits; HDF5 may lay it out in another order."""

    def content(path):
        names = []
        with h5py.File(path) as file:
            file.visit(names.append)
            parts = {name: file[name] for name in names if isinstance(file[name], h5py.Dataset)}
            return {name: (part.dtype, part[()].tobytes()) for name, part in parts.items()}

    return content(a) == content(b)


def counts(step):
    """What a step of an ingest counts, and how far it is."""
    return step.fields["stage"], step.fields["done"], step.fields["total"]


def begun(source, out, batches=1, **options):
    """An ingest that is stopped from outside after so many batches, as a closed server stops its thread."""
    unfinished = steps(source, out, **options)
    for _ in range(batches):
        assert next(unfinished).fields["stage"] == "patches read"
    unfinished.close()
    assert (out.parent / f".{out.name}.spool").is_dir() and not out.exists()


def test_a_stopped_ingest_goes_on_and_ends_in_the_same_content(source, tmp_path):
    report, _ = finish(steps(source, tmp_path / "whole.h5"))
    begun(source, tmp_path / "x.h5", 2)
    again, seen = finish(steps(source, tmp_path / "x.h5"))
    assert counts(seen[0]) == ("patches read", 3 * BATCH, N) and counts(seen[-1]) == ("patches summarised", N, N)
    assert same(tmp_path / "x.h5", tmp_path / "whole.h5")
    assert (again.n, again.rejected, again.warnings) == (N, report.rejected, report.warnings)
    assert sorted(os.listdir(tmp_path)) == ["src", "whole.h5", "x.h5"]


def test_what_was_set_aside_before_the_stop_is_told_after_it(source, tmp_path):
    class Late:
        """Its header is right; its pixels are not there any more when they are read."""

        def __init__(self, patch):
            self._patch, self.file, self.shape, self.stamp = patch, patch.file, patch.shape, patch.stamp

        def read(self):
            raise DataError("It is gone.")

    from dataclasses import replace

    from core.data.readers import folders
    from core.data.readers.base import Aside
    from core.data.readers.build import build

    def run(out):
        options, aside = ReaderOptions(masks="m"), Aside()
        found = folders.collect(source, options, aside)
        items = [replace(item, patch=Late(item.patch)) if i < 130 else item for i, item in enumerate(found.items)]
        return build(replace(found, items=items), out, options, aside)

    whole, _ = finish(run(tmp_path / "whole.h5"))
    stopped = run(tmp_path / "x.h5")
    next(stopped)
    stopped.close()
    again, _ = finish(run(tmp_path / "x.h5"))
    assert again.n == N - 130 and again.rejected == whole.rejected and len(again.rejected) == 130
    assert same(tmp_path / "x.h5", tmp_path / "whole.h5")


@pytest.mark.parametrize("change", ["file", "option", "label"])
def test_another_source_or_option_starts_afresh(source, tmp_path, change):
    begun(source, tmp_path / "x.h5", 2)
    options = {}
    if change == "file":
        np.save(source / "landslide" / "p000.npy", np.zeros((8, 8, 4)))
    elif change == "label":
        (source / "landslide" / "p000.npy").rename(source / "stable" / "p000.npy")
    else:
        options = {"licence": "CC0"}
    _, seen = finish(steps(source, tmp_path / "x.h5", **options))
    assert counts(seen[0]) == ("patches read", BATCH, N)
    _, _ = finish(steps(source, tmp_path / "whole.h5", **options))
    assert same(tmp_path / "x.h5", tmp_path / "whole.h5")


@pytest.mark.parametrize("harm", ["torn journal", "flipped byte", "cut images", "no journal", "nonsense", "extra"])
def test_a_damaged_spool_is_used_as_far_as_it_is_whole(source, tmp_path, harm):
    begun(source, tmp_path / "x.h5", 2)
    spool = tmp_path / ".x.h5.spool"
    images, journal = (spool / "images.bin").read_bytes(), (spool / "journal.jsonl").read_bytes()
    first = BATCH * 4 * 8 * 8 * 4
    flipped = bytearray(images)
    flipped[first + 7] ^= 1
    wrong, begins = {
        "torn journal": (("journal.jsonl", journal[:-5]), 2),
        "flipped byte": (("images.bin", bytes(flipped)), 2),
        "cut images": (("images.bin", images[: first + 100]), 2),
        "no journal": (("journal.jsonl", b""), 1),
        "nonsense": (("journal.jsonl", b"\xff[]\n" + journal), 1),
        "extra": (("images.bin", images + b"half a batch"), 3),
    }[harm]
    (spool / wrong[0]).write_bytes(wrong[1])
    _, seen = finish(steps(source, tmp_path / "x.h5"))
    assert counts(seen[0]) == ("patches read", min(begins * BATCH, N), N)
    finish(steps(source, tmp_path / "whole.h5"))
    assert same(tmp_path / "x.h5", tmp_path / "whole.h5")


def test_two_ingests_into_one_file_do_not_meet(source, tmp_path):
    first = steps(source, tmp_path / "x.h5")
    next(first)
    with pytest.raises(DataError, match="Another ingest into .*x.h5 is under way"):
        next(steps(source, tmp_path / "x.h5"))
    report, _ = finish(first)
    assert report.n == N and sorted(os.listdir(tmp_path)) == ["src", "x.h5"]


CODE = """
import sys
from core.data.readers import ReaderOptions, ingest
for step in ingest("folders", sys.argv[1], sys.argv[2], ReaderOptions(masks="m")):
    print(step.message, flush=True)
"""


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_in_the_same_file(source, tmp_path):
    """``kill -9``, again and again, each time a little later, until it gets through."""
    finish(steps(source, tmp_path / "whole.h5"))
    rng, kills = random.Random(0), 0
    for _ in range(30):
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(source), str(tmp_path / "x.h5")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        steps_to_live, line = rng.randint(0, 3 + kills), "x"
        while steps_to_live and line:
            line, steps_to_live = process.stdout.readline(), steps_to_live - 1
        time.sleep(rng.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if process.returncode == 0:
            break
        kills += 1
        if (tmp_path / "x.h5").exists():
            break
    finish(steps(source, tmp_path / "x.h5"))
    assert kills >= 3 and same(tmp_path / "x.h5", tmp_path / "whole.h5")
    assert sorted(os.listdir(tmp_path)) == ["src", "whole.h5", "x.h5"]


@pytest.mark.parametrize("room", [0, 1000, 60_000, 200_000, 215_000])
def test_a_full_disk_is_told_and_leaves_nothing(source, tmp_path, room):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        with pytest.raises(DataError, match="x.h5 cannot be written.*Free space"):
            finish(steps(source, tmp_path / "x.h5"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == ["src"]


def test_room_is_asked_for_before_anything_is_read(source, tmp_path, monkeypatch):
    need = 2 * N * (4 * 8 * 8 * 4 + 8 * 8)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, need - 1))
    with pytest.raises(DataError, match="needs 0.0 GiB while it is made"):
        next(steps(source, tmp_path / "x.h5"))
    assert os.listdir(tmp_path) == ["src"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, need))
    assert finish(steps(source, tmp_path / "x.h5"))[0].n == N


def test_an_ingest_of_an_archive_goes_on_too(source, tmp_path):
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", source))
    begun(packed, tmp_path / "x.h5", 2)
    _, seen = finish(steps(packed, tmp_path / "x.h5"))
    assert counts(seen[0]) == ("patches read", 3 * BATCH, N)
    finish(steps(packed, tmp_path / "whole.h5"))
    assert same(tmp_path / "x.h5", tmp_path / "whole.h5")
    assert sorted(os.listdir(tmp_path)) == ["packed.zip", "src", "whole.h5", "x.h5"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Only Linux tells a process's own peak memory.")
def test_memory_does_not_grow_with_the_number_of_patches(tmp_path):
    """Four times as many patches, 96 MiB more; the fewer already fill a block of the summary and its sample."""
    (tmp_path / "src").mkdir()
    for i in range(2048):
        np.save(tmp_path / "src" / f"p{i}.npy", np.full((64, 64, 4), i, np.float32))
    code = (
        "import re, sys; from core.data.readers import ingest\n"
        "for last in ingest('folders', sys.argv[1], sys.argv[2]): pass\n"
        # Not ru_maxrss, which a child inherits from whoever started it.
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
    )

    def peak(source):
        done = subprocess.run(
            [sys.executable, "-c", code, str(source), str(tmp_path / "x.h5")],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(done.stdout)

    many = peak(tmp_path / "src")
    for path in list((tmp_path / "src").iterdir())[512:]:
        path.unlink()
    few = peak(tmp_path / "src")
    assert many < 1024 and many - few < 30, f"{few} MiB for 512 patches, {many} MiB for 2048"
    with h5py.File(open_dataset(tmp_path / "x.h5").path) as file:
        assert file["images"].shape == (512, 4, 64, 64)
