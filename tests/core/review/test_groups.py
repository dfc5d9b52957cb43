"""Decisions on groups of duplicates: kept, taken back, exchanged as CSV; what a version makes of them."""

import json

import numpy as np
import pytest

from core.config import DataConfig
from core.data.bands import RGB_BANDS
from core.data.label_versions import read_version, versions_path
from core.data.leakage.groups import group_text
from core.data.selection import select
from core.data.store import DatasetWriter, open_dataset
from core.errors import DataError, FormatError
from core.review.groups import EXCLUDE, GROUP, TOGETHER, keeping, kept_by, members
from core.review.judgements import Judgements
from core.review.versions import draft, make_version
from tests.builders import make_tiny

ABC = group_text(["p001", "p002", "p003"])


@pytest.fixture
def dataset(tmp_path):
    """12 patches; every third, p000 first, is a landslide."""
    return open_dataset(make_tiny(tmp_path / "tiny.h5", n=12, side=8))


@pytest.fixture
def desk(dataset):
    return Judgements(dataset.path)


def after(found):
    return {change.id: change.after for change in found.changes}


def test_one_is_kept_and_the_others_are_left_out(dataset, desk):
    desk.add(GROUP, '["p003","p002", "p001"]', keeping("p002"), "ana", note="the sharper one")
    (entry,) = desk.latest(GROUP)
    assert (
        entry.subject == ABC and members(entry.subject) == ("p001", "p002", "p003") and kept_by(entry.verdict) == "p002"
    )
    found = draft(dataset, desk)
    assert after(found) == {"p001": -1, "p003": -1} and not found.together
    assert found.changes[0].why == "keep one: p002; the sharper one" and found.changes[0].by == "ana"


def test_what_a_patch_shows_and_that_it_is_a_copy_are_two_things(dataset, desk):
    desk.add("patch", "p001", "landslide", "ana")
    desk.add("patch", "p002", "landslide", "ben")
    desk.add("patch", "p002", "not", "cem")  # its label is contested, and it is kept
    desk.add(GROUP, ABC, keeping("p002"), "ana")
    assert after(draft(dataset, desk)) == {"p001": -1, "p003": -1}
    assert draft(dataset, desk).contested == ("p002",)
    desk.undo("ana")
    assert after(draft(dataset, desk)) == {"p001": 1}


@pytest.mark.parametrize(
    ("said", "agreed", "majority", "latest"),
    [
        ([EXCLUDE], 3, 3, 3),
        ([EXCLUDE, TOGETHER], None, None, 0),
        ([keeping("p001"), keeping("p002")], None, None, 2),
        ([keeping("p001"), keeping("p002"), keeping("p001")], None, 2, 2),
        (["not duplicates"], 0, 0, 0),
    ],
)
def test_several_people_decide_by_the_rule(dataset, desk, said, agreed, majority, latest):
    for who, verdict in zip(("ana", "ben", "cem"), said, strict=False):
        desk.add(GROUP, ABC, verdict, who)
    for rule, n in (("agreed", agreed), ("majority", majority), ("latest", latest)):
        found = draft(dataset, desk, rule)
        assert len(found.changes) == (n or 0) and bool(found.groups_contested) == (n is None), rule
    assert bool(desk.disagreements(GROUP)) == (len(set(said)) > 1)


def test_of_decisions_on_some_of_the_same_patches_the_later_one_counts(dataset, desk):
    desk.add(GROUP, group_text(["p001", "p002"]), keeping("p001"), "ana")
    desk.add(GROUP, ABC, keeping("p002"), "ben")  # a later search found one more: both together would keep none
    found = draft(dataset, desk)
    assert after(found) == {"p001": -1, "p003": -1} and found.groups_replaced == ("p001",)
    assert any("gave way to later ones" in note for note in found.notes)


def test_where_the_patch_to_keep_is_judged_out_it_is_told_that_nothing_remains(dataset, desk):
    desk.add(GROUP, ABC, keeping("p002"), "ana")
    desk.add("patch", "p002", "bad image", "ben")
    found = draft(dataset, desk)
    assert after(found) == {"p001": -1, "p002": -1, "p003": -1} and found.groups_emptied == ("p001",)
    assert "Of 1 groups (of p001) nothing remains: the patch to keep was judged out as well." in found.notes


def test_a_group_on_both_sides_of_the_held_back_part_is_told(tmp_path):
    path = tmp_path / "split.h5"
    writer = DatasetWriter(path, bands=RGB_BANDS, shape_hw=(4, 4), class_names=("a", "b"), source="")
    with writer:
        names = [f"p{i:03d}" for i in range(8)]
        images = np.random.default_rng(0).normal(size=(8, 3, 4, 4)).astype(np.float32)
        writer.append(images, np.arange(8) % 2, names, split=["train"] * 6 + ["test"] * 2)
        data = writer.finish()
    desk = Judgements(path)
    desk.add(GROUP, group_text(["p001", "p002"]), TOGETHER, "ana")
    inside = make_version(data, desk, "lead", "x").name
    desk.add(GROUP, group_text(["p003", "p007"]), TOGETHER, "ana")
    across = make_version(data, desk, "lead", "x").name
    told = {one: " ".join(select(data, DataConfig(labels=one)).notes) for one in (inside, across)}
    assert "both sides of the held-back part" not in told[inside]
    assert "1 group of patches lies on both sides of the held-back part" in told[across]


def test_a_version_carries_what_stays_together_and_earlier_versions_keep_their_names(dataset, desk):
    desk.add("patch", "p000", "not", "ana")
    plain = make_version(dataset, desk, "lead", "labels")
    text = (versions_path(dataset.path) / f"{plain.name}.json").read_text()
    assert "together" not in text and read_version(dataset.path, "v1") == plain
    desk.undo("ana")
    desk.add(GROUP, ABC, TOGETHER, "ana")
    made = make_version(dataset, desk, "lead", "groups")
    read = read_version(dataset.path, made.name)
    assert read == made and [group.ids for group in read.together] == [("p001", "p002", "p003")]
    assert read.sentence.endswith("0 corrected, 1 group kept in one fold.")
    assert (read.apply(dataset) == dataset.labels).all()
    chosen = select(dataset, DataConfig(labels=made.name))
    assert chosen.together == (("p001", "p002", "p003"),)
    assert chosen.to_dict()["labels"]["together"] == [["p001", "p002", "p003"]]
    path = versions_path(dataset.path) / f"{made.name}.json"
    path.write_text(path.read_text().replace("p002", "p004"))
    with pytest.raises(FormatError, match="was changed after it was made"):
        read_version(dataset.path, made.name)


def test_a_group_of_other_patches_changes_nothing_and_is_told(dataset, desk):
    desk.add(GROUP, group_text(["p001", "q9"]), EXCLUDE, "ana")
    found = draft(dataset, desk)
    assert not found.changes_something and found.unknown == ("q9",)
    with pytest.raises(DataError, match="change no label"):
        make_version(dataset, desk, "lead", "x")


@pytest.mark.parametrize(
    ("subject", "verdict", "words"),
    [
        (ABC, "landslide", "no decision on a group"),
        (ABC, "keep one", "no decision on a group"),
        (ABC, keeping("p007"), "is not in its group"),
        ("p001", EXCLUDE, "is no group"),
        ('["p001"]', EXCLUDE, "is no group"),
        ('["p001", "p001"]', EXCLUDE, "is no group"),
        ('["p001", 2]', EXCLUDE, "is no group"),
        (json.dumps([f"p{i:06d}" for i in range(10_000)]), EXCLUDE, "at most 100,000"),
    ],
)
def test_what_is_no_decision_is_refused_and_nothing_is_kept(desk, subject, verdict, words):
    with pytest.raises(DataError, match=words):
        desk.add(GROUP, subject, verdict, "ana")
    with pytest.raises(DataError, match="is no judgement"):
        desk.add("patch", "p001", TOGETHER, "ana")
    assert desk.history() == []


def test_decisions_go_out_and_come_back_as_they_were_and_by_hand(dataset, desk, tmp_path):
    strange = group_text(["=cmd()", ' "x" ', "a,b;c", "ends "])
    desk.add(GROUP, strange, keeping("ends "), "ana")
    desk.add(GROUP, ABC, EXCLUDE, "ana")
    desk.undo("ana")
    (tmp_path / "other").mkdir()
    other = Judgements(tmp_path / "other")
    assert other.import_csv(desk.export_csv()) == 3 and other.history() == desk.history()
    assert other.import_csv(desk.export_csv()) == 0
    by_hand = 'kind,subject,verdict,by\ngroup,"[""p002"", ""p001""]",keep one: p001,Di\n'
    assert desk.import_csv(by_hand) == 1 and desk.import_csv(by_hand) == 0
    assert desk.progress([strange, ABC, group_text(["p001", "p002"])], GROUP).judged == 2
    with pytest.raises(FormatError, match="Line 2.*is not in its group"):
        desk.import_csv('kind,subject,verdict,by\ngroup,"[""p002"", ""p001""]",keep one: p009,Di\n')
