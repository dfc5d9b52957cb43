"""Results: what a decision maker needs first, what a checker needs below; every view by its link."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboard import state
from tests.builders import make_dataset, make_run


def test_the_row_for_stakeholders_agrees_with_the_summary(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results")
    assert not at.exception and not at.error
    oof, shown = run.summary()["oof"], {m.label: m.value for m in at.metric}
    cells = oof["confusion"]
    assert shown["Found (TP)"] == f"{cells['tp']}"
    assert shown["Missed (FN)"] == str(cells["fn"]) and shown["False alarm (FP)"] == str(cells["fp"])
    assert shown["F1"] == f"{oof['f1']:.3f}"
    sentence = next(m.value for m in at.markdown if m.value.startswith("Measured on"))
    assert "60 patches (15 landslide)" in sentence and "cross-fitted" in sentence


def test_it_says_in_words_whether_the_network_is_better_than_a_baseline(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    summary = run.summary()
    for name in summary["differences"]:
        summary["differences"][name]["f1"] = {"difference": -0.2, "lo": -0.3, "hi": -0.1}
    run.write_json("summary.json", summary)
    at = open_page("results")
    words = next(m.value for m in at.markdown if "simple baseline" in m.value)
    assert "simple baseline? No.**" in words
    assert any("a model without a network is better" in c.value for c in at.caption)


def test_another_head_changes_the_row(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results")
    at.selectbox(key="head").select("fc").run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["F1"] == f"{run.summary()['heads']['fc']['f1']:.3f}"


def test_undefined_numbers_of_one_class_are_drawn(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    summary, oof = run.summary(), run.oof().assign(label=0)
    nothing = {"f1": None, "auc": None, "precision": None, "recall": None}
    for facts in summary["heads"].values():
        facts |= nothing | {"confusion": {"tp": 0, "fn": 0, "fp": 2, "tn": 58}, "intervals": {}}
    summary["differences"] = {}
    run.write_json("summary.json", summary)
    run.write_oof(oof)
    at = open_page("results")
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["F1"] == "undefined"


DOWNLOADS = {
    "summary": ("Metrics (CSV)", "Folds (CSV)"),
    "errors": ("All decisions (CSV)",),
    "safety": ("Every threshold (CSV)", "Save this decision", "The same as a table (CSV)", "Thresholds tested (CSV)",
               "By fold (CSV)"),
    "calibration": ("Calibrations (CSV)", "Reliability diagram (CSV)"),
    "slices": ("Slices (CSV)",),
    "heads": ("Heads (CSV)", "Differences (CSV)", "ROC curve (CSV)", "PR curve (CSV)"),
    "compare": ("Differences (CSV)", "Fixed and broken (CSV)"),
    "external": (),
    "training": ("Learning curves (CSV)", "Out-of-fold table (CSV)", "Summary (JSON)"),
}  # fmt: skip
PAGES = ("results", "review", "embedding", "explain")


@pytest.mark.parametrize("view", DOWNLOADS)
def test_every_view_opens_by_its_link_and_has_its_numbers_to_download(studio, open_page, view):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results", run=run.name, results_view=view)
    if view == "safety":
        at.slider(key="risk_control_limit_missed_per_1000").set_value(90.0).run()
    assert not at.exception and not at.error
    assert at.segmented_control(key="results_view").value == view
    assert set(DOWNLOADS[view]) <= {b.label for b in at.get("download_button")}


@pytest.mark.parametrize(
    ("former", "view", "key", "value"),
    [
        ("metrics", "summary", None, None),
        ("curves", "heads", None, None),
        ("threshold", "safety", None, None),
        ("risk_control", "safety", None, None),
        ("significance", "compare", "compare_how", "several"),
        ("ensemble", "compare", "compare_how", "ensemble"),
        ("locked_test", "external", "external_which", "locked"),
    ],
)
def test_links_by_former_names_open_what_the_view_has_become(studio, open_page, former, view, key, value):
    run = studio.add_run(studio.add_dataset())
    at = open_page("results", run=run.name, results_view=former)
    assert not at.exception and at.segmented_control(key="results_view").value == view
    assert key is None or at.button_group(key=key).value == value
    at = open_page("results", run=run.name)  # and by a button that asks for it
    at.session_state[state._VIEW] = ("results", former)
    at.run()
    assert not at.exception and at.segmented_control(key="results_view").value == view
    assert key is None or at.button_group(key=key).value == value


def test_hostile_names_are_shown_as_written(studio, open_page):
    evil = "<img src=x onerror=alert(1)>[x](javascript:alert(1))"
    data = make_dataset(studio.checkpoints / "datasets" / "evil.h5", n=36, class_names=("other", evil))
    run = make_run(studio.checkpoints, data.path)
    for page, view in [(page, "") for page in PAGES] + [("results", view) for view in DOWNLOADS]:
        at = open_page(page, run=run.name, **({"results_view": view} if view else {}))
        assert not at.exception, (page, view)
        for element in (*at.markdown, *at.caption, *at.header, *at.warning, *at.info, *at.error):
            assert "<img" not in element.value.replace("\\<img", ""), (page, element.value)
            assert "[x](" not in element.value, (page, element.value)
        for chart in at.get("plotly_chart"):
            assert "<img" not in str(json.loads(chart.proto.spec)), page


def test_a_run_older_than_the_newer_numbers_opens_in_every_view(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    summary, oof = run.summary(), run.oof()
    newer = ("balanced_accuracy", "mcc", "average_precision", "brier", "ece")
    for facts in (*summary["heads"].values(), *(h for f in summary["folds"] for h in f["heads"].values())):
        for name in newer:
            facts.pop(name, None)
            facts.get("intervals", {}).pop(name, None)
    for key in ("left_out", "selection", "warnings"):
        summary.pop(key, None)
    run.write_json("summary.json", summary)
    run.write_oof(oof.drop(columns=[c for c in oof if c.startswith("score_")]).assign(group=""))
    for view in DOWNLOADS:
        at = open_page("results", run=run.name, results_view=view)
        assert not at.exception, view
    assert np.isfinite(summary["heads"]["fc"]["f1"])


def test_a_link_to_a_job_opens_its_view(studio, open_page):
    """What ``follow_it`` does: another page asks for a view of this one."""
    run = studio.add_run(studio.add_dataset())
    at = open_page("results", run=run.name)
    at.session_state[state._VIEW] = ("results", "external")
    at.run()
    assert not at.exception and at.segmented_control(key="results_view").value == "external"


def test_a_sentence_and_four_numbers_stand_above_every_view(studio, open_page):
    """At 1440x900 a tab must change something that is seen: the views begin above the fold."""
    run = studio.add_run(studio.add_dataset())
    for view in DOWNLOADS:
        at = open_page("results", run=run.name, results_view=view)
        assert at.header[0].value.startswith("Finds "), view
        labels = [metric.label for metric in at.metric][:4]
        assert labels == ["Found (TP)", "Missed (FN)", "False alarm (FP)", "F1"], view
