"""Bands for some of the patches: by outcome, by the values of a column, and by window."""

from __future__ import annotations

from core.analyses.bands import importance
from tests.dashboard.explain.shown import figures, harmless


def test_bands_and_groups_are_compared_by_a_column(explained_run, open_page):
    at = open_page("explain", explain_view="bands")
    by_outcome = len(figures(at))
    at.selectbox(key="explain_by").select("source").run()
    at.button_group(key="explain_by_unit").set_value("band").run()
    harmless(at)
    assert len(figures(at)) == by_outcome
    assert any("Where intervals overlap, the difference is not settled" in c.value for c in at.caption)


def test_without_the_analysis_there_are_no_groups_to_compare(run, open_page):
    at = open_page("explain", explain_view="bands")
    assert any("Nothing to compare" in m.value for m in at.markdown)


def test_windows_of_another_stride_are_not_drawn(explained_run, open_page):
    results = explained_run.results(importance.ANALYSIS.name)
    report = results.json("report.json")
    results.write_json("report.json", {**report, "options": {**report["options"], "stride": 3}})
    at = open_page("explain", explain_view="bands")
    harmless(at)
    assert "Windows" not in [s.value for s in at.header]
