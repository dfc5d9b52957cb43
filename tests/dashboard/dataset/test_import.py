"""Import: a source, a look at it, what is open; an import is a job whose report stays until it is cleared away."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from core.analyses.datasets import preview
from core.analyses.datasets.importing import ANALYSIS
from core.data import uploads
from core.data.readers.base import ReaderOptions
from core.jobs import queue, rows
from core.jobs.analysis_folder import list_for
from core.runs.targets import CheckpointsTarget
from dashboard.dataset.importing import options
from dashboard.jobs import stale_uploads

NAME, LOOK = ANALYSIS.name, preview.ANALYSIS.name


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
    return open_page("dataset", dataset_view="import")


def submitted(studio, folder, **options):
    target = CheckpointsTarget(studio.checkpoints)
    out = studio.checkpoints / "datasets" / "mine.h5"
    return queue.submit_analysis(target, NAME, {"source": folder, "out": out, **options})


def datasets(studio):
    """What lies in the folder of datasets, jobs and results apart."""
    return sorted(p.name for p in (studio.checkpoints / "datasets").iterdir() if p.name not in (".jobs", ".analyses"))


def previewed(studio, open_page, source):
    """The Dataset page when the look at a source has ended."""
    at = open_page("dataset")
    at.text_input(key="import_source").set_value(str(source)).run()
    at.button(key="import_preview").click().run()
    assert not at.exception
    studio.answered(None, LOOK)
    return at.run()


def settled(studio, open_page, source):
    """The same at its third step."""
    return previewed(studio, open_page, source).button(key="import_onward").click().run()


def test_a_source_that_is_not_named_or_not_there_is_refused_in_words(studio, open_page):
    at = open_page("dataset")
    at.button(key="import_preview").click().run()
    assert not at.exception and "Give the path" in at.error[0].value
    at.text_input(key="import_source").set_value("/no/such/folder").run()
    at.button(key="import_preview").click().run()
    assert not at.exception and "There is no folder" in at.error[0].value.replace("\\", "")
    assert not list_for(CheckpointsTarget(studio.checkpoints), LOOK)


def test_the_preview_shows_twelve_patches_and_what_was_understood(studio, open_page, folder):
    at = previewed(studio, open_page, folder)
    assert not at.exception and not at.error
    assert at.markdown[0].value.startswith("**6 patches** with 3 bands of 16×16 pixels: 3 landslide, 3 other")
    words = [one.value for one in at.markdown]
    assert sum(":orange[landslide]" in word for word in words) == sum(":blue[other]" in word for word in words) == 3
    tables = [table.value for table in at.dataframe]
    assert tables[0]["Band"].tolist() == ["Red", "Green", "Blue"] and set(tables[0]["Unit"]) == {"0-255"}
    facts = dict(zip(tables[1]["Fact"], tables[1]["Value"], strict=True))
    assert (facts["Positive class"], facts["Masks"]) == ("landslide", "none")
    assert tables[2]["File"].tolist() == ["other/broken.png"]
    assert datasets(studio) == []


def test_a_source_without_open_questions_is_imported_under_its_name(studio, open_page, folder):
    at = settled(studio, open_page, folder)
    assert not at.exception and any("Nothing is left open" in m.value for m in at.markdown)
    at.button(key="import_go").click().run()
    assert not at.exception and studio.answered(None, NAME)["state"] == "succeeded"
    assert datasets(studio) == ["source.h5"]
    at.run()
    assert "6 patches imported: 3 positive" in at.success[0].value and at.text_input(key="import_source").value == ""


def test_an_unknown_positive_class_must_be_chosen_before_the_import(studio, open_page, folder):
    (folder / "landslide").rename(folder / "slides")
    at = settled(studio, open_page, folder)
    assert at.button(key="import_go").disabled and at.radio(key="import_positive").value is None
    assert at.radio(key="import_positive").options == ["other (4)", "slides (3)"]
    at.radio(key="import_positive").set_value("slides").run()
    at.text_input(key="import_name").set_value("../mine").run()
    at.number_input(key="import_tile").set_value(8).run()
    at.button(key="import_go").click().run()
    assert studio.answered(None, NAME)["state"] == "succeeded"
    (job,) = list_for(CheckpointsTarget(studio.checkpoints), NAME)
    given = job.options()
    assert (given["positive"], given["tile"], given["max_nodata"]) == ("slides", 8, 0.5)
    assert datasets(studio) == ["mine.h5"] and job.result()["n"] == 24


def test_a_table_beside_the_patches_is_taken_unless_it_is_declined(studio, open_page, folder):
    rows = [f"{path.stem},s{path.stem[-1]}" for path in sorted(folder.rglob("*.png"))]
    (folder / "scenes.csv").write_text("\n".join(["id,scene", *rows]))
    at = settled(studio, open_page, folder)
    assert (at.radio(key="import_labels").value, at.radio(key="import_group_column").value) == ("scenes.csv", "scene")
    at.radio(key="import_labels").set_value("").run()
    at.button(key="import_look_again").click().run()
    studio.answered(None, LOOK)
    at.run()
    assert "groups" not in at.markdown[0].value
    at.button(key="import_onward").click().run()
    assert at.radio(key="import_labels").value == ""
    at.button(key="import_go").click().run()
    assert studio.answered(None, NAME)["state"] == "succeeded"
    (job,) = list_for(CheckpointsTarget(studio.checkpoints), NAME)
    assert (job.options()["labels"], job.options()["group_column"]) == (None, None)


def test_the_answers_can_be_looked_at_before_they_are_imported(studio, open_page, folder):
    at = settled(studio, open_page, folder)
    at.number_input(key="import_resize").set_value(32).run()
    at.button(key="import_look_again").click().run()
    studio.answered(None, LOOK)
    at.run()
    assert not at.exception and "32×32 pixels" in at.markdown[0].value
    at.button(key="import_onward").click().run()
    assert at.number_input(key="import_resize").value == 32


def test_going_back_keeps_what_was_entered(studio, open_page, folder):
    (folder / "landslide").rename(folder / "slides")
    at = settled(studio, open_page, folder)
    at.text_input(key="import_name").set_value("mine").run()
    at.radio(key="import_positive").set_value("slides").run()
    at.segmented_control(key="import_step").set_value(2).run()
    at.button(key="import_onward").click().run()
    at.button(key="import_back_to_look").click().run()
    at.button(key="import_to_source").click().run()
    assert at.text_input(key="import_source").value == str(folder)
    at.segmented_control(key="import_step").set_value(3).run()
    assert (at.text_input(key="import_name").value, at.radio(key="import_positive").value) == ("mine", "slides")


def test_a_reload_shows_the_same_preview(studio, open_page, folder):
    at = previewed(studio, open_page, folder)
    link = {name: at.query_params[name] for name in ("import_look", "import_step")}
    again = open_page("dataset", **link)
    assert not again.exception and again.markdown[0].value.startswith("**6 patches**")
    (studio.checkpoints / "datasets" / ".analyses").rename(studio.checkpoints / "elsewhere")
    again = open_page("dataset", **link)
    assert not again.exception and "no longer kept" in again.info[0].value


@pytest.mark.parametrize("name", ["nowhere", "../../x", "preview_import-00000000"])
def test_a_link_to_a_preview_that_is_not_there_begins_anew(studio, open_page, name):
    at = open_page("dataset", import_look=name, import_step="2")
    assert not at.exception and at.text_input(key="import_source").value == ""


def test_the_choices_of_the_first_step_are_in_the_link(open_page):
    link = {"import_from": "upload", "import_kind": "npy", "import_published": "bijie"}
    at = open_page("dataset", **link)
    chosen = [at.segmented_control(key="import_from"), *(at.selectbox(key=key) for key in list(link)[1:])]
    assert not at.exception and [one.value for one in chosen] == list(link.values())
    assert {key: at.query_params[key] for key in link} == link


def test_a_link_to_a_preview_of_a_named_format_names_it_at_the_source(studio, open_page, folder):
    at = open_page("dataset")
    at.selectbox(key="import_kind").set_value("folders").run()
    at.text_input(key="import_source").set_value(str(folder)).run()
    at.button(key="import_preview").click().run()
    studio.answered(None, LOOK)
    at.run()
    again = open_page("dataset", import_look=at.query_params["import_look"], import_step="1")
    assert again.selectbox(key="import_kind").value == "folders"


def test_options_are_called_as_on_the_page():
    text = "There are 4 bands. Say --bands a,b,c if not."
    assert options.on_page("Use --mask-value V, --nonsense.") == "Use “Mask value” V, --nonsense."
    assert options.without_advice(text) == "There are 4 bands."
    assert options.without_advice("Which is it? Found: a, b. Say --positive NAME.") == "Found: a, b."
    assert options.without_advice("2 of 9 have another size: --resize 64 brings them.") == "2 of 9 have another size."


def test_until_a_colour_is_chosen_the_preview_says_that_classes_are_not_known(studio, open_page, tmp_path):
    mask = np.zeros((16, 16, 3), np.uint8)
    mask[:4], mask[4:6] = (255, 0, 0), (0, 255, 0)
    for i in range(4):
        for name, pixels in (("images", np.full((16, 16, 3), 9 * i, np.uint8)), ("masks", mask)):
            (tmp_path / "source" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "source" / name / f"p{i}.png")
    at = previewed(studio, open_page, tmp_path / "source")
    assert not at.exception and "the classes depend on an open question (shown here: Mask value" in at.markdown[0].value
    assert sum(":gray[class not known yet]" in one.value for one in at.markdown) == 4
    at.button(key="import_onward").click().run()
    assert any("Until it is answered, the preview takes" in one.value for one in at.caption)
    assert at.radio(key="import_mask_value").value is None and at.button(key="import_go").disabled


@pytest.mark.parametrize(("content", "words"), [(None, "is in no known format"), (b"no picture", "None of 1 files")])
def test_a_source_that_cannot_be_used_says_why_in_the_preview(studio, open_page, tmp_path, content, words):
    (tmp_path / "bad").mkdir()
    if content:
        (tmp_path / "bad" / "a.png").write_bytes(content)
    at = previewed(studio, open_page, tmp_path / "bad")
    assert not at.exception and words in at.error[0].value.replace("\\", "")
    at.button(key="import_to_source").click().run()
    assert at.text_input(key="import_source").value == str(tmp_path / "bad")


def test_names_in_a_source_are_shown_as_written(studio, open_page, folder):
    (folder / "landslide").rename(folder / "![o](http:__x.example)")
    at = previewed(studio, open_page, folder)
    assert not at.exception
    assert not [one for one in (*at.caption, *at.markdown) if "![o]" in one.value]
    at.button(key="import_onward").click().run()
    assert not at.exception and not [one for one in (*at.caption, *at.markdown) if "![o]" in one.value]


def test_every_option_of_the_readers_but_the_manifest_has_a_widget_within_its_bounds(studio, open_page, folder):
    at = settled(studio, open_page, folder)
    keys = {w.key for kind in ("text_input", "number_input", "selectbox", "toggle") for w in at.get(kind)}
    assert {f"import_{name}" for name in ReaderOptions.model_fields if name not in ("manifest", "keys", "date")} <= keys
    assert at.number_input(key="import_tile").min == 4 and at.number_input(key="import_max_nodata").max == 1.0
    assert at.number_input(key="import_nodata").min is None
    assert not {"import_keys", "import_date"} & keys  # of other formats


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


def uploaded(studio, open_page, content, name="patches.zip"):
    at = open_page("dataset")
    at.segmented_control(key="import_from").set_value("upload").run()
    at.file_uploader(key="import_upload").upload(name, content, "application/zip").run()
    return at.button(key="import_preview").click().run()


def test_an_upload_is_previewed_imported_and_gone(studio, open_page, folder):
    at = uploaded(studio, open_page, zipped(folder))
    assert not at.exception and studio.answered(None, LOOK)["state"] == "succeeded"
    at.run().button(key="import_onward").click().run()
    at.button(key="import_go").click().run()
    assert not at.exception and studio.answered(None, NAME)["state"] == "succeeded"
    assert datasets(studio) == ["patches.h5"]


def test_an_upload_that_cannot_be_queued_says_so(studio, open_page, folder, monkeypatch):
    def refuse(*arguments):
        raise OSError("no room")

    monkeypatch.setattr(queue, "submit_analysis", refuse)
    at = uploaded(studio, open_page, zipped(folder))
    assert not at.exception and "no room" in at.error[0].value


def test_stale_uploads_are_swept_when_the_form_is_opened_unless_a_job_waits_for_them(studio, open_page, monkeypatch):
    monkeypatch.setattr(stale_uploads.sweep, "__defaults__", (-1,))
    folders = [uploads.keep([uploads.Upload("a.zip", io.BytesIO(b"PK"), (".zip",))], studio.checkpoints) for _ in "ab"]
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    submitted(studio, uploads.files_in(folders[0])[0], uploaded=True)
    assert not open_page("dataset").exception
    assert folders[0].is_dir() and not folders[1].exists()


def test_a_name_that_is_taken_is_refused_in_words_and_not_suggested(studio, open_page, folder):
    studio.add_dataset("source")
    at = opened(open_page)
    at.text_input(key="import_source").set_value(str(folder)).run()
    at.button(key="import_preview").click().run()
    studio.answered(None, LOOK)
    at.run().button(key="import_onward").click().run()
    assert at.text_input(key="import_name").placeholder == "source-2"
    at.text_input(key="import_name").set_value("source").run()
    assert not at.exception and "exists already" in at.error[0].value and at.button(key="import_go").disabled


def test_published_layouts_are_shown_with_their_folders(open_page):
    from core.data.readers.layouts.published import LAYOUTS, named

    at = opened(open_page)
    assert at.selectbox("import_published").options == [layout.title for layout in LAYOUTS]
    at.selectbox("import_published").set_value("bijie").run()
    assert named("bijie").tree.strip("\n") in [code.value for code in at.code]
    assert any("resize 64, which the import asks for" in caption.value for caption in at.caption)
