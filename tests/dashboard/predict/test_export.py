"""The Export view: what is asked for, and the files that there are."""

from __future__ import annotations

from core.analyses.maps.export import ANALYSIS
from core.jobs.analysis_folder import list_for
from tests.dashboard.predict.conftest import job_of
from tests.dashboard.predict.test_scene import buttons, words


def test_nothing_has_been_exported_at_first_and_a_file_is_a_job(run, studio, open_page):
    studio.busy_lane(run.dataset_path())
    at = open_page("predict", run=run.name, predict_view="export", export_form="safetensors", export_fold="1")
    assert not at.exception and "Nothing has been exported yet." in words(at)
    at.button(key="export_go").click().run()
    assert not at.exception and not at.error
    (job,) = list_for(run, ANALYSIS.name)
    assert job.options()["out"].endswith("_fold1.safetensors") and job.options()["fold"] == 1
    assert job.options()["head"] == run.summary()["head"] and "Cancel" in buttons(at)


def test_what_was_exported_is_a_download_with_its_check(run, open_page):
    own = run.results(ANALYSIS.name).path
    own.mkdir(parents=True)
    (own / "blend.onnx").write_bytes(b"onnx")
    facts = {"out": str(own / "blend.onnx"), "bytes": 4 * 2**20, "n_compared": 256, "largest_difference": 2e-6}
    job_of(run, ANALYSIS.name, {"out": facts["out"]}, "succeeded", facts | {"warnings": ["One head less."]})
    at = open_page("predict", run=run.name, predict_view="export")
    assert not at.exception and "Download" in buttons(at)
    assert "On 256 patches its probabilities differ from the run's by at most 0.000002" in words(at)
    assert "One head less" in at.warning[0].value


def test_a_file_that_is_gone_is_said(run, open_page):
    facts = {"out": "/nowhere/m.onnx", "bytes": 1, "warnings": []}
    job_of(run, ANALYSIS.name, {"out": facts["out"]}, "succeeded", facts)
    at = open_page("predict", run=run.name, predict_view="export")
    assert not at.exception and "the file is not there any more" in words(at)
