"""The Runs page: every run in one table, searched, filtered, compared, tagged; a copied folder is there at once."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.run_sets import run_sets
from core.runs import labels
from core.runs.labels import title_of
from dashboard.runs.listed import Filters, chosen, table, table_key
from tests.builders import make_run
from tests.core.runs.registry.test_index import entry
from tests.dashboard.experiments import made as experiments


def listed(at):
    return at.dataframe[0].value


def test_without_a_run_training_is_offered(studio, open_page):
    at = open_page("runs")
    assert not at.exception and "Make the demo dataset" in [button.label for button in at.button]
    studio.add_dataset()
    at = open_page("runs")
    assert not at.exception and not at.dataframe
    next(button for button in at.button if button.label == "Train one").click().run()
    assert at.title[0].value == "Train" and not at.exception


@pytest.mark.parametrize("state", ["queued", "running", "failed", "interrupted", "succeeded"])
def test_every_state_has_a_row(studio, open_page, state):
    run = studio.add_run(studio.add_dataset(), state)
    at = open_page("runs")
    assert not at.exception and not at.error
    row = listed(at).iloc[0]
    assert (row["Run"], row["State"], row["Dataset"]) == (title_of(run), [state], "tiny")
    assert (row["F1"] == run.summary()["oof"]["f1"]) if state == "succeeded" else row.isna()["F1"]
    said = at.markdown[0].value
    assert "1 run" in said and ("Highest F1" in said) == (state == "succeeded")


def test_a_damaged_run_is_listed_and_does_not_hide_the_others(studio, open_page):
    data = studio.add_dataset()
    good, bad = studio.add_run(data), make_run(studio.checkpoints, data)
    (bad.path / "summary.json").write_text("{")
    (bad.path / "config.json").write_text("{")
    at = open_page("runs", run=good.name)
    assert not at.exception and len(listed(at)) == 2


def test_search_tag_and_state_narrow_the_list_and_are_in_the_url(studio, open_page):
    data = studio.add_dataset()
    first, second = studio.add_run(data), make_run(studio.checkpoints, data, "failed")
    labels.write_label(first, tags=("final",), note="For the paper.")
    for query in ({"runs_search": "for the PAPER"}, {"runs_tags": "final"}, {"runs_states": "succeeded"}):
        at = open_page("runs", run=first.name, **query)
        assert not at.exception and listed(at)["Run"].tolist() == [title_of(first)], query
        assert "1 of 2 runs" in at.markdown[0].value
    at = open_page("runs", run=first.name, runs_search="nothing is like this")
    assert not at.dataframe and "Nothing matches" in at.info[0].value
    assert title_of(second)


@pytest.fixture
def experiment_of(studio):
    """An experiment on a dataset, its first row trained as a run here; and a run of its own. (name, row's, other)"""

    def made(state="succeeded", **more):
        data = studio.add_dataset()
        own, other = studio.add_run(data), make_run(studio.checkpoints, data)
        found = experiments.table(**more)
        found["rows"][0]["runs"] = [own.name]
        name = experiments.experiment(studio, data, state, found)
        own.write_json("job.json", {**own.job(), "experiment": name})
        return name, own, other

    return made


def test_an_experiment_is_one_row_that_holds_its_runs(experiment_of, open_page):
    name, _, other = experiment_of()
    at = open_page("runs", run=other.name)
    assert not at.exception and "2 runs, 1 experiment" in at.markdown[0].value
    shown = listed(at).set_index("Kind")
    assert set(shown.index) == {"Run", "Experiment, 4 rows"}
    row = shown.loc["Experiment, 4 rows"]
    assert (row["F1"], row["Differs in"]) == (pytest.approx(0.9), "best: All layers") and row["Tags"] == [name]
    for query, n in ({"runs_show": "runs"}, 2), ({"runs_show": "sets"}, 1), ({"runs_tags": name}, 2):
        at = open_page("runs", run=other.name, **query)
        assert not at.exception and len(listed(at)) == n, query


def test_a_running_experiment_says_how_far_it_is(experiment_of, open_page):
    experiment_of("running", waiting=2)
    row = listed(open_page("runs")).set_index("Kind").loc["Experiment, 2 of 4 rows"]
    assert row["State"] == ["running"]


def test_a_set_leads_to_its_page_and_to_its_runs(experiment_of, studio, open_page):
    """The widget of a table cannot be ticked in AppTest: what its buttons do is called."""
    name, own, _ = experiment_of()
    (one,) = run_sets(studio.checkpoints, {"tiny": studio.checkpoints / "datasets" / "tiny.h5"})

    def page():
        import sys

        from dashboard import state
        from dashboard.runs import actions

        one, run = sys.modules["tests.dashboard.runs.test_page"].TICKED
        state.choose()
        actions.actions([run], "runs", one)

    TICKED[:] = [one, own]
    at = AppTest.from_function(page).run()
    assert not at.exception
    assert not at.button(key="runs_open_run").disabled and not at.button(key="runs_unfold").disabled
    assert at.button(key="runs_duplicate").disabled, "a set has no settings of its own"


TICKED = []


def test_a_copied_folder_is_there_at_once(studio, open_page, tmp_path):
    data = studio.add_dataset()
    run = studio.add_run(data)
    at = open_page("runs")
    assert len(listed(at)) == 1
    shutil.copytree(run.path, studio.checkpoints / "20260101-000000_from_elsewhere")
    at.run()
    assert not at.exception and len(listed(at)) == 2


def test_an_archived_run_is_hidden_until_it_is_asked_for(studio, open_page):
    data = studio.add_dataset()
    first, second = studio.add_run(data), make_run(studio.checkpoints, data)
    labels.write_label(first, archived=True)
    assert len(listed(open_page("runs"))) == 1
    at = open_page("runs", run=second.name, runs_archived="True")
    assert len(listed(at)) == 2 and any("(archived)" in name for name in listed(at)["Run"])


def test_ticks_belong_to_rows_and_not_to_their_numbers():
    """A row that moves into the place of a ticked one is not ticked: what is deleted is what was ticked."""
    assert table_key("t", ["a", "b"]) == table_key("t", ["a", "b"]) != table_key("t", ["b"])
    assert table_key("t", ["a", "b"]) != table_key("t", ["b", "a"])


def test_nothing_ticked_offers_nothing_that_needs_a_run(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("runs")
    assert all(at.button(key=f"runs_{name}").disabled for name in ("open_run", "duplicate", "compare"))


def test_names_are_read_as_words(studio, open_page):
    run = studio.add_hostile()
    labels.write_label(run, title="[x](javascript:alert(1))", note="<img src=x>")
    at = open_page("runs")
    assert not at.exception and "[x](javascript" not in at.markdown[0].value


def test_filters_are_joined_by_and_words_too():
    runs = [entry("a", train__epochs=5), entry("b", train__epochs=9), entry("c", smote__enabled=False)]
    assert [one.name for one in chosen(runs, Filters("epochs 9"))] == ["b"]
    assert [one.name for one in chosen(runs, Filters("epochs", states=("succeeded",)))] == ["a", "b"]
    assert chosen(runs, Filters(starred=True)) == [] and chosen(runs, Filters(states=("failed",))) == []


def test_the_table_says_what_differs_and_what_seeds_spread():
    runs = [entry("a", 0.8, "r", 0), entry("b", 0.9, "r", 1, train__epochs=9), entry("c", 0.7)]
    found = table(runs, runs, "others").set_index("Folder")
    assert found["Differs in"].tolist() == ["", "epochs 9", ""]
    assert found["Seeds ±"].tolist() == ["0.071 of 2", "0.071 of 2", ""]
    against = table(runs, runs, "preset").set_index("Folder")
    assert "backbone" in against.loc["a", "Differs in"], "an entry of no settings is not as the preset has it"
