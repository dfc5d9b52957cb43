"""The second head on the Results page, and on the card of a patch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.evaluate.second_head import second_facts
from dashboard.charts import classes
from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    """A made run whose second head answers an age."""
    run = studio.add_run(studio.add_dataset())
    oof = run.oof()
    rng = np.random.default_rng(0)
    truth = rng.choice(["new", "old", ""], len(oof), p=[0.6, 0.3, 0.1])
    answered = np.where(rng.random(len(oof)) < 0.7, np.where(truth == "", "new", truth), "new")
    for fold in sorted(oof["fold"].unique()):
        own = (oof["fold"] == fold).to_numpy()
        run.write_tabular(
            int(fold),
            pd.DataFrame(
                {
                    "id": oof["id"][own], "label": oof["label"][own], "second": truth[own],
                    "second_pred": answered[own], "second_prob": 0.75,
                }
            ),
        )  # fmt: skip
    known = truth != ""
    facts = second_facts(truth[known], answered[known], None, oof["fold"].to_numpy()[known])
    run.write_json("summary.json", run.summary() | {"second": facts | {"column": "age", "of": "known"}})
    return run


def test_it_says_whether_classes_are_told_apart(run, open_page):
    at = open_page("results", run=run.name, results_view="second")
    shown = words_of(at)
    assert not at.exception and "by always answering the commonest class" in shown and "age: balanced accuracy" in shown
    assert "out of fold" in shown and "balanced accuracy" in shown
    assert any("Balanced accuracy" in table.value for table in at.dataframe)


def test_a_run_without_one_offers_no_such_view(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results", run=run.name, results_view="second")
    assert not at.exception and "econd head" not in words_of(at)


def test_a_run_without_known_classes_says_so(run, open_page):
    nothing = second_facts(np.array([], str), np.array([], str)) | {"column": "age", "of": "known"}
    run.write_json("summary.json", run.summary() | {"second": nothing})
    at = open_page("results", run=run.name, results_view="second")
    assert not at.exception and "No patch of these folds has a known age" in words_of(at)


def test_the_card_of_a_patch_says_what_is_answered_and_what_is_noted(run, open_page):
    table = pd.concat([run.tabular(fold) for fold in range(run.config().folds.n_splits)])
    wrong = table[(table["second"] != "") & (table["second"] != table["second_pred"])].iloc[0]
    at = open_page("errors", run=run.name, patch=str(wrong["id"]))
    shown = words_of(at)
    assert not at.exception and f"**{wrong['second_pred']}** (0.75); noted as {wrong['second']}. **Wrong.**" in shown


def test_classes_are_drawn_by_true_class():
    table = classes.class_table({"a": {"a": 3, "b": 1}, "b": {"a": 0, "b": 0}}).data[0]
    assert list(table.y) == ["a"] and list(table.x) == ["a", "b"] and np.allclose(table.z, [[0.75, 0.25]])
