"""Judging on the page: one key each, under a name, onward, undo; several at once; what was said is shown and kept."""

from __future__ import annotations

import pytest

from core.review.judgements import Judgements
from tests.dashboard import galleries


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def judgements(run):
    return Judgements(run.dataset_path())


def opened(open_page, run, name: str = "Ada", place: int = 0, **query):
    at = open_page("review", run=run.name, **query)
    at.text_input(key="reviewer").set_value(name).run()
    ids = galleries.shown(at, "errors")
    galleries.click(at, "errors", ids[place])
    return at, ids


def patch(at) -> str:
    found = at.query_params["patch"]
    return found if isinstance(found, str) else found[0]


def test_a_judgement_is_kept_and_leads_to_the_next_patch(run, judgements, open_page):
    at, ids = opened(open_page, run)
    keys = {b.key: b.proto.shortcut for b in at.button if (b.key or "").startswith("review_judge_")}
    assert [keys[f"review_judge_{v}"] for v in ("landslide", "not", "unsure", "bad image", "duplicate")] == list(
        "lnubd"
    )
    at.button(key="review_judge_not").click().run()
    assert not at.exception and patch(at) == ids[1]
    at.text_input(key="review_note").set_value("a road")
    at.button(key="review_judge_landslide").click().run()
    assert [(e.subject, e.verdict, e.by, e.note) for e in judgements.latest()] == [
        (ids[0], "not", "Ada", ""), (ids[1], "landslide", "Ada", "a road"),
    ]  # fmt: skip
    assert patch(at) == ids[2] and at.text_input(key="review_note").value == ""
    at.button(key="card_Previous").click().run()
    assert any("Ada" in c.value and "landslide: a road" in c.value.replace("\\", "") for c in at.caption)


def test_what_others_said_is_not_seen_before_one_has_judged_oneself(run, judgements, open_page):
    at = open_page("review", run=run.name)
    patch_id = galleries.shown(at, "errors")[0]
    judgements.add("patch", patch_id, "not", "Bo", note="a quarry")
    at, _ = opened(open_page, run)
    assert "judged by others" in str(galleries.sent(at, "errors")["tiles"][0]["lines"])
    assert not any("quarry" in c.value for c in at.caption)
    assert any(c.value.startswith("Judged by another person") for c in at.caption)
    at.toggle(key="review_stay").set_value(True)
    at.button(key="review_judge_landslide").click().run()
    assert patch(at) == patch_id and any("quarry" in c.value for c in at.caption)


def test_undo_takes_back_and_shows_the_patch_again(run, judgements, open_page):
    at, ids = opened(open_page, run)
    at.button(key="review_judge_unsure").click().run()
    at.button(key="review_undo").click().run()
    assert not at.exception and not judgements.latest() and len(judgements.history()) == 2 and patch(at) == ids[0]
    at.button(key="review_undo").click().run()
    assert "no judgement to take back" in at.warning[0].value


def test_without_a_name_nothing_is_kept_and_the_card_asks_for_it(run, judgements, open_page):
    at, ids = opened(open_page, run, name="")
    at.button(key="review_judge_not").click().run()
    assert not judgements.history() and "name first" in at.warning[0].value and patch(at) == ids[0]
    at.text_input(key="review_named").set_value("Bo").run()
    at.button(key="review_judge_not").click().run()
    assert [e.by for e in judgements.latest()] == ["Bo"]


def test_several_are_judged_at_once_and_the_page_says_so(run, judgements, open_page):
    at = open_page("review", run=run.name)
    at.text_input(key="reviewer").set_value("Ada").run()
    ids = galleries.shown(at, "errors")
    galleries.choose(at, "errors", ids[:2])
    at.button(key="errors_action_0_duplicate").click().run()
    at.run()
    assert not at.exception and {e.subject for e in judgements.latest()} == set(ids[:2])
    lines = {t["id"]: str(t["lines"]) for t in galleries.sent(at, "errors")["tiles"]}
    assert "duplicate" in lines[ids[0]] and "Ada" in lines[ids[0]] and "duplicate" not in lines[ids[2]]
    assert any(c.value.startswith("Ada has judged **2 of ") for c in at.caption)
    at.button(key="errors_action_0_undo").click().run()
    assert [e.subject for e in judgements.latest()] == ids[:1]
    judgements.path.write_bytes(b"no database" * 100)
    at.button(key="errors_action_0_unsure").click().run()
    assert not at.exception and judgements.path.name in at.error[0].value.replace("\\", "")


def test_judgements_and_tags_filter(run, judgements, open_page):
    ids = galleries.shown(open_page("review", run=run.name), "errors")
    judgements.add("patch", ids[0], "landslide", "Ada", tags=["road"])
    judgements.add("patch", ids[0], "not", "Bo")
    judgements.add("patch", ids[1], "unsure", "Bo")
    wanted = {"differ": ids[:1], "unsure": ids[1:2], "any": ids[:2]}
    for which, shown in wanted.items():
        at = open_page("review", run=run.name, review_judgement=which)
        assert sorted(galleries.shown(at, "errors")) == sorted(shown), which
    at = open_page("review", run=run.name, review_tag="road")
    assert galleries.shown(at, "errors") == ids[:1]
    at.button(key="review_clear").click().run()
    assert (
        not at.exception
        and sorted(galleries.shown(at, "errors")) == sorted(ids)
        and "review_tag" not in at.query_params
    )


def test_a_damaged_file_of_judgements_is_told_of(run, judgements, open_page):
    judgements.path.write_bytes(b"no database" * 100)
    at = open_page("review", run=run.name)
    assert not at.exception and judgements.path.name in at.error[0].value.replace("\\", "")
