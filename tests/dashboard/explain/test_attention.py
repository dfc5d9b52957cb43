"""Where a network looks: mean maps by outcome, dead ones flagged, and maps that were made later."""

from __future__ import annotations

import shutil

import pytest

from core.analyses.attention import maps
from dashboard.explain.charts import OUTCOME_TITLES
from dashboard.patches import outcomes
from tests.dashboard.explain.shown import figures, harmless, submit


def test_every_outcome_has_its_mean_map_and_count(run, open_page):
    at = open_page("explain")
    assert not at.exception and not at.error
    counts = outcomes.counts(outcomes.judged(run.oof(), "svm_c0.1"))
    assert [s.value for s in at.subheader] == [f"{OUTCOME_TITLES[o]} · {counts[o]}" for o in outcomes.OUTCOMES]
    figure = figures(at)[0]
    assert sum(trace["type"] == "heatmap" for trace in figure["data"]) == sum(1 for n in counts.values() if n)
    assert any(f"{counts['TP']} maps" in note["text"] for note in figure["layout"]["annotations"])


def test_layer_size_and_head_are_named_and_dead_maps_flagged(run, open_page):
    at = open_page("explain")
    assert any("8×8 cells" in c.value and "layer blocks" in c.value.replace("\\", "") for c in at.caption)
    assert "1 of 60 maps are dead" in at.warning[0].value
    assert any("do not outline the landslide" in m.value for m in at.markdown)


def test_opacity_scale_and_head_can_be_chosen(run, open_page):
    at = open_page("explain")
    at.slider(key="explain_opacity").set_value(30).run()
    at.radio(key="explain_heat").set_value("fold").run()
    at.toggle(key="explain_raw").set_value(True).run()
    at.selectbox(key="head").select("stats_svm").run()
    at.toggle(key="explain_cam").set_value(False).run()
    assert not at.exception


def test_maps_that_were_made_later_can_be_chosen_and_say_whether_they_were_checked(explained_run, open_page):
    at = open_page("explain")
    harmless(at)
    at.selectbox(key="explain_maps").select(next(iter(maps.cards(explained_run)))).run()
    harmless(at)
    assert any("Sanity checks" in m.value and "not run" not in m.value for m in at.markdown)


@pytest.mark.slow
def test_maps_begun_on_the_page_end_in_the_run_folder(explained_run, studio, open_page):
    shutil.rmtree(explained_run.results(maps.ANALYSIS.name).path)
    at = open_page("explain", timeout=90)
    at.toggle(key="explain_make_maps").set_value(True).run()
    at.selectbox(key="explain_new_method").select("gradcam").run()
    submit(at, "Make these maps")
    assert not at.exception
    assert studio.answered(explained_run, maps.ANALYSIS.name)["state"] == "succeeded"
    assert maps.read(explained_run).card["method"] == "gradcam"
