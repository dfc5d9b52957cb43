"""Bands with their interval: from the run's own two replacements, then from the analysis."""

from __future__ import annotations

from core.analyses.bands import importance
from core.jobs.analysis_folder import list_for
from tests.dashboard.explain.shown import figures, harmless, labels, submit


def test_bands_are_drawn_with_interval_n_and_baseline(run, open_page):
    at = open_page("explain")
    at.button_group(key="explain_view").set_value("bands").run()
    assert not at.exception
    bars, whiskers = drawn(at)
    assert sum(len(trace["y"]) for trace in bars) == 12
    assert len(whiskers) == 2 and all(len(trace["y"]) == 12 for trace in whiskers)
    assert "Score lost when the band is removed" in figures(at)[0]["layout"]["xaxis"]["title"]["text"]
    sentence = next(c.value for c in at.caption if "15 patches labelled landslide" in c.value)
    assert "out of fold over 3 folds" in sentence and "groups kept together" in sentence
    assert "mean over the training part" in sentence and "stand in for each other" in sentence
    assert "The model relies most on" in at.markdown[0].value or "No single band" in at.markdown[0].value


def drawn(at):
    traces = figures(at)[0]["data"]
    return [t for t in traces if t["type"] == "bar"], [t for t in traces if "error_x" in t]


def test_bars_stand_by_size_or_by_sensor_and_the_link_says_which(run, open_page):
    at = open_page("explain", explain_view="bands")
    by_size = figures(at)[0]["layout"]["yaxis"]["categoryarray"]
    at.button_group(key="explain_bands_order").set_value("sensor").run()
    assert not at.exception and at.query_params["explain_bands_order"] == "sensor"
    by_sensor = figures(at)[0]["layout"]["yaxis"]["categoryarray"]
    assert by_sensor[::-1][0] == "Red" and set(by_sensor) == set(by_size)
    bars, _ = drawn(at)
    drops = {name: x for trace in bars for name, x in zip(trace["y"], trace["x"], strict=True)}
    assert by_size == sorted(by_size, key=drops.get)


def test_the_papers_way_and_the_other_baseline_are_options_with_intervals(run, open_page):
    at = open_page("explain", explain_view="bands")
    drop = drawn(at)[0][0]
    at.selectbox(key="explain_baseline").select("zero_raw").run()
    at.selectbox(key="explain_measure").select("paper").run()
    assert not at.exception
    assert at.query_params["explain_baseline"] == "zero_raw" and at.query_params["explain_measure"] == "paper"
    bars, whiskers = drawn(at)
    assert whiskers and bars[0]["x"] != drop["x"]
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
