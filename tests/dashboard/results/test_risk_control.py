"""The safety target of the Results page."""

from __future__ import annotations

import re

import pytest

from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_a_target_is_guaranteed_or_refused_with_the_number_needed(run, open_page):
    at = open_page("results", run=run.name, results_view="risk_control")
    refused = next(e.value for e in at.error)
    assert "cannot be guaranteed" in refused
    needed = int(re.search(r"at least (\d+) like these", refused)[1])
    assert 299 <= needed < 600  # ln 0.05 / ln 0.99 independent patches, and more of patches in groups
    at.number_input(key="risk_control_limit_missed_per_1000").set_value(90.0).run()
    assert not at.exception and not at.error
    assert "To miss at most 90 landslide patches per 1,000" in words_of(at) and "Learn then test" in words_of(at)
    at.segmented_control(key="risk_control_kind").set_value("miss_rate").run()
    assert "share of landslides" in words_of(at) and not at.exception
