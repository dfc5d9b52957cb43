"""Imports as jobs: a folder or an upload becomes a dataset, a killed one goes on, and no upload stays."""

import io
import os
import signal
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.analyses.datasets.importing import ANALYSIS
from core.data import uploads
from core.data.readers import spool
from core.data.store import open_dataset
from core.errors import ConfigError, DataError, LandslideLensError
from core.jobs import queue
from core.progress import drain
from core.runs.store import FINAL_STATES
from core.runs.targets import CheckpointsTarget


def pictures(folder, n=3, side=16):
    """``n`` pictures in each of two class folders, and one file that is no picture."""
    rng = np.random.default_rng(0)
    for name in ("landslide", "other"):
        (folder / name).mkdir(parents=True)
        for i in range(n):
            Image.fromarray(rng.integers(0, 255, (side, side, 3), np.uint8)).save(folder / name / f"{name}_{i}.png")
    (folder / "other" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def folder(tmp_path):
    return pictures(tmp_path / "source")


def zipped(folder) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder.parent))
    content.seek(0)
    return content


def uploaded(tmp_path, content, name="a.zip"):
    kept = uploads.keep([uploads.Upload(name, content, (".zip",))], tmp_path)
    return uploads.files_in(kept)[0]


def imported(tmp_path, source, **options):
    target = CheckpointsTarget(tmp_path)
    return drain(ANALYSIS.start(target, {"source": source, "out": tmp_path / "datasets" / "mine.h5", **options}))


def test_a_folder_becomes_a_dataset_and_what_was_set_aside_is_named(folder, tmp_path):
    result = imported(tmp_path, folder, positive="landslide")
    assert (result["n"], result["n_positive"], result["format"]) == (6, 3, "folders")
    assert ["broken" in item["file"] for item in result["rejected"]] == [True]
    assert len(open_dataset(result["dataset"])) == 6


def test_sources_that_cannot_be_used_end_in_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    for source, words in (("empty", "no known format"), ("nowhere", "no folder or file")):
        with pytest.raises(LandslideLensError, match=words):
            imported(tmp_path, tmp_path / source)
    assert not (tmp_path / "datasets" / "mine.h5").exists()


def test_options_out_of_bounds_are_refused_before_anything_is_queued(folder, tmp_path):
    for options, words in (({"tile": 2}, "tile"), ({"format": "geo"}, "no format 'geo'"), ({"side": 1}, "side")):
        with pytest.raises(ConfigError, match=words):
            queue.submit_analysis(CheckpointsTarget(tmp_path), ANALYSIS.name, {"source": folder, "out": "x", **options})
    assert not (tmp_path / "queue.sqlite").exists()


def test_paths_are_of_the_working_directory_or_of_the_source(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = {"source": "source", "out": "x.h5", "masks": "landslide", "labels": "source/other", "manifest": "no.json"}
    options = ANALYSIS.options(given)
    assert (options.source, options.out) == (folder, tmp_path / "x.h5")
    assert (options.masks, options.labels) == (folder / "landslide", folder / "other")
    assert options.manifest == tmp_path / "no.json" and ANALYSIS.options(options.model_dump(mode="json")) == options


def test_an_uploaded_archive_is_recognised_imported_and_gone(folder, tmp_path):
    result = imported(tmp_path, uploaded(tmp_path, zipped(folder)), uploaded=True)
    assert (result["n"], result["format"]) == (6, "folders")
    assert [path.name for path in (tmp_path / "datasets").iterdir()] == ["mine.h5"]


def test_an_archive_that_leads_out_of_its_folder_is_refused_and_gone(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../out.png", b"x")
    content.seek(0)
    with pytest.raises(DataError):
        imported(tmp_path, uploaded(tmp_path, content), uploaded=True)
    assert not list((tmp_path / "datasets").iterdir()) and not (tmp_path / "out.png").exists()


def test_whatever_is_said_to_be_uploaded_only_uploads_are_removed(folder, tmp_path):
    assert imported(tmp_path, folder, uploaded=True)["n"] == 6
    assert (folder / "other" / "other_0.png").is_file()


def test_a_cancelled_import_leaves_no_dataset_and_no_upload(folder, tmp_path):
    out = tmp_path / "datasets" / "mine.h5"
    for source, given in ((folder, {}), (uploaded(tmp_path, zipped(folder)), {"uploaded": True})):
        steps = ANALYSIS.start(CheckpointsTarget(tmp_path), {"source": source, "out": out, **given})
        while next(steps).fields.get("stage") != "patches read":
            pass
        steps.close()
        assert not out.exists() and spool.spool_path(out).exists() == (not given)
        spool.discard(out)
    assert not list((tmp_path / "datasets").iterdir())


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def test_a_killed_import_is_listed_as_interrupted_and_goes_on_when_it_is_retried(tmp_path):
    source = pictures(tmp_path / "source", n=400, side=64)
    target, out = CheckpointsTarget(tmp_path), tmp_path / "datasets" / "mine.h5"
    journal = spool.spool_path(out) / "journal.jsonl"
    job = queue.submit_analysis(target, ANALYSIS.name, {"source": source, "out": out})
    until(lambda: journal.is_file() and journal.read_bytes().count(b"\n") > 2)
    os.kill(job.status()["pid"], signal.SIGKILL)
    until(lambda: queue.job(tmp_path, job.name).state == "interrupted")
    kept = journal.read_bytes().count(b"\n")
    assert kept > 2 and not out.exists()
    again = queue.retry(tmp_path, job.name)
    assert again.name == job.name
    until(lambda: queue.job(tmp_path, job.name).state in FINAL_STATES)
    assert again.result()["n"] == 800 and len(open_dataset(out)) == 800 and not journal.exists()


def test_a_shortcut_in_the_files_is_told_before_anybody_trains(tmp_path):
    rng = np.random.default_rng(0)
    for name, side in (("landslide", 40), ("other", 30)):
        (tmp_path / "src" / name).mkdir(parents=True)
        for i in range(30):
            sides = (side + int(rng.integers(6)), side, 3)
            Image.fromarray(rng.integers(0, 256, sides, np.uint8)).save(tmp_path / "src" / name / f"{name}{i}.png")
    options = {"format": "folders", "source": tmp_path / "src", "out": tmp_path / "d.h5", "resize": 16}
    found = drain(ANALYSIS.start(CheckpointsTarget(tmp_path / "ck"), options))
    (told,) = [text for text in found["warnings"] if "alone tells" in text]
    assert told.startswith("Picture size alone tells landslide with AUC 1.000") and "--tile" in told
