"""Corrected labels: what judgements would change, versions, what one changes in the run, and training with it."""

from __future__ import annotations

import re
import shutil

import pytest

from core.data.label_versions import read_version, version_names, versions_path
from core.data.store import open_dataset
from core.review.judgements import Judgements
from core.review.retraining import with_version
from core.review.versions import make_version
from core.runs.store import list_runs
from dashboard.patches import outcomes
from tests.builders import make_run
from tests.dashboard import galleries
from tests.dashboard.results.made import words_of

VIEW = {"review_view": "labels"}


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def judgements(run):
    return Judgements(run.dataset_path())


def wrong_ids(run) -> list[str]:
    """Patches that the run misses, by their label landslides."""
    table = outcomes.judged(run.oof(), "svm_c0.1", outcomes.thresholds_of(run.summary(), "svm_c0.1"))
    return table["id"][table["outcome"] == "FN"].tolist()


def made_version(run, judgements):
    return make_version(open_dataset(run.dataset_path()), judgements, "Ada", "a test")


def test_before_anything_is_judged_the_way_there_is_shown(run, open_page):
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and at.header[0].value == "Nothing has been judged yet"
    assert not [b for b in at.get("download_button") if b.label == "Judgements (CSV)"]
    at.button(key="empty_Judge patches").click().run()
    assert not at.exception and galleries.shown(at, "errors")


def test_judgements_become_a_version_that_shows_what_it_changes_and_trains(run, judgements, open_page):
    missed = wrong_ids(run)[:2]
    for name in missed:
        judgements.add("patch", name, "not", "Ada", note="bare rock")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "**2 labels** would change" in at.markdown[1].value + words_of(at)
    at.text_input(key="review_named_maker").set_value("Ada")
    at.button(key="review_make_go").click().run()
    assert "for" in at.error[0].value and not version_names(run.dataset_path())  # what for?
    at.text_input(key="review_why").set_value("first review")
    at.button(key="review_make_go").click().run()
    assert not at.exception and not at.error
    (name,) = version_names(run.dataset_path())
    version = read_version(run.dataset_path(), name)
    assert [(c.id, c.after) for c in version.changes] == [(one, 0) for one in sorted(missed)]
    words = words_of(at)
    assert "F1 of" in words and "Of 2 changed labels the run had said 2 right." in words
    at.button(key="review_changed").click().run()
    assert not at.exception and "**2 errors become right**" in words_of(at)


def test_training_with_a_version_keeps_what_the_form_held(run, judgements, open_page):
    judgements.add("patch", wrong_ids(run)[0], "not", "Ada")
    name = made_version(run, judgements).name
    at = open_page("train", run=run.name, train_view="new")
    assert at.selectbox(key="train_demo_data.labels").value is None
    before = landslides_in(words_of(at))
    assert "Ada" in at.selectbox(key="train_demo_data.labels").options[1]  # who, when, how many
    at.number_input(key="train_demo_train.epochs").set_value(7)
    at.text_area(key="train_demo_overrides").set_value("seed=9\ndata.labels=none").run()
    at.switch_page("../pages/review.py")
    at.query_params["review_view"] = "labels"
    at.run()
    at.button(key="review_train").click().run()
    assert not at.exception and at.title[0].value == "Train"
    assert at.selectbox(key="train_demo_data.labels").value == name
    assert at.number_input(key="train_demo_train.epochs").value == 7
    assert at.text_area(key="train_demo_overrides").value == "seed=9"
    assert name in words_of(at) and not at.error
    assert landslides_in(words_of(at)) == before - 1  # the sentence counts the labels that are trained with


def landslides_in(words):
    return int(re.search(r"labelled patches.*?, ([\d,]+) of them", words).group(1))


def test_a_version_of_another_dataset_is_not_trained_with(studio, run, judgements, open_page):
    judgements.add("patch", wrong_ids(run)[0], "not", "Ada")
    made_version(run, judgements)
    at = open_page("train", run=run.name, train_view="new")
    at.session_state["train_changes"] = {"demo": {"data.labels": "v7-0123456789ab"}}
    at.run()
    assert not at.exception and at.selectbox(key="train_demo_data.labels").value is None and not at.error
    assert any("is no version of this dataset's labels" in c.value for c in at.caption)


def test_one_click_retrains_with_a_version_and_the_two_runs_are_compared_by_it(studio, run, judgements, open_page):
    missed = wrong_ids(run)[:2]
    for one in missed:
        judgements.add("patch", one, "not", "Ada")
    version = made_version(run, judgements)
    studio.busy_lane(run.dataset_path())
    at = open_page("review", run=run.name, **VIEW)
    at.button(key="review_retrain").click().run()
    assert not at.exception and not at.error and not [b for b in at.button if b.key == "review_retrain"]
    new = next(one for one in list_runs(studio.checkpoints) if one.config().data.labels == version.name)
    assert new.config() == with_version(run.config(), version.name)
    assert [b for b in at.button if b.key == "review_follow"]

    new.write_status(state="failed", error="The disk is full.")
    at = open_page("review", run=run.name, **VIEW)
    assert "The disk is full" in at.warning[0].value and at.button(key="review_retrain")

    shutil.rmtree(new.path)
    new = make_run(studio.checkpoints, run.dataset_path(), config=with_version(run.config(), version.name))
    labels = version.apply(open_dataset(run.dataset_path()))
    oof = new.oof()
    new.write_oof(oof.assign(label=labels))  # as training with them writes it
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and not at.error and "errors of the run with the labels of before" in words_of(at)
    at.button(key="review_against").click().run()
    assert not at.exception and not at.error
    assert at.query_params["run"] in (new.name, [new.name])
    assert at.selectbox(key="versus_with").value == run.name
    assert at.selectbox(key="versus_labels").value == version.name and "both by labels v1" in words_of(at)


def test_people_who_differ_are_counted_and_their_patches_opened(run, judgements, open_page):
    ids = run.oof()["id"].tolist()[:6]
    for place, name in enumerate(ids):
        judgements.add("patch", name, "landslide" if place % 2 else "not", "Ada")
        judgements.add("patch", name, "landslide" if place else "unsure", "Bo")
    at = open_page("review", run=run.name, **VIEW)
    table = next(d.value for d in at.dataframe if "Kappa" in d.value)
    assert table["Judged by both"].tolist() == [6] and table["Same"].tolist() == ["50%"]
    at.button(key="review_differ").click().run()
    assert not at.exception and sorted(galleries.shown(at, "errors")) == sorted([ids[0], ids[2], ids[4]])


def test_another_desks_judgements_come_in_and_a_bad_file_is_refused_whole(run, judgements, open_page):
    at = open_page("review", run=run.name, **VIEW)
    some = run.oof()["id"].tolist()[:2]
    good = f"subject,verdict,by\n{some[0]},not,Cy\n{some[1]},unsure,Cy\n".encode()
    at.file_uploader(key="review_upload").upload("cy.csv", good, "text/csv").run()
    at.button(key="review_bring_go").click().run()
    assert not at.exception and "2 new entries" in at.success[0].value and len(judgements.latest()) == 2
    bad = f"subject,verdict,by\n{some[0]},perhaps,Di\n".encode()
    at.file_uploader(key="review_upload").upload("di.csv", bad, "text/csv").run()
    at.button(key="review_bring_go").click().run()
    assert "Line 2" in at.error[0].value and len(judgements.latest()) == 2


def test_a_version_that_was_changed_afterwards_is_told_of(run, judgements, open_page):
    judgements.add("patch", wrong_ids(run)[0], "not", "Ada")
    made = made_version(run, judgements)
    path = versions_path(run.dataset_path()) / f"{made.name}.json"
    path.write_text(path.read_text().replace("a test", "another"))
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "was changed after it was made" in at.error[0].value
