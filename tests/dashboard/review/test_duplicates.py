"""Duplicates: groups are looked for, looked at one by one, decided on under a name, taken back, and become labels."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from core.analyses.datasets.leakage import ANALYSIS
from core.data import exclusions
from core.data.bands import RGB_BANDS, Composite
from core.data.label_versions import read_version
from core.data.leakage.groups import group_name, group_text
from core.data.leakage.shifted_crops import BACK, TURNS
from core.data.leakage.split_audit import COLUMNS, VERSION, leaks_path
from core.data.store import DatasetWriter, open_dataset
from core.review.groups import GROUP, TOGETHER, keeping
from core.review.judgements import Judgements
from dashboard.patches.gallery import Look
from dashboard.review.duplicates import pictures
from tests.dashboard import galleries
from tests.dashboard.results.made import words_of

VIEW = {"review_view": "duplicates"}


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def desk(run):
    return Judgements(run.dataset_path())


def known(run, *pairs):
    """These pairs were found in the dataset: a, b, kind."""
    data = open_dataset(run.dataset_path())
    empty = {
        "turn": "",
        "dy": 0,
        "dx": 0,
        "overlap": 1.0,
        "ssim": 1.0,
        "similarity": 1.0,
        "weight": None,
        "partner": "",
    }
    rows = [empty | dict(zip(("a", "b", "kind"), pair[:3], strict=True)) | dict(*pair[3:]) for pair in pairs]
    card = {"version": VERSION, "content_hash": data.content_hash, "n": len(data), "seconds": 0.0, "notes": []}
    leaks_path(data.path).write_text(
        json.dumps(card | {"pairs": pd.DataFrame(rows, columns=list(COLUMNS)).to_dict("records")})
    )


@pytest.fixture
def groups(run):
    """Three groups: divided by the folds with labels that differ; divided; three patches of one fold."""
    oof = run.oof().set_index("id")
    of = {
        (label, fold): oof.index[(oof["label"] == label) & (oof["fold"] == fold)].tolist()
        for label in (0, 1)
        for fold in (0, 1)
    }
    made = [[of[1, 0][0], of[0, 1][0]], [of[0, 0][1], of[0, 1][1]], of[0, 0][3:6]]
    known(run, (*made[0], "near"), (*made[1], "identical"), (*made[2][:2], "near"), (*made[2][1:], "near"))
    return [sorted(one) for one in made]


def opened(open_page, run, name="Ada", **query):
    at = open_page("review", run=run.name, **VIEW, **query)
    if name:
        at.text_input(key="reviewer").set_value(name).run()
    assert not at.exception
    return at


def shown(at):
    found = at.query_params["review_group"]
    return found if isinstance(found, str) else found[0]


def press(at, key):
    at.button(key=f"review_group_{key}").click().run()
    assert not at.exception
    return at


def test_before_anybody_has_looked_the_button_looks_as_a_job_which_may_fail(studio, run, open_page):
    path = run.dataset_path()
    target, damaged = studio.dataset_target(path), exclusions.exclusions_path(path)
    damaged.write_text("what is this\n")
    at = opened(open_page, run, name="")
    assert at.header[0].value == "Nobody has looked for duplicates yet"
    at.button(key="empty_Look for duplicates").click().run()
    assert not at.exception and not at.header  # it waits or runs, and is followed
    assert studio.answered(target, ANALYSIS.name)["state"] == "failed"
    at.run()
    assert not at.exception and "has no columns id, reason" in words_of(at) + " ".join(e.value for e in at.error)
    damaged.unlink()
    at.button(key="empty_Look for duplicates").click().run()
    assert not at.exception and studio.answered(target, ANALYSIS.name)["state"] == "succeeded"
    at.run()
    assert not at.exception and at.header[0].value == "No duplicates were found"


def test_the_worst_group_stands_first_with_its_evidence_and_keys(run, groups, open_page):
    at = opened(open_page, run)
    words = words_of(at)
    assert "**3 groups**" in words and "tested on another in **2**, and in 1 of these the labels differ" in words
    assert shown(at) == group_name(groups[0])
    badges = [one.value for one in at.markdown if "badge" in one.value]
    assert any("Split over folds 1, 2" in one for one in badges) and any("Labels differ" in one for one in badges)
    keys = {b.key: b.proto.shortcut for b in at.button if (b.key or "").startswith("review_group_")}
    names = ("keep_0", "keep_1", TOGETHER, "exclude", "not duplicates", "undo", "Previous", "Next")
    assert [keys[f"review_group_{name}"] for name in names] == ["1", "2", "t", "x", "n", "z", "left", "right"]
    table = at.dataframe[0].value
    assert table["Patches"].tolist() == [2, 2, 3] and table["Harm"].tolist()[2] == "Splits nothing"
    press(at, "Next")
    assert shown(at) == group_name(groups[1])
    press(at, "Next")
    assert "Group 3 of 3" in words_of(at) and at.button(key="review_group_Next").disabled
    press(at, "Previous")
    assert shown(at) == group_name(groups[1])


def test_a_decision_is_kept_leads_on_counts_and_is_taken_back(run, groups, desk, open_page):
    at = opened(open_page, run)
    at.text_input(key="review_group_note").set_value("the clearer one")
    press(at, "keep_1")
    assert shown(at) == group_name(groups[1])
    press(at, "exclude")
    press(at, "keep together")
    assert [(e.subject, e.verdict, e.note) for e in desk.latest(GROUP)] == [
        (group_text(groups[0]), keeping(groups[0][1]), "the clearer one"), (group_text(groups[1]), "exclude", ""),
        (group_text(groups[2]), TOGETHER, ""),
    ]  # fmt: skip
    assert any("Ada has decided **3 of 3 groups**" in c.value for c in at.caption)
    assert shown(at) == group_name(groups[2])  # nothing is open
    press(at, "undo")
    assert len(desk.latest(GROUP)) == 2 and len(desk.history()) == 4 and shown(at) == group_name(groups[2])
    at.run()
    again = opened(open_page, run)  # another session begins where this person left off
    assert shown(again) == group_name(groups[2])
    assert again.dataframe[0].value["Decided"].tolist()[1] == "exclude (Ada)"


def test_without_a_name_nothing_is_kept_and_a_judgement_of_a_patch_is_not_undone_here(run, groups, desk, open_page):
    at = opened(open_page, run, name="")
    press(at, "exclude")
    assert not desk.history() and "name first" in at.warning[0].value
    desk.add("patch", groups[0][0], "not", "Ada")
    at = opened(open_page, run)
    press(at, "undo")
    assert len(desk.history()) == 1 and "take it back on its card" in at.warning[0].value


def test_what_others_decided_is_seen_after_ones_own_decision(run, groups, desk, open_page):
    desk.add(GROUP, group_text(groups[0]), keeping(groups[0][0]), "Bo", note="sharper")
    at = opened(open_page, run, review_group=group_name(groups[0]))
    assert not any("sharper" in c.value for c in at.caption) and at.dataframe[0].value["Decided"][0] == "by others"
    assert any(c.value.startswith("Judged by another person") for c in at.caption)
    press(at, "exclude")
    press(at, "Previous")
    assert any("sharper" in c.value for c in at.caption)
    assert at.dataframe[0].value["Decided"][0].startswith("Bo: keep") and len(desk.disagreements(GROUP)) == 1


def test_the_decisions_become_a_version_of_the_labels(run, groups, desk, open_page):
    desk.add(GROUP, group_text(groups[0]), keeping(groups[0][0]), "Ada")
    desk.add(GROUP, group_text(groups[2]), TOGETHER, "Ada")
    at = open_page("review", run=run.name, review_view="labels")
    assert not at.exception and "**1 patches** would be left out" in words_of(at)
    assert "**1 group** would stay in one fold" in words_of(at)
    at.text_input(key="review_named_maker").set_value("Ada")
    at.text_input(key="review_why").set_value("duplicates")
    at.button(key="review_make_go").click().run()
    version = read_version(run.dataset_path(), "latest")
    assert [(c.id, c.after) for c in version.changes] == [(groups[0][1], -1)]
    assert [one.ids for one in version.together] == [tuple(groups[2])]
    assert not at.exception and "1 group kept in one fold" in words_of(at)
    assert "No label changed: 1 patch is left out." in words_of(at)


def test_of_a_large_group_the_first_pictures_show_both_labels_and_more_are_a_switch_away(run, open_page):
    oof = run.oof()
    positive, negative = (oof["id"][oof["label"] == label].tolist() for label in (1, 0))
    ids = [*positive[:9], negative[0]]
    known(run, *((ids[0], other, "near") for other in ids[1:]))
    at = opened(open_page, run)
    keeps = [b.key for b in at.button if (b.key or "").startswith("review_group_keep_")]
    assert len(keeps) == 8 and at.button(key="review_group_open_1").label.replace("\\", "") == negative[0]
    at.toggle(key="review_group_differ").set_value(True).run()
    assert not at.exception and sum("Difference of" in c.value for c in at.caption) == 7
    at.toggle(key="review_group_more").set_value(True).run()
    assert len([b for b in at.button if (b.key or "").startswith("review_group_keep_")]) == 10
    press(at, "keep_9")
    (entry,) = Judgements(run.dataset_path()).latest(GROUP)
    assert entry.verdict.startswith("keep one: ") and entry.subject == group_text(ids)


def test_a_group_opens_as_a_set_in_patches_and_by_its_link(run, groups, open_page):
    at = opened(open_page, run, review_group=group_name(groups[2]))
    assert shown(at) == group_name(groups[2])
    at = open_page(
        "review",
        run=run.name,
        review_set=f"duplicates:{group_name(groups[2])}",
        errors_outcome=["TP", "FN", "FP", "TN"],
    )
    assert not at.exception and sorted(galleries.shown(at, "errors")) == groups[2]
    at = open_page("review", run=run.name, review_set="duplicates:all", errors_outcome=["TP", "FN", "FP", "TN"])
    assert sorted(galleries.shown(at, "errors")) == sorted(sum(groups, []))
    at = open_page("review", run=run.name, review_set="duplicates:gone")
    assert not at.exception and "not kept here any more" in at.warning[0].value


def test_the_pairs_of_the_dataset_page_lead_here_and_back(run, groups, open_page):
    at = open_page("dataset", dataset_view="leakage")
    at.button(key="leakage_decide").click().run()
    assert not at.exception and at.title[0].value == "Review" and shown(at) == group_name(groups[0])
    press(at, "to_pairs")
    assert at.title[0].value == "Dataset" and any(b.key == "leakage_decide" for b in at.button)


def test_a_damaged_file_of_judgements_is_told_of(run, groups, desk, open_page):
    desk.path.write_bytes(b"not a database")
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and at.error


@pytest.mark.parametrize("turn", ["", "turned by 90 degrees"])
def test_the_difference_is_taken_where_both_show_the_same_ground(tmp_path, turn):
    """b is a, moved by 3 rows and 2 columns (and turned), but for one pixel."""
    ground = np.random.default_rng(0).uniform(0, 1, (3, 20, 20)).astype(np.float32)
    a, b = ground[:, :16, :16], ground[:, 3:19, 2:18].copy()
    b[:, 5, 5] = 1 - np.round(b[:, 5, 5])
    if turn:
        b = TURNS[BACK[turn]](b)
    names = tuple(band.name for band in RGB_BANDS)
    with DatasetWriter(
        tmp_path / "d.h5", bands=RGB_BANDS, shape_hw=(16, 16), class_names=("o", "l"), source=""
    ) as writer:
        writer.append(np.stack([a, b]), np.array([0, 1], np.int8), ["a", "b"])
        data = writer.finish()
    pair = pd.Series({"a": "a", "b": "b", "kind": "shifted", "turn": turn, "dy": 3, "dx": 2})
    found = pictures.difference(data, pair, Look(Composite("x", names)))
    small = found.rgb[12::24, 12::24]  # 16 x 16 cells of 24 px
    grey = (small == 128).all(axis=-1)
    assert grey[:3].all() and grey[:, :2].all() and not grey[3:, 2:].any()
    bright = small.sum(axis=-1) > 100
    assert np.argwhere(bright & ~grey).tolist() == [[8, 7]]
    assert "3 of 3 bands differ" in found.words
