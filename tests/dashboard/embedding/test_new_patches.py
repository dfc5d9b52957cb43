"""New patches: what is asked, what came of them, and why they could not be placed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from core.analyses.embedding import new_patches as analysis
from core.analyses.embedding.new_patches import ANALYSIS, NAME, Placed
from core.analyses.embedding.projections import OWN
from core.data import uploads
from core.jobs import rows
from core.jobs.analysis_folder import create, list_for
from tests.dashboard.embedding.conftest import charts


@pytest.fixture
def placed(complete):
    """An answer as its job leaves it: two patches on the own projection of fold 1, the second one far away."""
    options = ANALYSIS.options({"source": complete.job()["dataset"], "rows": [4, 8]})
    index = np.array([[1, 2, 3], [5, 6, 7]])
    found = Placed(
        fold=0, key=OWN, ids=np.array(["new_a", "<b>new_b</b>"]), xy=np.array([[0.5, 0.5], [9.0, 9.0]], np.float32),
        probs={"fc": np.array([0.2, 0.9])}, called={"fc": np.array([False, True])}, index=index,
        distance=np.array([[0.1, 0.2, 0.3], [7.0, 8.0, 9.0]]), unlike=np.array([0.1, 0.99]), note="Projected.",
        seconds=2.0,
    )  # fmt: skip
    job = create(complete, NAME, options.model_dump(mode="json"))
    analysis._write(complete, options, found)
    job.write_status(state="succeeded")
    return job


@pytest.fixture
def waiting(complete, monkeypatch):
    """The run, while nothing is started: jobs wait."""
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    return complete


def new_in(at) -> list[str]:
    return [trace["name"] for chart in charts(at) for trace in chart["data"] if "new patch" in trace.get("name", "")]


def test_what_was_placed_is_shown_in_every_chart_and_as_a_table(placed, open_page):
    at = open_page("embedding")
    assert not at.exception and not at.error
    assert len(new_in(at)) == len(charts(at)) > 0
    table = next(d.value for d in at.dataframe if "Patch" in d.value)
    assert table["Patch"].tolist() == ["new_a", "<b>new_b</b>"]
    assert [text.endswith("✓") for text in table.iloc[:, 1]] == [False, True]
    assert table["Distance"].tolist() == [0.1, 7.0]
    assert any("1 of 2 are farther from the training part" in w.value for w in at.warning)


def test_on_another_fold_it_says_where_they_were_placed(placed, open_page):
    at = open_page("embedding")
    at.button_group(key="embedding_fold").set_value(1).run()
    assert not at.exception and not new_in(at)
    assert any("placed on another projection (fold 1)" in c.value for c in at.caption)


def test_they_can_be_removed_from_the_page(placed, open_page):
    at = open_page("embedding")
    at.button(key="new_clear").click().run()
    assert not at.exception and not new_in(at) and not any("Patch" in d.value for d in at.dataframe)


def test_rows_of_a_dataset_are_asked_of_the_fold_and_projection_that_are_shown(waiting, studio, pca_key, open_page):
    at = open_page("embedding", embedding_more="new")
    at.selectbox(key="embedding_projection").select(pca_key).run()
    at.button_group(key="embedding_fold").set_value(2).run()
    at.number_input(key="new_row").set_value(59).run()
    at.number_input(key="new_many").set_value(5).run()
    at.button(key="new_place").click().run()
    assert not at.exception
    options = list_for(waiting, NAME)[0].options()
    assert (options["fold"], options["projection"], options["rows"]) == (2, pca_key, [58, 59])
    assert options["source"] == waiting.job()["dataset"] and options["uploaded"] is False
    assert "new_place" not in {button.key for button in at.button}  # while one waits


def test_an_upload_is_stored_for_the_job_with_the_bands_of_the_dataset(waiting, open_page):
    at = open_page("embedding", embedding_more="new")
    at.button_group(key="new_source").set_value("A file").run()
    image = io.BytesIO()
    np.save(image, np.zeros((16, 16, 12), np.float32))
    at.file_uploader(key="new_file").set_value([("my patch.npy", image.getvalue(), "application/octet-stream")]).run()
    at.button(key="new_place").click().run()
    assert not at.exception and not at.error
    options = list_for(waiting, NAME)[0].options()
    source = Path(options["source"])
    assert options["uploaded"] and len(options["bands"]) == 12
    assert [path.name for path in source.iterdir()] == ["my-patch.npy"]
    assert uploads.folder_of(source, waiting.checkpoints) == source.parent


@pytest.mark.slow  # a process that loads torch
def test_new_patches_that_cannot_be_placed_are_a_sentence(complete, studio, open_page):
    """These runs hold no network: what is missing is said, and the page stays whole."""
    at = open_page("embedding", embedding_more="new")
    at.button(key="new_place").click().run()
    assert "fold_0" in studio.answered(complete, NAME)["error"]
    at.run()
    assert not at.exception and at.error and len(charts(at)) == 1
