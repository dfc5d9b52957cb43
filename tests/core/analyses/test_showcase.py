"""The showcase: what is there, what is missing, and numbers that are the results' own."""

import pytest

from core.analyses import showcase
from core.analyses.bands import robustness
from core.analyses.registry import analyses
from core.analyses.smote import audit
from core.progress import drain

NEEDED = {"attention_checks", "robustness", "smote_audit", "smote_realism", "heads"}


def by_name(run):
    return {stop.name: stop for stop in showcase.stops(run)}


def test_every_stop_is_an_analysis_of_the_one_contract_or_part_of_every_run(balanced_run):
    stops = showcase.stops(balanced_run)
    assert 5 <= len(stops) <= 7 and len({stop.name for stop in stops}) == len(stops)
    assert {stop.analysis for stop in stops if stop.analysis} == NEEDED <= set(analyses())
    for stop in stops:
        if stop.declared:
            stop.declared.options(stop.options(balanced_run))  # it takes them
            assert (stop.page, stop.view) == (stop.declared.page, stop.declared.view)


def test_what_a_quick_version_left_out_is_told_without_names_of_the_program():
    report = {"options": {"coverages": [0.5], "names": ["cloud_50", "sar_lost"]}}
    assert showcase.reduced_words(robustness.ANALYSIS, report) == (
        "Cloud cover: 0.5 instead of 0.25, 0.5, 0.75; Scenarios: 2 instead of all"
    )


def test_a_run_without_synthetic_patches_has_no_stop_about_them(balanced_run, monkeypatch):
    assert {"noise", "realism"} <= set(by_name(balanced_run))
    lineage = balanced_run.smote().iloc[:0]
    monkeypatch.setattr(type(balanced_run), "smote", lambda run: lineage)
    assert not {"noise", "realism"} & set(by_name(balanced_run))


def test_what_is_missing_is_computed_and_its_number_is_the_results_own(balanced_run_copy):
    run, stops = balanced_run_copy, by_name(balanced_run_copy)
    cells = run.summary()["oof"]["confusion"]
    assert stops["errors"].finding(run).short == f"{cells['fn'] + cells['fp']:,} patches"
    assert f"{cells['tp']} of {cells['tp'] + cells['fn']} patches" in stops["results"].finding(run).detail
    assert {stop.analysis for stop in showcase.missing(run)} == NEEDED
    assert stops["noise"].finding(run) is None and showcase.reduced(run, stops["noise"]) == ""
    for name in ("smote_audit", "smote_realism", "heads", "attention_checks"):
        declared = analyses()[name]
        few = {"patches": 10, "seeds": 1, "compared": 2} if name == "attention_checks" else {}
        drain(declared.start(run, few))
    noise = audit.read(run)["noise"]["f1"]
    assert stops["noise"].finding(run).short == f"F1 {noise['folds_over_all']:.2f} on noise"
    assert f"{noise['inside_fold']:.3f}" in stops["noise"].finding(run).detail
    for name in ("realism", "heads", "attention"):
        found = stops[name].finding(run)
        assert found is not None and "n = " in found.detail, name
    assert "Patches tested: 10 instead of 100" in showcase.reduced(run, stops["attention"])
    assert showcase.reduced(run, stops["heads"]) == ""
    declared = stops["attention"].declared
    whole = showcase.whole_options(declared, declared.read(run))
    assert whole["patches"] == 100 and set(whole) == set(declared.Options.model_fields)
    assert {stop.analysis for stop in showcase.missing(run)} == {"robustness"}
    run.results("heads").write_json("report.json", {"rows": []})
    assert stops["heads"].finding(run) is None, "a damaged report has no number, and breaks nothing"


def test_the_worst_scenario_is_named_with_its_best_policy(analysed_run):
    stop = next(stop for stop in showcase.STOPS if stop.name == "robustness")
    rows = robustness.read(analysed_run).report["rows"][1:]
    best = {row["scenario"]: max(r["f1"] for r in rows if r["scenario"] == row["scenario"]) for row in rows}
    assert f"F1 {min(best.values()):.2f}, " in stop.finding(analysed_run).short


def test_losses_are_asked_for_by_name_where_the_runs_bands_allow_them(balanced_run, banded_run):
    stop = next(stop for stop in showcase.STOPS if stop.name == "robustness")
    assert stop.options(banded_run) == {"coverages": [0.5], "names": ["cloud_50", "optical_lost", "sar_lost"]}
    assert stop.options(balanced_run) == {"coverages": [0.5]}, "three optical bands have no other sensor to lose"


@pytest.mark.parametrize("used, usual, less", [
    (50, 100, True), (200, 100, False), ([0.5], (0.25, 0.5), True), (["sar_lost"], None, True), (None, None, False),
    (False, True, False), ("layercam", None, False),
])  # fmt: skip
def test_only_what_is_smaller_than_usual_is_reduced(used, usual, less):
    assert showcase._is_less(used, usual) is less
