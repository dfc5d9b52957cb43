"""Bands with their interval: from the run's own two replacements, then from the analysis."""

from __future__ import annotations

from core.analyses.bands import importance
from core.jobs.analysis_folder import list_for
from tests.dashboard.explain.shown import figures, harmless, labels, submit


def test_bands_are_drawn_with_interval_n_and_baseline(run, open_page):
    at = open_page("explain")
    at.button_group(key="explain_view").set_value("bands").run()
    assert not at.exception
    figure = figures(at)[0]
    assert sum(len(trace["y"]) for trace in figure["data"]) == 12
    assert all("error_x" in trace for trace in figure["data"])
    sentence = next(c.value for c in at.caption if c.value.startswith("15 patches labelled landslide"))
    assert "out of fold over 3 folds" in sentence and "groups kept together" in sentence
    assert "mean over the training part" in sentence
    assert any("stand in for each other" in m.value for m in at.markdown)


def test_the_papers_way_and_the_other_baseline_are_options_with_intervals(run, open_page):
    at = open_page("explain", explain_view="bands")
    drop = figures(at)[0]["data"][0]
    at.selectbox(key="explain_baseline").select("zero_raw").run()
    at.selectbox(key="explain_measure").select("paper").run()
    assert not at.exception
    paper = figures(at)[0]["data"][0]
    assert "error_x" in paper and paper["x"] != drop["x"]
    assert any("takes the probability before to be 1" in m.value for m in at.markdown)


def test_a_run_without_the_analysis_shows_its_bands_and_offers_it(run, open_page):
    at = open_page("explain", explain_view="bands")
    assert not at.exception and not at.error
    assert "Measure band importance" in labels(at)
    assert any("to get groups under every replacement" in m.value for m in at.markdown)


def test_answer_ranks_groups_parts_and_windows_are_shown(explained_run, open_page):
    at = open_page("explain", explain_view="bands")
    harmless(at)
    report = importance.read(explained_run).report
    assert any("SAR matters more than optical" in m.value for m in at.markdown)
    assert len(figures(at)) == 2 + 2 + 1 + 1
    assert any("The shares add up to" in c.value and "subsets" in c.value for c in at.caption)
    assert any("Windows of 8 px" in c.value for c in at.caption)
    baselines = [b for b in report["options"]["baselines"] if b not in report["same"]]
    at.selectbox(key="explain_baseline").select(baselines[-1]).run()
    harmless(at)


def test_the_form_is_that_of_the_options(run, studio, open_page):
    studio.busy_lane(run.dataset_path())
    at = open_page("explain", run=run.name, explain_view="bands")
    at.selectbox(key="explain_bands_patches").select("landslides")
    at.number_input(key="explain_bands_stride").set_value(4)
    submit(at, "Measure band importance")
    options = list_for(run, importance.ANALYSIS.name)[0].options()
    assert (options["patches"], options["stride"], options["spatial"]) == ("landslides", 4, 20)
