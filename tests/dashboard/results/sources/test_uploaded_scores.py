"""Probabilities from a CSV on the Results page."""

from __future__ import annotations

import pytest

from dashboard.results.sources import uploaded_scores
from tests.dashboard.results.made import words_of

SCORES = "\n".join(
    [
        "id,label,fold,prob",
        *(f"p{i},{int(i % 4 == 0)},{i % 2},{0.15 + 0.6 * (i % 4 == 0) + 0.001 * i:.3f}" for i in range(80)),
    ]
)


@pytest.mark.parametrize("view", uploaded_scores.VIEWS)
def test_a_csv_is_evaluated_without_any_run(open_page, view):
    at = open_page("results", results_of="csv")
    assert not at.exception and "One row per patch" in words_of(at)
    at.file_uploader(key="csv_upload").set_value(("scores.csv", SCORES.encode(), "text/csv")).run()
    at.segmented_control(key="csv_view").set_value(view).run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["Found (TP)"] == "20"
    assert "80 patches, 20 landslide, 2 folds (column fold)" in words_of(at)


def test_a_hostile_csv_is_a_sentence_or_set_aside(open_page):
    at = open_page("results", results_of="csv")
    evil = SCORES + "\n<img src=x onerror=alert(1)>,1,0,5\n=HYPERLINK(1),1,0,0.5"
    at.file_uploader(key="csv_upload").set_value(("../[x](javascript:1).csv", evil.encode(), "text/csv")).run()
    assert not at.exception and "1 rows set aside" in " ".join(e.label for e in at.expander)
    for element in (*at.markdown, *at.caption, *at.warning):
        assert "](javascript" not in element.value and "<img" not in element.value.replace("\\<img", "")
    at.file_uploader(key="csv_upload").set_value(("empty.csv", b"", "text/csv")).run()
    assert not at.exception and any("empty" in e.value for e in at.error)


def test_with_one_class_metrics_are_undefined_and_no_view_is_blank(open_page):
    at = open_page("results", results_of="csv")
    text = "id,label,prob\n" + "\n".join(f"p{i},0,{i / 50:.2f}" for i in range(40))
    at.file_uploader(key="csv_upload").set_value(("one.csv", text.encode(), "text/csv")).run()
    for view in uploaded_scores.VIEWS:
        at.segmented_control(key="csv_view").set_value(view).run()
        assert not at.exception, view
    assert "These patches include no landslide." in [s.value for s in at.header]
