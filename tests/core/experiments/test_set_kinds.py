"""The kinds that need further datasets: their rows, what they are judged on, and what they refuse."""

from pathlib import Path

import pandas as pd
import pytest

from core.data.store import open_dataset
from core.errors import ConfigError
from core.experiments import elsewhere
from core.experiments.base import Asked, planned
from core.experiments.kinds import diversity, transfer
from core.experiments.registry import kind
from core.progress import drain
from tests.builders import make_tiny


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    return {name: make_tiny(folder / f"{name}.h5", n=24, side=16, seed=i) for i, name in enumerate("abcd")}


def asked(sets, target, others, checkpoints=Path("nowhere"), budget="full"):
    return Asked(open_dataset(sets[target]), checkpoints, budget, others=tuple(sets[name] for name in others))


@pytest.mark.parametrize("budget", ["full", "small"])
def test_transfer_starts_from_imagenet_nothing_and_each_source(sets, budget):
    rows = {row.name: row for row in planned(kind("transfer"), asked(sets, "a", "bc", budget=budget))}
    assert list(rows) == [
        "imagenet", "random", "source-b", "source-b-head", "source-b-on", "source-c", "source-c-head", "source-c-on",
    ]  # fmt: skip
    assert rows["source-b"].dataset == sets["b"] and rows["source-b-on"].dataset is None
    assert rows["source-b-on"].weights_of == rows["source-b-head"].weights_of == "source-b"
    assert rows["imagenet"].config.model.pretrained == "packaged" == rows["source-b"].config.model.pretrained
    assert not rows["source-b-on"].config.model.pretrained and not rows["random"].config.model.pretrained
    assert rows["source-b-on"].config.model.weights_fit == "matching"
    assert rows["source-b-head"].config.train.trainable == "head" and rows["random"].config.train.trainable == "all"
    if budget == "small":
        assert {row.config.model.image_size for row in rows.values()} == {64}


def test_diversity_adds_sets_and_prepares_the_joined_files(sets, tmp_path):
    what = asked(sets, "d", "abc", tmp_path)
    rows = planned(kind("diversity"), what)
    assert [row.title for row in rows] == ["a", "a, b", "a, b, c"] and rows[0].dataset == sets["a"]
    assert [row.facts["patches"] for row in rows] == [24, 48, 72]
    drain(diversity.prepare(what))
    assert [len(open_dataset(row.dataset)) for row in rows] == [24, 48, 72]
    before = rows[2].dataset.stat().st_mtime_ns
    drain(diversity.prepare(what))
    assert rows[2].dataset.stat().st_mtime_ns == before  # it is not made twice
    assert set(open_dataset(rows[2].dataset).columns["source"]) == {"a", "b", "c"}


def test_table_4_has_the_papers_networks_and_numbers(sets):
    rows = {row.name: row for row in planned(kind("table4"), asked(sets, "a", "b"))}
    assert list(rows) == ["baseline", "efficientnetb3", "resnet50", "mobilenet", "densenet121", "nasnetlarge"]
    assert rows["baseline"].facts["printed_test_recall"] == 0.7230
    assert rows["efficientnetb3"].facts["printed_test_accuracy"] == 0.6340
    assert "printed_test_recall" not in rows["mobilenet"].facts
    small = {row.name: row for row in planned(kind("table4"), asked(sets, "a", "b", budget="small"))}
    assert {name for name, row in small.items() if row.config.model.pretrained} == {"efficientnetb3"}


def test_what_cannot_be_asked_is_said(sets):
    for name, target, others, words in (
        ("transfer", "a", "", "needs a dataset to learn from first"),
        ("transfer", "a", "a", "holds the patches of a itself"),
        ("diversity", "a", "b", "2 or more times"),
        ("diversity", "a", "ab", "which|what the rows are judged on"),
        ("diversity", "a", "bb", "two of these have one"),
        ("table4", "a", "", "a dataset to test on"),
    ):
        with pytest.raises(ConfigError, match=words):
            planned(kind(name), asked(sets, target, others))


def test_a_row_of_the_source_is_judged_on_the_target(sets, monkeypatch):
    what = asked(sets, "a", "b")
    rows = {row.name: row for row in planned(kind("transfer"), what)}
    monkeypatch.setattr(transfer, "answers_on", lambda run, dataset: ("elsewhere", dataset.name))
    monkeypatch.setattr("core.runs.compare.answers", lambda run, head: ("out of fold", run))
    assert transfer.answers(what, rows["source-b"], "run") == ("elsewhere", "a")
    assert transfer.answers(what, rows["imagenet"], "run") == ("out of fold", "run")


def test_weights_and_accuracies_in_words():
    class Run:
        history = pd.DataFrame({"fold": [0, 0, 1], "epoch": [1, 2, 1], "train_accuracy": [0.5, 0.8, 0.6]})
        weights = {"matched": 1247, "missing": ["a", "b", "c", "d"], "mismatched": [], "unexpected": ["e"]}

        def fold_card(self, fold):
            return {"weights": self.weights}

        def __getattribute__(self, name):
            found = object.__getattribute__(self, name)
            return (lambda: found) if name == "history" else found

    words = elsewhere.weights_told(Run())["Weights"]
    assert words == "1,247 arrays taken over; from random: a, b, c and 1 more; not used: e"
    assert elsewhere._training(Run()) == pytest.approx(0.7)
