"""Comparisons of heads and runs on the Results page."""

from __future__ import annotations

import pandas as pd
import pytest

from core.config import preset
from dashboard.results.compare import several_patches
from tests.builders import make_run


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_every_comparison_is_a_sentence_with_its_interval_and_holm(run, open_page):
    at = open_page("results", run=run.name, results_view="significance")
    assert not at.exception
    sentences = [m.value for m in at.markdown if m.value.startswith("- ")]
    assert len(sentences) == 3 and all("95% interval" in text or "same decision" in text for text in sentences)
    table = next(d.value for d in at.dataframe if "p, Holm" in d.value)
    assert (table["p, Holm"] >= table["p"]).all() and (table["n"] == "60").all()


@pytest.mark.parametrize("p_holm", [0.01, 0.158])
def test_colours_say_what_the_sentences_say(run, open_page, monkeypatch, p_holm):
    """Holm's decision, not the single interval: settled and coloured, or not settled and grey."""
    from dashboard.charts import intervals
    from dashboard.results.compare import several

    real, drawn = several.with_holm, []
    monkeypatch.setattr(
        several, "with_holm", lambda *given: [
            row | {"difference": 0.05, "lo": 0.01, "hi": 0.09, "p": 0.01, "p_holm": p_holm, "settled": p_holm < 0.05}
            for row in real(*given)
        ],
    )  # fmt: skip
    figure = intervals.differences
    monkeypatch.setattr(intervals, "differences", lambda *given: drawn.append(given[2]) or figure(*given))
    at = open_page("results", run=run.name, results_view="significance")
    assert not at.exception
    sentences = [m.value for m in at.markdown if m.value.startswith("- ") and "same decision" not in m.value]
    assert sentences and all(("is significantly" in text) == (p_holm < 0.05) for text in sentences)
    assert drawn[0] == [p_holm < 0.05] * 3


def judged(*wrong):
    """Answers on four patches, two of each class, those named decided wrongly."""
    table = pd.DataFrame({"id": list("abcd"), "label": [1, 0, 1, 0], "fold": 0, "prob": [0.9, 0.1, 0.8, 0.2]})
    flipped = table["id"].isin(wrong)
    table.loc[flipped, "prob"] = 1 - table.loc[flipped, "prob"]
    return table.assign(pred=(table["prob"] > 0.5).astype(int))


def test_patches_that_some_decide_rightly_and_some_wrongly_widest_first():
    found = several_patches.differing([judged("a", "d"), judged("a"), judged("a", "b")])
    assert found["id"].tolist() == ["b", "d"], "all are wrong on a, all right on c; b's answers lie further apart"
    which = {name: found["id"][several_patches._of(found, name)].tolist() for name in several_patches.WORDS}
    assert which == {"all": ["b", "d"], "fixed": ["d"], "broken": []}
    short = several_patches.differing([judged("a"), judged().head(3)])
    assert short["id"].tolist() == ["a"]


def test_several_runs_show_curves_matrices_and_the_patches_they_differ_on(studio, run, open_page):
    data = studio.checkpoints / "datasets" / "tiny.h5"
    others = [make_run(studio.checkpoints, data, config=preset("demo").with_overrides([f"seed={k}"])) for k in (3, 4)]
    chosen = [str((one.name, one.summary()["head"])) for one in others]
    at = open_page("results", run=run.name, results_view="compare", compare_how="several", significance_chosen=chosen)
    assert not at.exception
    headings = [one.value for one in at.header]
    assert "Confusion matrices" in headings and "Patches decided differently" in headings
    table = next(one.value for one in at.dataframe if "p, Holm" in one.value)
    assert {"Fixed", "Broken"} <= set(table)
