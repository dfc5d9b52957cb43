"""Where a network looks: mean maps by outcome, dead ones flagged, and maps that were made later."""

from __future__ import annotations

import h5py
import pytest

from core.analyses.attention import maps
from dashboard.jobs import model_client
from dashboard.patches import outcomes
from tests.dashboard import galleries
from tests.dashboard.explain.shown import figures, harmless, submit
from tests.trained_runs import copied


def judged(run):
    head = run.summary()["head"]
    return outcomes.judged(run.oof(), head, outcomes.thresholds_of(run.summary(), head))


def test_every_outcome_has_its_mean_map_and_count(run, open_page):
    at = open_page("explain")
    assert not at.exception and not at.error
    counts = outcomes.counts(judged(run))
    (figure,), (chart,) = figures(at), at.get("plotly_chart")
    assert len(figure["data"]) == sum(1 for n in counts.values() if n)
    assert chart.proto.alt.startswith("Mean attention maps.")
    shown = [note["text"] for note in figure["layout"]["annotations"]]
    for n in filter(None, counts.values()):
        assert any(f"<br>{n:,} map" in text for text in shown) and f"{n:,} patches" in chart.proto.alt


def test_where_the_network_looks_comes_first_then_whether_the_maps_were_checked(run, open_page):
    at = open_page("explain")
    assert "of the attention lies" in at.markdown[0].value
    assert any("Sanity checks: not run" in m.value for m in at.markdown[:3])
    assert not at.warning  # empty maps are a line, not a box
    assert any("1 of 60 maps are empty" in m.value for m in at.markdown)
    assert any(c.value.startswith("95% interval") and ", n = " in c.value for c in at.caption)


def test_layer_and_size_are_named_and_what_maps_do_not_show(run, open_page):
    at = open_page("explain")
    texts = [m.value.replace("\\", "") for m in at.markdown]
    assert any("8×8 cells" in text and "layer blocks" in text for text in texts)
    assert any("do not outline the landslide" in text for text in texts)


def test_the_surest_found_landslide_is_large_at_first_and_named_by_the_link(run, open_page):
    at = open_page("explain")
    surest = outcomes.chosen(judged(run), ["TP"])["id"].astype(str)
    assert at.session_state["explain_patch"] == surest[0] and at.query_params["explain_patch"] == surest[0]
    assert at.session_state["explain_outcome"] == "TP"
    at.button(key="explain_next").click().run()
    assert not at.exception and at.query_params["explain_patch"] == surest[1]
    at.button(key="explain_previous").click().run()
    assert at.query_params["explain_patch"] == surest[0]


def test_an_outcome_brings_its_patches_and_a_patch_its_outcome(run, open_page):
    at = open_page("explain")
    left = outcomes.chosen(judged(run), ["TN"])["id"].astype(str)
    at.button_group(key="explain_outcome").set_value("TN").run()
    assert not at.exception and at.session_state["explain_patch"] == left[0]
    galleries.click(at, "explain_strip", left[2])
    assert at.session_state["explain_patch"] == left[2]
    at = open_page("explain", explain_patch=left[3])
    assert not at.exception and at.session_state["explain_outcome"] == "TN"
    assert at.session_state["explain_patch"] == left[3]
    at = open_page("explain", explain_patch="<b>nobody</b>")
    assert not at.exception and at.session_state["explain_outcome"] == "TP"


def test_opacity_scale_and_head_can_be_chosen(run, open_page):
    at = open_page("explain")
    at.slider(key="explain_opacity").set_value(30).run()
    at.radio(key="explain_heat").set_value("patch").run()
    at.toggle(key="explain_raw").set_value(True).run()
    at.selectbox(key="head").select("stats_svm").run()
    assert not at.exception
    assert at.query_params["explain_raw"] == "True" and at.query_params["explain_heat"] == "patch"
    assert any("each patch by itself" in c.value for c in at.caption)
    assert any("does not use the network" in c.value for c in at.caption)


def test_masks_stand_beside_the_map_where_there_are_any(run, explained_run, open_page):
    at = open_page("explain", run=explained_run.name)
    harmless(at)
    assert any(c.value.startswith("Landslide mask, ") for c in at.caption)
    assert "lies on the landslide" in at.markdown[0].value
    with h5py.File(run.dataset_path(), "r+") as file:
        del file["masks"]
    at = open_page("explain", run=run.name)
    assert not any("Landslide mask" in c.value for c in at.caption)
    assert any("alone, 8×8 cells" in c.value for c in at.caption)
    assert "middle quarter" in at.markdown[0].value


def test_maps_that_were_made_later_can_be_chosen_and_say_whether_they_were_checked(explained_run, open_page):
    at = open_page("explain")
    harmless(at)
    at.selectbox(key="explain_maps").select(next(iter(maps.cards(explained_run)))).run()
    harmless(at)
    assert any("Sanity checks" in m.value and "not run" not in m.value for m in at.markdown)


@pytest.fixture
def real_run(studio, trained_run):
    """Trained, and nothing was asked of it yet: ``explained_run`` takes longer to make than this test."""
    yield copied(trained_run, studio.checkpoints)
    model_client.models().close()


@pytest.mark.slow
def test_maps_begun_on_the_page_end_in_the_run_folder(real_run, studio, open_page):
    at = open_page("explain", timeout=90, run=real_run.name)
    at.toggle(key="explain_make_maps").set_value(True).run()
    at.selectbox(key="explain_new_method").select("gradcam").run()
    submit(at, "Make these maps")
    assert not at.exception
    assert studio.answered(real_run, maps.ANALYSIS.name)["state"] == "succeeded"
    assert maps.read(real_run).card["method"] == "gradcam"
