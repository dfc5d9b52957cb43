"""Imports go on in the background, end in a report or in a sentence, can be stopped, and leave no upload behind."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.data.store import open_dataset
from core.errors import DataError
from dashboard.dataset import import_task
from dashboard.jobs import background


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


def zipped(folder) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder.parent))
    content.seek(0)
    return content


def finished(checkpoints) -> background.Task:
    task = import_task.newest(checkpoints)
    task.thread.join(60)
    assert not task.running
    return task


def uploads(checkpoints) -> list:
    return list((checkpoints / "datasets").glob(f"{import_task.UPLOADS}/*"))


def test_a_folder_becomes_a_dataset_and_what_was_set_aside_is_named(folder, tmp_path):
    out = tmp_path / "datasets" / "mine.h5"
    import_task.start(tmp_path, "folders", folder, out, {"positive": "landslide"})
    task = finished(tmp_path)
    assert not task.error and (task.result.n, task.result.n_positive) == (6, 3)
    assert [item.file for item in task.result.rejected if "broken" in item.file]
    assert task.share == 1.0 and len(open_dataset(out)) == 6
    import_task.forget(tmp_path)
    assert import_task.newest(tmp_path) is None


def test_a_source_that_cannot_be_used_ends_in_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    import_task.start(tmp_path, "folders", tmp_path / "empty", tmp_path / "datasets" / "x.h5", {})
    task = finished(tmp_path)
    assert task.error and task.result is None and not (tmp_path / "datasets" / "x.h5").exists()


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        import_task.start(tmp_path, "folders", tmp_path / "nowhere", tmp_path / "x.h5", {})


def test_an_uploaded_archive_is_recognised_imported_and_gone(folder, tmp_path):
    path = import_task.keep_upload(tmp_path, "../../sly name.zip", zipped(folder), (".zip",))
    assert path.parent.parent.name == import_task.UPLOADS and path.name == "sly-name.zip"
    import_task.start(tmp_path, "", path, tmp_path / "datasets" / "up.h5", {}, uploaded=path.parent)
    task = finished(tmp_path)
    assert not task.error and task.result.n == 6 and task.facts["format"] == "folders"
    assert not uploads(tmp_path) and [p.name for p in (tmp_path / "datasets").iterdir()] == ["up.h5"]


def test_an_archive_that_leads_out_of_its_folder_is_refused_and_gone(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../out.png", b"x")
    content.seek(0)
    path = import_task.keep_upload(tmp_path, "a.zip", content, (".zip",))
    import_task.start(tmp_path, "", path, tmp_path / "datasets" / "up.h5", {}, uploaded=path.parent)
    task = finished(tmp_path)
    assert task.error and task.result is None and not uploads(tmp_path)
    assert not (tmp_path / "out.png").exists() and not (tmp_path / "datasets" / "up.h5").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("a.zip", b"", "empty"), ("a.exe", b"MZ", "not one of"), ("zip", b"PK", "not one of")],
)
def test_uploads_of_another_kind_or_empty_are_refused(tmp_path, name, content, words):
    with pytest.raises(DataError, match=words):
        import_task.keep_upload(tmp_path, name, io.BytesIO(content), (".zip",))
    assert not uploads(tmp_path)


def test_uploads_over_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(import_task, "MAX_UPLOAD_MB", 0)
    with pytest.raises(DataError, match="may have 0"):
        import_task.keep_upload(tmp_path, "a.zip", io.BytesIO(b"PK"), (".zip",))


def test_what_a_stopped_server_left_is_swept_after_an_hour(tmp_path, monkeypatch):
    import_task.keep_upload(tmp_path, "a.zip", io.BytesIO(b"PK"), (".zip",))
    import_task.sweep(tmp_path)
    assert len(uploads(tmp_path)) == 1
    monkeypatch.setattr(import_task, "STALE_S", -1)
    import_task.sweep(tmp_path)
    assert not uploads(tmp_path)


def test_a_cancelled_import_leaves_no_dataset(folder, tmp_path):
    gate = background.Task("An import")
    gate.stop.set()
    from core.data.readers import ReaderOptions, ingest

    out = tmp_path / "datasets" / "mine.h5"
    with pytest.raises(background.Stopped):
        gate.through(ingest("folders", folder, out, ReaderOptions()))
    assert not out.exists()
    import_task.drop_read(out)
    assert not list((tmp_path / "datasets").iterdir())


def test_a_cancelled_import_can_go_on_from_the_page(studio, open_page, folder, monkeypatch):
    out = studio.checkpoints / "datasets" / "mine.h5"
    monkeypatch.setattr(background.Task, "through", lambda task, steps: (_ for _ in ()).throw(background.Stopped()))
    import_task.start(studio.checkpoints, "folders", folder, out, {"positive": "landslide"})
    assert finished(studio.checkpoints).cancelled
    monkeypatch.undo()
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(studio.checkpoints))
    at = open_page("dataset")
    assert not at.exception and "was cancelled" in at.warning[0].value
    at.button(key="import_go_on").click().run()
    assert finished(studio.checkpoints).result.n == 6


def test_the_page_shows_the_report_and_opens_the_dataset(studio, open_page, folder):
    out = studio.checkpoints / "datasets" / "mine.h5"
    import_task.start(studio.checkpoints, "folders", folder, out, {"positive": "landslide"})
    finished(studio.checkpoints)
    at = open_page("dataset")
    at.session_state["dataset_view"] = "Import"
    at.run()
    assert not at.exception and "6 patches imported, 3 of the positive class" in at.success[0].value
    at.button(key="import_open").click().run()
    assert not at.exception and {m.label: m.value for m in at.metric}["Patches"] == "6"


def test_the_form_says_what_a_source_looks_like_and_imports_it(studio, open_page, folder):
    at = open_page("dataset")
    at.text_input(key="import_source").set_value(str(folder)).run()
    assert not at.exception and any(c.value.startswith("Recognised: Folders of images") for c in at.caption)
    at.text_input(key="import_name").set_value("../mine").run()
    at.button(key="import_go").click().run()
    finished(studio.checkpoints)
    assert [p.name for p in (studio.checkpoints / "datasets").iterdir()] == ["mine.h5"]


def test_an_upload_on_the_page_is_imported(studio, open_page, folder):
    at = open_page("dataset")
    at.segmented_control(key="import_from").set_value("upload").run()
    at.file_uploader(key="import_upload").upload("patches.zip", zipped(folder).getvalue(), "application/zip").run()
    at.button(key="import_go").click().run()
    assert not at.exception
    assert finished(studio.checkpoints).result.n == 6 and not uploads(studio.checkpoints)


def test_a_name_that_is_taken_is_refused_in_words(studio, open_page, folder):
    studio.add_dataset("mine")
    at = open_page("dataset")
    at.session_state["dataset_view"] = "Import"
    at.run()
    at.text_input(key="import_source").set_value(str(folder)).run()
    at.text_input(key="import_name").set_value("mine").run()
    at.button(key="import_go").click().run()
    assert not at.exception and "is here already" in at.error[0].value
