"""Ensembles on the Results page: built, shown beside their members, answering new patches, and as a source."""

from __future__ import annotations

import numpy as np
import pytest

from core.ensembles.folder import list_ensembles, open_ensemble
from core.ensembles.make import make
from core.runs.plain_files import write_json
from dashboard.results.ensembles import view
from tests.builders import returned
from tests.core.ensembles.made import write_csv
from tests.dashboard.results.made import words_of

HEADS = ("svm_c0.1", "fc")
LINK = {"results_view": "compare", "compare_how": "ensemble"}


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def ensemble(studio, run):
    """Two heads of the run and a CSV on other folds."""
    oof = run.oof()
    probs = np.clip(0.3 + 0.4 * oof["label"] + 0.2 * np.sin(np.arange(len(oof))), 0.01, 0.99)
    path = write_csv(studio.checkpoints / "eva.csv", probs, oof["id"], fold=np.arange(len(oof)) % 4)
    asked = [*(f"{run.name}:{head}" for head in HEADS), str(path)]
    return returned(make(asked, studio.checkpoints, "Both and eva"))


def test_without_any_it_says_what_to_choose_and_refuses_one_member(open_page, run):
    at = open_page("results", run=run.name, **LINK)
    assert not at.exception and "No ensemble yet" in words_of(at)
    assert len(at.multiselect(key="ensemble_members").value) == 2  # the two best heads of the only run
    at.multiselect(key="ensemble_members").set_value([f"{run.name}:fc"]).run()
    at.button(key="ensemble_combine").click().run()
    assert not at.exception and "at least two members" in words_of(at)


def test_a_job_makes_one_from_heads_and_an_upload(studio, open_page, run):
    oof = run.oof()
    text = "id,prob,other\n" + "\n".join(f"{name},0.{k % 9 + 1},0.5" for k, name in enumerate(oof["id"]))
    at = open_page("results", run=run.name, **LINK)
    at.file_uploader(key="ensemble_files").set_value([("eva.csv", text.encode(), "text/csv")]).run()
    at.selectbox(key="ensemble_column_0").select("prob").run()
    at.text_input(key="ensemble_title").set_value("Three").run()
    at.button(key="ensemble_combine").click().run()
    assert not at.exception
    assert studio.answered(None, "ensemble")["state"] == "succeeded"
    at.run()
    assert not at.exception and open_ensemble(studio.checkpoints, "Three").card()["title"] == "Three"
    assert "its folds are not known" in words_of(at) and "best member" in words_of(at)
    assert not list((studio.checkpoints / "datasets").glob(".uploads/*"))


def test_a_failed_job_says_why(studio, open_page, run):
    at = open_page("results", run=run.name, **LINK)
    at.file_uploader(key="ensemble_files").set_value([("eva.csv", b"id,prob\nx,0.2\ny,0.7", "text/csv")]).run()
    at.button(key="ensemble_combine").click().run()
    assert not at.exception
    assert studio.answered(None, "ensemble")["state"] == "failed"
    at.run()
    assert not at.exception and "No patch is answered for by all" in words_of(at)
    assert not list_ensembles(studio.checkpoints)


def test_it_is_shown_beside_its_members(open_page, run, ensemble):
    at = open_page("results", run=run.name, results_view="ensemble")  # by its short link
    assert not at.exception and not at.error and at.segmented_control(key="results_view").value == "compare"
    table = next(d.value for d in at.dataframe if "Weight" in d.value).set_index("Model")
    summary, card = ensemble.summary(), ensemble.card()
    assert table.index[0] == "Stack" and table.index[1] == "Average" and table.index[-1] == "eva"
    assert table.loc["Stack", "F1"] == f"{summary['oof']['f1']:.3f}" and table.loc["Stack", "Weight"] == ""
    assert table.loc["eva", "Weight"].startswith(f"{card['members'][2]['share']:.0%}")
    words = words_of(at)
    assert "n = 60 patches" in words and "Made on other folds: eva" in words and "best member" in words
    drawn = " ".join(chart.proto.id for chart in at.get("plotly_chart"))
    assert "ensemble_pr" in drawn and "ensemble_differences" in drawn
    assert {"All answers (CSV)", "Answers (CSV)", "Members (CSV)"} <= {b.label for b in at.get("download_button")}


def test_members_answers_for_new_patches_are_combined_and_submitted(open_page, run, ensemble):
    at = open_page("results", run=run.name, **LINK)
    contents = [
        b"id,prob,prob_fc\na,0.9,0.8\nb,0.1,0.2\n",
        b"id,prob,prob_fc\na,0.9,0.8\nb,0.1,0.2\n",
        b"id,prob\na,1\n",
    ]
    for place, content in enumerate(contents):
        at.file_uploader(key=f"ensemble_answers_{ensemble.name}_{place}").set_value(
            ("p.csv", content, "text/csv")
        ).run()
    assert not at.exception and "eva has no answer for 1 of the 2 patches" in words_of(at) and ": b." in words_of(at)
    last = at.file_uploader(key=f"ensemble_answers_{ensemble.name}_2")
    last.set_value(("p.csv", b"id,prob\nb,0.05\na,0.97\n", "text/csv")).run()
    assert not at.exception and "2 patches, 1 predicted" in words_of(at)
    at.file_uploader(key=f"ensemble_test_{ensemble.name}").set_value(("Test.csv", b"ID\nb\na\n", "text/csv")).run()
    assert not at.exception and "Submission (CSV)" in {b.label for b in at.get("download_button")}
    at.file_uploader(key=f"ensemble_test_{ensemble.name}").set_value(("Test.csv", b"ID\nc\n", "text/csv")).run()
    assert not at.exception and "1 of 1 patches of Test.csv have no answer" in words_of(at)


def test_a_run_is_compared_with_it_on_the_same_patches(open_page, run, ensemble):
    link = {"results_view": "compare", "compare_with": f"ensembles/{ensemble.name}", "compare_head": "stack"}
    at = open_page("results", run=run.name, **link)
    assert not at.exception and not at.error
    metrics = next(d.value for d in at.dataframe if "Difference" in d.value).set_index("Metric")
    assert metrics.loc["F1", "Stack (Ensemble: Both and eva)"] == f"{ensemble.summary()['oof']['f1']:.3f}"
    assert "Stack (Ensemble: Both and eva)" in words_of(at) and "Settings that differ" not in words_of(at)
    assert not [button for button in at.button if button.key and button.key.startswith("compare_open_")]


@pytest.mark.parametrize("chosen", ["summary", "curves", "calibration"])
def test_as_a_source_it_has_the_views_of_a_run(open_page, run, ensemble, chosen):
    at = open_page("results", run=run.name, results_of="ensemble", ensemble=ensemble.name, csv_view=chosen)
    assert not at.exception and not at.error
    assert {m.label: m.value for m in at.metric}["F1"] == f"{ensemble.summary()['oof']['f1']:.3f}"


def test_the_button_opens_the_source_and_deleting_takes_it_away(studio, open_page, run, ensemble):
    at = open_page("results", run=run.name, **LINK)
    at.button(key="ensemble_open").click().run()
    assert not at.exception and at.segmented_control(key="csv_view").value == "summary"
    at = open_page("results", run=run.name, **LINK)
    at.button(key="ensemble_delete").click().run()
    assert not at.exception and not list_ensembles(studio.checkpoints) and "No ensemble yet" in words_of(at)
    at = open_page("results", run=run.name, results_of="ensemble")
    assert not at.exception and "no ensemble yet" in words_of(at)


def test_a_damaged_one_is_named_and_the_page_stands(open_page, run, ensemble):
    write_json(ensemble.path / "summary.json", {"head": 3})
    at = open_page("results", run=run.name, **LINK)
    assert not at.exception and "An ensemble cannot be read" in words_of(at) and "No ensemble yet" in words_of(at)


def test_an_undefined_difference_is_said():
    card = {"method": "stack", "best_member": "a", "differences": {"a": {"f1": {"difference": None}}}}
    assert (
        view.verdict(card, {"a": "A*", "stack": "Stack"})
        == "The difference to its best member, A\\*, is undefined here."
    )
