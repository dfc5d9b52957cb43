"""Choosing patches in a gallery: over its pages, what can be done with them, and the way back."""

from __future__ import annotations

import pytest

from core.data import exclusions
from core.data.store import open_dataset
from dashboard.patches import chosen
from dashboard.review.bar import ACTIONS
from tests.dashboard import galleries

COMPARE, EXCLUDE = (f"errors_action_{ACTIONS.index(one)}" for one in (chosen.compare, chosen.exclude))


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def bar(at) -> list[str]:
    return [m.value for m in at.markdown if " chosen**" in m.value]


def test_nothing_chosen_says_how_to_choose_and_offers_all(run, open_page):
    at = open_page("review")
    assert not bar(at) and any("shift-click" in c.value for c in at.caption)
    ids = galleries.shown(at, "errors")
    at.button(key="errors_select_all").click().run()
    assert not at.exception and bar(at) == [f"**{len(ids)} chosen**"]
    assert galleries.sent(at, "errors")["chosen"] == ids
    at.button(key="errors_deselect").click().run()
    assert not bar(at) and galleries.sent(at, "errors")["chosen"] == []


def test_what_is_chosen_stays_when_the_page_of_pictures_is_turned(run, open_page):
    at = open_page("review", errors_size="12", errors_outcome=["TP", "TN", "FP", "FN"])
    first = galleries.shown(at, "errors")[:2]
    galleries.choose(at, "errors", first)
    at.session_state["errors_page"] = 2
    at.run()
    second = galleries.shown(at, "errors")[:1]
    assert galleries.sent(at, "errors")["chosen"] == []
    galleries.choose(at, "errors", second)
    assert bar(at) == ["**3 chosen** (2 on other pages)"]
    galleries.choose(at, "errors", [])
    assert bar(at) == ["**2 chosen** (2 on other pages)"]


def test_an_answer_is_taken_for_patches_that_are_shown_only(run, open_page):
    at = open_page("review")
    ids = galleries.shown(at, "errors")
    galleries.choose(at, "errors", [ids[0], "<img src=x>"])
    assert bar(at) == ["**1 chosen**"]
    galleries.click(at, "errors", "<img src=x>")
    assert "patch" not in at.query_params and not at.exception


def test_the_first_chosen_is_opened(run, open_page):
    at = open_page("review")
    ids = galleries.shown(at, "errors")
    galleries.choose(at, "errors", ids[2:4])
    at.button(key="errors_open_in_full").click().run()
    assert at.query_params["patch"] in (ids[2], [ids[2]]) and at.selectbox(key="card_composite")


def test_the_chosen_leave_as_csv_and_as_ids(run, open_page):
    at = open_page("review")
    ids = galleries.shown(at, "errors")[:2]
    galleries.choose(at, "errors", ids)
    assert any(b.label == "CSV" for b in at.get("download_button"))
    assert [c.value for c in at.code] == ["\n".join(ids)]


def test_the_chosen_are_put_on_the_exclusion_list(run, open_page):
    at = open_page("review")
    ids = galleries.shown(at, "errors")[:2]
    galleries.choose(at, "errors", ids)
    at.text_input(key=f"{EXCLUDE}_reason").set_value("cloud").run()
    galleries.choose(at, "errors", ids)
    at.button(key=f"{EXCLUDE}_go").click().run()
    assert not at.exception and any("2 patches excluded" in t.value for t in at.toast)
    data = open_dataset(run.job()["dataset"])
    listed = exclusions.read_exclusions(data.path)
    assert sorted(listed["id"]) == sorted(ids) and set(listed["reason"]) == {"cloud"}


def test_two_are_compared_side_by_side(run, open_page):
    at = open_page("review")
    ids = galleries.shown(at, "errors")[:3]
    galleries.choose(at, "errors", ids)
    assert at.button(key=COMPARE).disabled
    galleries.choose(at, "errors", ids[:2])
    at.button(key=COMPARE).click().run()
    assert not at.exception
    facts = next(d.value for d in at.dataframe if list(d.value.columns) == ids[:2])
    oof = run.oof().set_index("id")
    probs = [f"{oof.loc[patch, 'prob_svm_c0.1']:.3f}" for patch in ids[:2]]
    assert facts.loc["Probability of the positive class"].tolist() == probs
    assert facts.loc["Fold"].tolist() == [str(oof.loc[patch, "fold"] + 1) for patch in ids[:2]]
    assert set(facts.loc["Outcome"]) <= {"Missed (FN)", "False alarm (FP)"}
    at.button(key=f"compared_{ids[1]}").click().run()
    assert not at.exception and at.query_params["patch"] in (ids[1], [ids[1]])


def test_another_dataset_has_nothing_chosen(run, open_page):
    at = open_page("review")
    at.session_state["errors_chosen"] = ("/elsewhere/other.h5", galleries.shown(at, "errors")[:2])
    assert not bar(at.run()) and not at.exception
