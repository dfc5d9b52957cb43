"""Judgements become a version of the labels: one word, several, none; and the version says who, when and why."""

import numpy as np
import pytest

from core.data.label_versions import read_version
from core.data.store import open_dataset
from core.errors import DataError
from core.review.judgements import Judgements
from core.review.versions import draft, make_version
from tests.builders import make_tiny


@pytest.fixture
def dataset(tmp_path):
    """12 patches; every third, p000 first, is a landslide."""
    return open_dataset(make_tiny(tmp_path / "tiny.h5", n=12, side=8))


@pytest.fixture
def desk(dataset):
    judgements = Judgements(dataset.path)

    def judge(**said):
        for name, verdicts in said.items():
            for who, verdict in zip(("ana", "ben", "cem"), verdicts.split(","), strict=False):
                if verdict:
                    judgements.add("patch", name, verdict, who, note=f"{who} on {name}")
        return judgements

    return judge


def changes(dataset, judgements, rule="agreed"):
    return {change.id: change.after for change in draft(dataset, judgements, rule).changes}


def test_one_word_changes_a_label_and_a_right_one_stays(dataset, desk):
    judgements = desk(p000="not", p001="landslide", p002="not", p003="unsure", p004="bad image", p006="duplicate")
    assert changes(dataset, judgements) == {"p000": 0, "p001": 1, "p004": -1, "p006": -1}
    found = draft(dataset, judgements)
    assert found.confirmed == ("p002",) and found.contested == found.unknown == ()
    assert found.notes == ["1 judged labels were right."]


@pytest.mark.parametrize(
    ("verdicts", "agreed", "majority", "latest"),
    [
        ("landslide,landslide", 1, 1, 1),
        ("landslide,not", None, None, None),
        ("not,landslide", None, None, 1),
        ("landslide,landslide,not", None, 1, None),
        ("landslide,unsure", 1, 1, 1),
        ("bad image,landslide,landslide", None, 1, 1),
        ("bad image,duplicate", -1, -1, -1),
        ("unsure,unsure", None, None, None),
    ],
)
def test_several_words_become_one(dataset, desk, verdicts, agreed, majority, latest):
    judgements = desk(p001=verdicts)  # labelled 0
    for rule, after in (("agreed", agreed), ("majority", majority), ("latest", latest)):
        assert changes(dataset, judgements, rule) == ({} if after is None else {"p001": after}), rule


def test_what_people_differ_on_and_strange_names_are_told(dataset, desk):
    judgements = desk(p001="landslide,not", p999="not")
    judgements.add("cell", "p002", "landslide", "ana")  # of a map, not of the dataset
    found = draft(dataset, judgements)
    assert found.contested == ("p001",) and found.unknown == ("p999",)
    assert "People differ on 1 (p001): these labels stay." in found.notes
    with pytest.raises(DataError, match=r"change no label of tiny\.h5\. People differ on 1"):
        make_version(dataset, judgements, "lead", "review")


def test_the_version_says_who_when_and_why(dataset, desk):
    judgements = desk(p001="landslide,landslide", p000="not")
    made = make_version(dataset, judgements, " lead ", "first review", "agreed")
    read = read_version(dataset.path, "latest")
    assert read == made and (read.by, read.why, read.rule) == ("lead", "first review", "agreed")
    one = read.changes[1]
    assert (one.id, one.before, one.after, one.by, one.why) == ("p001", 0, 1, "ana, ben", "ana on p001; ben on p001")
    assert one.at == max(e.at for e in judgements.latest() if e.subject == "p001")
    labels = read.apply(dataset)
    assert np.flatnonzero(labels != dataset.labels).tolist() == [0, 1]


@pytest.mark.parametrize(("by", "why", "words"), [("", "x", "name is missing"), ("ana", " ", "what the new version")])
def test_a_version_has_somebody_and_a_reason_behind_it(dataset, desk, by, why, words):
    with pytest.raises(DataError, match=words):
        make_version(dataset, desk(p001="landslide"), by, why)


def test_an_unknown_rule_is_refused(dataset, desk):
    with pytest.raises(DataError, match="Accepted: agreed, majority, latest"):
        draft(dataset, desk(p001="not"), "dice")
