"""Heads and slices of a recipe that was trained several times: the spread beside the interval, and what survives."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from core.runs.repeats import repeated
from core.runs.store import RunFolder
from dashboard.results.trainings.known import survives
from tests.dashboard.results.made import words_of


@pytest.fixture
def trainings(studio):
    """Three trainings of one recipe whose scores differ a little."""
    data, rng = studio.add_dataset(), np.random.default_rng(0)
    run = studio.add_run(data)
    runs = [run]
    for i, config in enumerate(repeated(run.config(), 3)[1:], 1):
        other = RunFolder(run.path.with_name(f"{run.name}{i}"))
        shutil.copytree(run.path, other.path)
        other.write_text("config.json", config.to_json())
        summary, oof = other.summary(), other.oof()
        for head, facts in summary["heads"].items():
            facts["f1"] = min(1.0, facts["f1"] + 0.01 * i * (1 if head == "fc" else -1))
            flips = rng.random(len(oof)) < 0.05
            oof[f"pred_{head}"] = np.where(flips, 1 - oof[f"pred_{head}"], oof[f"pred_{head}"])
        other.write_json("summary.json", summary)
        other.write_oof(oof)
        runs.append(other)
    return runs


def test_heads_have_their_spread_and_what_survives_training_again(trainings, open_page):
    at = open_page("results", run=trainings[0].name, results_view="heads")
    assert not at.exception
    table = next(d.value for d in at.dataframe if "F1, SD of 3 trainings" in d.value)
    assert (table["F1, SD of 3 trainings"] != "").all() and table["F1, range"].str.contains("–").all()
    words = words_of(at)
    assert "over patches and trainings" in words and "3 trainings, n = 60" in words and "Ticks: the other" in words


def test_slices_say_whether_the_weakest_is_weak_in_every_training(trainings, open_page):
    at = open_page("results", run=trainings[0].name, results_view="slices", metrics_slice_metric="accuracy")
    assert not at.exception
    words = words_of(at)
    assert "lowest and highest of 3 trainings" in words and "Over 3 trainings:" in words and "survives" in words


def test_of_one_training_it_says_that_nothing_is_known_of_others(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    for view in ("heads", "slices"):
        at = open_page("results", run=run.name, results_view=view)
        assert not at.exception and "train --repeats 3" in words_of(at), view


@pytest.mark.parametrize(
    ("patches", "p", "words"),
    [
        (True, 0.01, "survives other patches and other trainings"),
        (True, 0.5, "survives other patches alone"),
        (False, 0.01, "survives other trainings alone"),
        (False, 0.5, "survives neither"),
        (True, float("nan"), "other trainings are not known"),
    ],
)
def test_it_says_which_of_the_two_a_difference_survives(patches, p, words):
    assert words in survives(patches, {"p": p})
