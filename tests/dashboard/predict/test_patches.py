"""The Patches view: what is asked for, and the table that came of it."""

from __future__ import annotations

import pandas as pd

from core.analyses.prediction import ANALYSIS
from core.jobs.analysis_folder import list_for
from tests.dashboard.predict.conftest import job_of
from tests.dashboard.predict.test_scene import buttons, words

SUBMIT = "FormSubmitter:predict_patches_form-Predict the patches"


def test_patches_are_a_job_whose_table_is_kept_with_the_run(run, studio, open_page):
    studio.busy_lane(run.dataset_path())
    at = open_page("predict", run=run.name, predict_view="patches")
    assert not at.exception and "it says which are landslides" in at.markdown[0].value
    at.button(key=SUBMIT).click().run()
    assert "Name the folder" in at.warning[0].value
    at.text_input(key="patches_source").set_value(str(run.dataset_path()))
    at.number_input(key="patches_miss_rate").set_value(0.05)
    at.button(key=SUBMIT).click().run()
    assert not at.exception and not at.error
    (job,) = list_for(run, ANALYSIS.name)
    assert job.options()["source"] == str(run.dataset_path()) and job.options()["miss_rate"] == 0.05
    assert str(run.results(ANALYSIS.name).path) in job.options()["out"]


def test_two_safety_targets_at_once_are_refused(run, open_page):
    at = open_page("predict", run=run.name, predict_view="patches")
    at.text_input(key="patches_source").set_value(str(run.dataset_path()))
    at.number_input(key="patches_miss_rate").set_value(0.05)
    at.number_input(key="patches_missed_per_1000").set_value(5.0)
    at.button(key=SUBMIT).click().run()
    assert "give one of them" in at.error[0].value and not list_for(run, ANALYSIS.name)


def test_the_answer_is_a_sentence_a_table_and_a_download(run, open_page, tmp_path):
    out = tmp_path / "new.csv"
    pd.DataFrame({"id": ["a", "b"], "probability": [0.9, 0.1], "landslide": [1, 0]}).to_csv(out, index=False)
    facts = {
        "out": str(out), "n": 2, "n_positive": 1, "threshold": 0.5, "head": "fc", "triage": None, "message": "Done.",
        "warnings": ["Darker than usual."], "rejected": [{"file": "c.png", "reason": "damaged"}],
    }  # fmt: skip
    job_of(run, ANALYSIS.name, {"source": "/data/new", "out": str(out)}, "succeeded", facts)
    at = open_page("predict", run=run.name, predict_view="patches")
    assert not at.exception and "1 of 2 patches are called landslides" in at.markdown[0].value
    assert at.dataframe[0].value["id"].tolist() == ["a", "b"] and "All patches (CSV)" in buttons(at)
    assert "Darker than usual" in at.warning[0].value.replace("\\", "")
    out.unlink()
    at = open_page("predict", run=run.name, predict_view="patches")
    assert not at.exception and "not there any more" in words(at)


def test_a_few_patches_can_be_placed_on_the_map_instead(run, open_page):
    at = open_page("predict", run=run.name, predict_view="patches")
    at.button(key="predict_to_embedding").click().run()
    assert not at.exception and at.title[0].value == "Embedding"
