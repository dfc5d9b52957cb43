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
    assert (table["p, Holm"] >= table["p"] - 1e-9).all() and (table["n"] == 60).all()
