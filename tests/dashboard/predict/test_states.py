"""Every view says how its job stands: running, failed with the reason, cancelled."""

from __future__ import annotations

import pytest

from core.analyses import prediction, scene_map
from core.analyses.maps import export
from tests.builders import work_on
from tests.dashboard.predict.conftest import add_map, job_of
from tests.dashboard.predict.test_scene import buttons, words

VIEWS = {
    "scene": (scene_map.NAME, {"scene": "/data/s.tif"}),
    "patches": (prediction.ANALYSIS.name, {"source": "/data/new", "out": "/data/new.csv"}),
    "export": (export.ANALYSIS.name, {"out": "/data/m.onnx"}),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_running_job_shows_its_progress_and_can_be_cancelled(run, open_page, view):
    name, options = VIEWS[view]
    job = job_of(run, name, options, "running", progress=0.4, message="Rows 1 to 9.")
    work_on(job)
    at = open_page("predict", run=run.name, predict_view=view)
    assert not at.exception and "Rows 1 to 9" in at.get("progress")[0].text and "Cancel" in buttons(at)


@pytest.mark.parametrize("view", VIEWS)
def test_a_failed_job_says_why_and_can_be_tried_again(run, open_page, view):
    name, options = VIEWS[view]
    job_of(run, name, options, "failed", error="Nothing is there. Give another --out.")
    at = open_page("predict", run=run.name, predict_view=view)
    assert not at.exception and "Nothing is there. Give another “" in at.error[0].value.replace("\\", "")
    assert {"Try again", "Clear"} <= set(buttons(at))


@pytest.mark.parametrize("name", ["scene_alike", "judged_patches"])
def test_what_is_asked_of_a_map_says_why_it_failed(run, open_page, name):
    add_map(run)
    job_of(run, name, {"map": "after-1"}, "failed", error="The scene is not where it was.")
    at = open_page("predict", run=run.name, predict_cell="1-1", predict_section="alike")
    assert not at.exception and any("not where it was" in one.value for one in at.error)
    assert "looks at the 8 windows of the scene once" in words(at)
