"""The Runs page: every run in one table, searched, filtered, compared, tagged; a copied folder is there at once."""

import shutil

import pytest

from core.runs import labels
from core.runs.labels import title_of
from dashboard.runs.listed import Filters, chosen, table
from tests.builders import make_run
from tests.core.runs.registry.test_index import entry


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
    assert not at.dataframe and "No run matches" in at.info[0].value
    assert title_of(second)


def test_an_experiment_is_a_filter(studio, open_page):
    data = studio.add_dataset()
    own, _ = studio.add_run(data), make_run(studio.checkpoints, data)
    own.write_json("job.json", {**own.job(), "experiment": "unfreeze-1a2b3c4d"})
    at = open_page("runs", run=own.name, runs_tags="unfreeze-1a2b3c4d")
    assert listed(at)["Tags"].tolist() == [["unfreeze-1a2b3c4d"]]
    at.button(key="runs_experiment").click().run()
    assert not at.exception and at.title[0].value == "Train" and at.session_state["train_view"] == "experiments"


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
