"""Comparisons of heads and runs on the Results page."""

from __future__ import annotations

import pytest


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
