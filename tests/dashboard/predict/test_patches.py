"""The Patches view: what is asked for, and the table that came of it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.analyses.prediction import ANALYSIS
from core.data import uploads
from core.jobs.analysis_folder import list_for
from core.predict.sources import patches_of
from core.progress import drain
from core.runs.prevalence import prevalence_of
from dashboard.predict.patches import answers
from tests.builders import make_tiny
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


def test_a_new_answer_is_shown_in_place_of_the_one_that_was_chosen(run, open_page, tmp_path):
    out = tmp_path / "p.csv"
    out.write_text("id,prob\na,0.9\n")
    facts = {"out": str(out), "n_positive": 1, "threshold": 0.5, "head": "fc", "triage": None, "message": "Done."}
    for n in (11, 12):
        job_of(run, ANALYSIS.name, {"source": f"/data/{n}", "out": str(out)}, "succeeded", facts | {"n": n})
    at = open_page("predict", run=run.name, predict_view="patches")
    box = at.selectbox(key="predict_patches")
    assert box.options == ["12", "11"]
    box.set_value(list_for(run, ANALYSIS.name)[1].path.name).run()
    assert "1 of 11 patches" in at.markdown[0].value
    job_of(run, ANALYSIS.name, {"source": "/data/13", "out": str(out)}, "succeeded", facts | {"n": 13})
    at.run()
    assert not at.exception and "1 of 13 patches" in at.markdown[0].value


def test_a_few_patches_can_be_placed_on_the_map_instead(run, open_page):
    at = open_page("predict", run=run.name, predict_view="patches")
    at.button(key="predict_to_embedding").click().run()
    assert not at.exception and at.title[0].value == "Embedding"


# ------------------------------------------------------------------------------------- what came of a real question


@pytest.fixture
def answered(studio, real_run):
    """A run that has answered for 60 new patches with a safety target, as a job that has ended."""
    data = make_tiny(studio.checkpoints / "datasets" / "new.h5", n=60, seed=5)
    options = {"source": str(data), "out": str(studio.checkpoints / "new-1.csv"), "pictures": True}
    options |= {"miss_rate": 0.4, "design_effect": 1.0}
    value = drain(ANALYSIS.start(real_run, options))
    job_of(real_run, ANALYSIS.name, ANALYSIS.options(options).model_dump(mode="json"), "succeeded", value)
    return real_run, value


def test_the_patches_stand_by_answer_and_a_card_says_what_it_rests_on(answered, open_page):
    run, value = answered
    at = open_page("predict", run=run.name, predict_view="patches")
    look, other = (value["answers"].get(name, 0) for name in ("have a person look", "no landslide"))
    assert not at.exception and look + other == 60
    assert f"{look} need a person's look and {other} can be cleared" in at.markdown[0].value
    switch = at.segmented_control(key="patches_answer")
    assert switch.options == [f"Have a person look · {look}"] + ([f"No landslide · {other}"] if other else [])
    table = pd.read_csv(value["out"])
    first = table.sort_values("prob", ascending=False)["id"].iloc[0]
    at = open_page("predict", run=run.name, predict_view="patches", patch=first)
    said = words(at)
    assert not at.exception and "so the safety target does not clear it" in said and "Nearest training patches" in said
    assert "Folds by the first of them" in said and "Have a person look" in said


def test_the_estimated_share_is_stated_with_a_click_and_the_patches_are_predicted_for_it(answered, open_page, studio):
    run, value = answered
    share = {"share": 0.03, "lo": 0.01, "hi": 0.06, "n": 60, "counted": 0.2, "fits": True, "notes": []}
    (job,) = list_for(run, ANALYSIS.name)
    job.write_json("result.json", value | {"share": share})
    studio.busy_lane(run.dataset_path())
    at = open_page("predict", run=run.name, predict_view="patches")
    assert "Estimated 3.0% (1.0–6.0%) landslides here" in words(at)
    at.button(key=f"predict_share_{job.path.name}_use").click().run()
    assert not at.exception and prevalence_of(run).share == pytest.approx(0.03)
    assert sorted(one.options()["prevalence"] or 0 for one in list_for(run, ANALYSIS.name)) == [0, 0.03]
    job.write_json("result.json", value | {"share": share | {"fits": False, "notes": ["No mixture gives this."]}})
    at = open_page("predict", run=run.name, predict_view="patches")
    assert any("cannot be told" in one.value and "No mixture" in one.value for one in at.warning)
    assert not any("_use" in (one.key or "") for one in at.button)


def test_uploaded_patches_are_stored_for_the_job_with_the_bands_of_the_run(real_run, studio, open_page):
    studio.busy_lane(real_run.dataset_path())
    at = open_page("predict", run=real_run.name, predict_view="patches", patches_from="upload")
    image = io.BytesIO()
    np.save(image, np.zeros((32, 32, 3), np.float32))
    sent = [(f"{name}.npy", image.getvalue(), "application/octet-stream") for name in ("a", "b")]
    at.file_uploader(key="patches_files").set_value(sent)
    at.button(key=SUBMIT).click().run()
    assert not at.error and not at.warning, (at.error, at.warning)
    (job,) = list_for(real_run, ANALYSIS.name)
    options = job.options()
    assert not at.exception and not at.error and options["uploaded"] and options["bands"] == ["red", "green", "blue"]
    assert Path(options["out"]).name.startswith("a-and-1-more-")
    folder = uploads.folder_of(Path(options["source"]), studio.checkpoints)
    assert [path.name for path in uploads.files_in(folder)] == ["a.npy", "b.npy"]
    bands, batches, _ = patches_of(Path(options["source"]), None, options["bands"])
    assert sum(len(ids) for ids, _ in batches) == 2


def test_a_dataset_of_the_studio_is_chosen_from_a_list(real_run, studio, open_page):
    new = make_tiny(studio.checkpoints / "datasets" / "new.h5", n=30, seed=5)
    studio.busy_lane(real_run.dataset_path())
    at = open_page("predict", run=real_run.name, predict_view="patches", patches_from="dataset")
    at.selectbox(key="patches_dataset").set_value("new")
    at.button(key=SUBMIT).click().run()
    assert not at.exception and list_for(real_run, ANALYSIS.name)[0].options()["source"] == str(new.resolve())


def test_a_submission_is_checked_on_the_page(run, open_page):
    at = open_page("predict", run=run.name, predict_view="patches")
    at.file_uploader(key="submission_wanted").set_value(
        [("SampleSubmission.csv", b"ID,Target\nA,0\nB,0\n", "text/csv")]
    )
    at.file_uploader(key="submission_file").set_value([("s.csv", b"ID,label\nA,1\nB,0\n", "text/csv")]).run()
    assert not at.exception and "must be ID,Target" in at.error[0].value
    at.file_uploader(key="submission_file").set_value([("s.csv", b"ID,Target\nA,1\nB,0\n", "text/csv")]).run()
    assert not at.error and "can be submitted" in at.success[0].value


def test_nothing_is_promised_where_the_patches_do_not_look_like_the_runs_own():
    facts = {
        "n": 100, "answers": {"have a person look": 30, "no landslide": 60, "landslide": 10},
        "triage": {"target": {"kind": "miss_rate", "limit": 0.05, "delta": 0.05}}, "share": {"fits": True},
    }  # fmt: skip
    said = answers.headline(facts)
    assert "10 are landslides, 30 need a person's look and 60 can be cleared" in said and "At most 5% of the" in said
    doubted = answers.headline(facts | {"share": {"fits": False}})
    assert "not promised here" in doubted and "confidence" not in doubted
