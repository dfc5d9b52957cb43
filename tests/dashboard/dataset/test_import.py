"""Import: the form says what a source looks like, an import is a job whose report stays until it is cleared away."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.analyses.datasets.importing import ANALYSIS
from core.data import uploads
from core.data.readers.base import ReaderOptions
from core.jobs import queue, rows
from core.jobs.analysis_folder import list_for
from core.runs.targets import CheckpointsTarget
from dashboard.jobs import stale_uploads

NAME = ANALYSIS.name


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


def zipped(folder) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder.parent))
    return content.getvalue()


def opened(open_page):
    """The Dataset page at its Import view."""
    at = open_page("dataset")
    at.session_state["dataset_view"] = "import"
    return at.run()


def submitted(studio, folder, **options):
    target = CheckpointsTarget(studio.checkpoints)
    out = studio.checkpoints / "datasets" / "mine.h5"
    return queue.submit_analysis(target, NAME, {"source": folder, "out": out, **options})


def datasets(studio):
    """What lies in the folder of datasets, jobs and results apart."""
    return sorted(p.name for p in (studio.checkpoints / "datasets").iterdir() if p.name not in (".jobs", ".analyses"))


def test_an_import_without_a_folder_is_refused_in_words(studio, open_page):
    at = open_page("dataset")
    at.button(key="import_go").click().run()
    assert not at.exception and "Give the path" in at.error[0].value


def test_an_import_of_a_folder_that_is_not_there_is_refused_in_words(studio, open_page):
    at = open_page("dataset")
    at.text_input(key="import_source").set_value("/no/such/folder")
    at.button(key="import_go").click().run()
    assert not at.exception and "There is no folder" in at.error[0].value.replace("\\", "")


def test_the_form_says_what_a_source_looks_like_and_imports_it_with_its_options(studio, open_page, folder):
    at = open_page("dataset")
    at.text_input(key="import_source").set_value(str(folder)).run()
    assert not at.exception and any(c.value.startswith("Detected: Folders of images") for c in at.caption)
    at.text_input(key="import_name").set_value("../mine").run()
    at.text_input(key="import_positive").set_value("other").run()
    at.number_input(key="import_tile").set_value(8).run()
    at.selectbox(key="import_unit").select("0-255").run()
    at.button(key="import_go").click().run()
    assert studio.answered(None, NAME)["state"] == "succeeded"
    (job,) = list_for(CheckpointsTarget(studio.checkpoints), NAME)
    given = job.options()
    assert (given["positive"], given["tile"], given["unit"], given["max_nodata"]) == ("other", 8, "0-255", 0.5)
    assert datasets(studio) == ["mine.h5"] and job.result()["n"] == 24


def test_every_option_of_the_readers_but_the_manifest_has_a_widget_within_its_bounds(studio, open_page):
    at = open_page("dataset")
    keys = {w.key for kind in ("text_input", "number_input", "selectbox", "toggle") for w in at.get(kind)}
    assert {f"import_{name}" for name in ReaderOptions.model_fields if name != "manifest"} <= keys
    assert at.number_input(key="import_tile").min == 4 and at.number_input(key="import_max_nodata").max == 1.0
    assert at.number_input(key="import_nodata").min is None


def test_options_of_another_format_are_not_offered(studio, open_page):
    at = open_page("dataset")
    at.selectbox(key="import_kind").select("zindi").run()
    assert not [w for w in at.selectbox if w.key == "import_layout"]


def test_the_page_shows_the_report_until_it_is_cleared_and_opens_the_dataset(studio, open_page, folder):
    submitted(studio, folder, positive="landslide")
    studio.answered(None, NAME)
    at = opened(open_page)
    assert not at.exception and "6 patches imported: 3 positive" in at.success[0].value
    at.button(key="import_open").click().run()
    assert not at.exception and {m.label: m.value for m in at.metric}["Patches"] == "6"
    assert not opened(open_page).success


def test_a_failed_import_says_why(studio, open_page, tmp_path):
    (tmp_path / "empty").mkdir()
    submitted(studio, tmp_path / "empty")
    studio.answered(None, NAME)
    at = open_page("dataset")
    assert not at.exception and "is in no known format" in at.error[0].value.replace("\\", "")


def test_a_cancelled_import_can_go_on_and_clearing_it_removes_what_was_read(studio, open_page, folder):
    job = submitted(studio, folder)
    studio.answered(None, NAME)
    (studio.checkpoints / "datasets" / "mine.h5").unlink()
    job.write_status(state="cancelled")
    left = studio.checkpoints / "datasets" / ".mine.h5.spool"
    left.mkdir()
    at = open_page("dataset")
    assert not at.exception and "cancelled" in at.warning[0].value
    assert any("Patches read so far are kept" in c.value for c in at.caption) and left.is_dir()
    at.button(key=f"job_clear_{job.name}").click().run()
    assert not at.exception and not at.warning and not left.exists()
    job.write_status(seen=False)
    at.run()
    at.button(key=f"job_again_{job.name}").click().run()
    assert studio.answered(None, NAME)["state"] == "succeeded" and datasets(studio) == ["mine.h5"]


def test_an_upload_on_the_page_is_imported_and_gone(studio, open_page, folder):
    at = open_page("dataset")
    at.segmented_control(key="import_from").set_value("upload").run()
    at.file_uploader(key="import_upload").upload("patches.zip", zipped(folder), "application/zip").run()
    at.button(key="import_go").click().run()
    assert not at.exception and studio.answered(None, NAME)["state"] == "succeeded"
    assert datasets(studio) == ["patches.h5"]


def test_an_upload_that_cannot_be_queued_is_gone(studio, open_page, folder, monkeypatch):
    def refuse(*arguments):
        raise OSError("no room")

    monkeypatch.setattr(queue, "submit_analysis", refuse)
    at = open_page("dataset")
    at.segmented_control(key="import_from").set_value("upload").run()
    at.file_uploader(key="import_upload").upload("patches.zip", zipped(folder), "application/zip").run()
    at.button(key="import_go").click().run()
    assert not at.exception and "no room" in at.error[0].value and datasets(studio) == []


def test_stale_uploads_are_swept_when_the_form_is_opened_unless_a_job_waits_for_them(studio, open_page, monkeypatch):
    monkeypatch.setattr(stale_uploads.sweep, "__defaults__", (-1,))
    folders = [uploads.keep([uploads.Upload("a.zip", io.BytesIO(b"PK"), (".zip",))], studio.checkpoints) for _ in "ab"]
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    submitted(studio, uploads.files_in(folders[0])[0], uploaded=True)
    assert not open_page("dataset").exception
    assert folders[0].is_dir() and not folders[1].exists()


def test_a_name_that_is_taken_is_refused_in_words(studio, open_page, folder):
    studio.add_dataset("mine")
    at = opened(open_page)
    at.text_input(key="import_source").set_value(str(folder)).run()
    at.text_input(key="import_name").set_value("mine").run()
    at.button(key="import_go").click().run()
    assert not at.exception and "exists already" in at.error[0].value


def test_published_layouts_are_shown_with_their_folders(open_page):
    from core.data.readers.layouts.published import LAYOUTS, named

    at = opened(open_page)
    assert at.selectbox("import_published").options == [layout.title for layout in LAYOUTS]
    at.selectbox("import_published").set_value("bijie").run()
    assert named("bijie").tree.strip("\n") in [code.value for code in at.code]
    assert any("resize 64, below under Options" in caption.value for caption in at.caption)
