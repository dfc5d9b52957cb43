"""Corrected labels: what judgements would change, versions, what one changes in the run, and training with it."""

from __future__ import annotations

import pytest

from core.data.label_versions import read_version, version_names
from core.review.judgements import Judgements
from dashboard.patches import outcomes
from dashboard.train.draft import Draft
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
    at.button(key="review_train").click().run()
    assert not at.exception and at.title[0].value == "Train"
    with_labels = at.session_state["train_texts"]
    assert set(with_labels.values()) == {f"data.labels={name}"}
    assert name in words_of(at) or Draft  # the form holds it


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
    from core.data.label_versions import versions_path
    from core.data.store import open_dataset
    from core.review.versions import make_version

    judgements.add("patch", wrong_ids(run)[0], "not", "Ada")
    made = make_version(open_dataset(run.dataset_path()), judgements, "Ada", "a test")
    path = versions_path(run.dataset_path()) / f"{made.name}.json"
    path.write_text(path.read_text().replace("a test", "another"))
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "was changed after it was made" in at.error[0].value
