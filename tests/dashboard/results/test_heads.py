"""The comparison of heads on the Results page."""

from __future__ import annotations

import pytest

from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_without_a_comparison_it_is_offered_and_a_failure_is_a_sentence(run, studio, open_page):
    at = open_page("results", run=run.name, results_view="heads")
    assert "Training F1 is not known yet" in words_of(at)
    at.text_input(key="form_heads_Cs").set_value("minus one")
    press(at)
    assert not at.exception and "Give a positive number" in words_of(at)
    at.text_input(key="form_heads_Cs").set_value("0.3")
    press(at)
    error = studio.answered(run, "heads")["error"]  # the made run has no embeddings of its synthetic patches
    at.run()
    assert not at.exception and error.replace("\\", "")[:20] in words_of(at)


def press(at) -> None:
    next(button for button in at.button if button.label == "Compare heads").click().run()


def test_a_stored_comparison_shows_training_f1_and_gap(run, open_page):
    unseen = run.summary()["heads"]["svm_c0.1"] | {"interval": [0.5, 0.7]}
    row = {
        "head": "svm_c0.1", "refitted": False, "gamma": [0.1, 0.2], "train": {"f1": 1.0, "interval": [0.98, 1.0]},
        "oof": unseen, "gap": {"f1": 0.4, "interval": [0.3, 0.5]},
    }  # fmt: skip
    table = {"run": run.name, "rows": [row], "left_out": {"lgbm": "too few"}, "notes": ["<b>old</b>"]}
    run.results("heads").write_json("report.json", table)
    at = open_page("results", run=run.name, results_view="heads")
    assert not at.exception
    table = next(d.value for d in at.dataframe if "Train F1" in d.value)
    assert table["Train F1"][0] == "1.000" and table["Gap"][0] == "0.400" and table["Gamma, by fold"][0] == "0.1–0.2"
    assert "Boosted trees is not available: too few" in words_of(at) and "not known yet" not in words_of(at)
