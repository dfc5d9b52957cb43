"""Searches on the Train page: empty, waiting, running, finished, failed, nested."""

import pytest

from core.jobs import queue
from core.jobs.analysis_folder import list_for
from dashboard.search import figures, tables
from dashboard.train import draft
from tests.dashboard.results.made import words_of
from tests.dashboard.search.made import SPACE, judgement, part, record, searched


@pytest.fixture
def path(studio):
    return studio.add_dataset()


def opened(open_page, **query):
    at = open_page("train", dataset="tiny", train_view="search", **query)
    assert not at.exception, at.exception
    return at


def test_without_any_it_says_what_a_search_is_and_starts_one(path, studio, open_page):
    studio.busy_lane(path)
    at = opened(open_page)
    assert "No search on this dataset yet" in [one.value for one in at.header]
    at.selectbox(key="search_preset").select("demo").run()
    assert "train.lr=log:0.0002..0.02" in at.text_area(key="search_vary_demo").value
    at.number_input(key="search_trials").set_value(3).run()
    at.button(key="search_start").click().run()
    assert not at.exception
    (job,) = list_for(studio.dataset_target(path), "search")
    asked = job.options()
    assert (asked["preset"], asked["trials"], asked["sampler"], asked["judge"]) == ("demo", 3, "tpe", "held_back")
    assert queue.job(studio.checkpoints, job.name).state == "queued"


def test_what_cannot_be_searched_is_said_at_once_and_nothing_waits(path, studio, open_page):
    at = opened(open_page)
    at.selectbox(key="search_preset").select("demo").run()
    at.text_area(key="search_vary_demo").set_value("train.pace=1,2").run()
    at.button(key="search_start").click().run()
    assert "There is no setting 'train.pace'" in " ".join(one.value for one in at.error).replace("\\", "")
    assert list_for(studio.dataset_target(path), "search") == []


def test_while_it_runs_the_best_so_far_is_called_too_high(path, studio, open_page):
    searched(studio, path, "running", [part(running=True)])
    at = opened(open_page)
    assert "3 trials so far" in words_of(at) and "too high until it is judged" in words_of(at)
    assert len(at.get("plotly_chart")) == 1 and "Cancel" in [one.label for one in at.button]
    assert at.dataframe[0].value["State"].tolist()[-1] == "running"


def test_a_finished_one_says_what_is_left_outside_and_draws_inside_against_outside(path, studio, open_page):
    searched(studio, path, "succeeded", [part(failed=True)], judgement())
    at = opened(open_page)
    words = words_of(at)
    assert "inside the search is 0.830; on 30 patches that no trial saw, these settings reach 0.770" in words
    assert "0.060 higher" in words and "it promised +0.050; +0.010" in words and "may be chance" in words
    assert "n = 30 patches (33.3% landslide) in 12 groups" in words and "together: 0.790" in words
    assert len(at.get("plotly_chart")) == 3
    assert "could not be fitted" in " ".join(one.value for one in at.warning)
    shown = at.dataframe[0].value
    assert shown["Trial"].tolist()[0] == "5 (best)" and shown["State"].tolist()[-2:] == ["stopped early", "failed"]
    assert "Trials (CSV)" in [one.label for one in at.get("download_button")]


@pytest.mark.parametrize("picture, said", [("importance", "Functional ANOVA on 6"), ("slices", "later ones darker")])
def test_which_settings_mattered_and_how(path, studio, open_page, picture, said):
    searched(studio, path, "succeeded", None, judgement())
    assert said in words_of(opened(open_page, search_picture=picture))


def test_the_winners_settings_fill_the_form_of_a_new_run(path, studio, open_page):
    searched(studio, path, "succeeded", None, judgement())
    at = opened(open_page)
    at.button(key="search_train").click().run()
    assert not at.exception
    config = draft_config(at)
    assert (config.train.lr, config.smote.enabled, config.train.epochs) == (0.005, False, 3)
    assert config.heads.head == "svm_c1" and config.heads.svm_C == (1.0,)


def draft_config(at):
    changes, texts = at.session_state["train_changes"]["demo"], at.session_state["train_texts"]["demo"]
    import json

    written = [f"{name}={json.dumps(value)}" for name, value in changes.items()]
    return draft.preset("demo").with_overrides([*written, *filter(None, texts.splitlines())])


def test_a_failed_one_says_why_and_keeps_its_trials(path, studio, open_page):
    searched(studio, path, "failed")
    at = opened(open_page)
    assert "The disk is full" in " ".join(one.value for one in at.error)
    assert len(at.dataframe[0].value) == 7


def test_of_nested_searches_one_is_looked_at(path, studio, open_page):
    parts = [part(0), part(1)]
    searched(studio, path, "succeeded", parts, judgement((5, 4)), {"judge": "nested"}, judge="nested")
    at = opened(open_page, search_part="1")
    assert "2 outer folds, each judged by its own search" in words_of(at)
    assert at.dataframe[0].value["Trial"].tolist()[1] == "4 (best)"


def test_when_nothing_beat_the_settings_as_they_are_it_says_so(path, studio, open_page):
    searched(studio, path, "succeeded", None, judgement((0,)))
    assert "No trial was better than the settings as they are." in words_of(opened(open_page))


def test_figures_and_table_of_every_kind_of_setting():
    values = record("x", None, judgement())
    trials = tables.trials_of(values["parts"][0])
    assert len(figures.slices(trials, [one.to_dict() for one in SPACE.parameters], "f1").data) == 3
    assert [bar.y for bar in figures.importance({"train.lr": 0.7, "a<b": 0.3}).data][0] == ("train.lr", "a&lt;b")
    assert len(figures.differences(judgement((0,)), "f1").data) == 1
    flat = tables.flat(values)
    assert len(flat) == 7 and flat["smote.enabled"].tolist()[:2] == ["true", "false"] and "after_fold_2" in flat
