"""Imports go on in a thread of their own, and end in a report or in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.data.store import open_dataset
from core.errors import DataError
from dashboard import imports


@pytest.fixture
def folder(tmp_path):
    """Six pictures in two class folders, and one file that is no picture."""
    rng = np.random.default_rng(0)
    for name in ("landslide", "other"):
        (tmp_path / "source" / name).mkdir(parents=True)
        for i in range(3):
            pixels = rng.integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "source" / name / f"{name}_{i}.png")
    (tmp_path / "source" / "other" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "source"


def finished(checkpoints) -> imports.Import:
    task = imports.newest(checkpoints)
    task.thread.join(60)
    assert not task.running
    return task


def test_a_folder_becomes_a_dataset_and_what_was_set_aside_is_named(folder, tmp_path):
    out = tmp_path / "datasets" / "mine.h5"
    imports.start(tmp_path, "folders", folder, out, {"positive": "landslide"})
    task = finished(tmp_path)
    assert not task.error and (task.report.n, task.report.n_positive) == (6, 3)
    assert [item.file for item in task.report.rejected if "broken" in item.file]
    assert task.share == 1.0 and len(open_dataset(out)) == 6
    imports.forget(tmp_path)
    assert imports.newest(tmp_path) is None


def test_a_source_that_cannot_be_used_ends_in_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    imports.start(tmp_path, "folders", tmp_path / "empty", tmp_path / "datasets" / "x.h5", {})
    task = finished(tmp_path)
    assert task.error and task.report is None and not (tmp_path / "datasets" / "x.h5").exists()


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        imports.start(tmp_path, "folders", tmp_path / "nowhere", tmp_path / "x.h5", {})


def test_the_page_shows_the_report_and_opens_the_dataset(studio, open_page, folder):
    out = studio.checkpoints / "datasets" / "mine.h5"
    imports.start(studio.checkpoints, "folders", folder, out, {"positive": "landslide"})
    finished(studio.checkpoints)
    at = open_page("dataset")
    at.session_state["dataset_view"] = "Import"
    at.run()
    assert not at.exception and "6 patches imported, 3 of the positive class" in at.success[0].value
    at.button(key="import_open").click().run()
    assert not at.exception and {m.label: m.value for m in at.metric}["Patches"] == "6"
