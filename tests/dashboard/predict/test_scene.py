"""The Scene view in every state: before the first scene, asked for, refused, running, failed, and with its map."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.analyses.scene_map import NAME
from core.jobs.analysis_folder import list_for
from dashboard.predict.scene_result import cells_for
from tests.core.analyses.test_scene import scene_file
from tests.dashboard.predict.conftest import add_map, cells_table, job_of


def words(at):
    return " ".join(one.value for kind in (at.markdown, at.caption) for one in kind).replace("\\", "")


def buttons(at):
    return [one.label for one in at.button] + [one.label for one in at.get("download_button")]


def sent(at):
    """What the browser gets of the picture."""
    (shown,) = (one.proto for one in at.get("bidi_component") if one.key == "predict_picture")
    return json.loads(shown.json)


def answer(at, event, value):
    """The browser says that something happened on the picture."""
    states = at._tree.get_widget_states()
    (shown,) = (one.proto for one in at.get("bidi_component") if one.key == "predict_picture")
    said = json.dumps([{"event": event, "value": value}])
    states.widgets.append(WidgetState(id=_make_trigger_id(shown.id, "events"), json_trigger_value=said))
    return at._run(states)


def test_before_the_first_scene_its_file_is_wanted(run, open_page):
    at = open_page("predict", run=run.name)
    assert not at.exception and at.title[0].value == "Predict"
    assert "where to look first" in at.markdown[0].value
    assert at.text_input(key="predict_new_scene").label == "Scene"
    at.button(key="FormSubmitter:predict_scene_form-Predict the scene").click().run()
    assert "Name the file" in at.warning[0].value and not list_for(run, NAME)


def test_dropped_files_are_kept_and_queued(real_run, studio, open_page, tmp_path):
    studio.hold_lane(real_run)
    content = scene_file(tmp_path / "after.tif").read_bytes()
    at = open_page("predict", run=real_run.name, scene_from="upload")
    press = "FormSubmitter:predict_scene_form-Predict the scene"
    at.button(key=press).click().run()
    assert "Drop the file" in at.warning[0].value
    at.file_uploader(key="predict_sent_scene").set_value([("after.tif", content, "image/tiff")])
    at.file_uploader(key="predict_sent_before").set_value([("before.tif", content, "image/tiff")])
    at.button(key=press).click().run()
    assert not at.exception and not at.error
    (job,) = list_for(real_run, NAME)
    scene, before = (Path(job.options()[name]) for name in ("scene", "before"))
    assert (scene.name, before.name) == ("after.tif", "before.tif") and scene.read_bytes() == content
    assert scene.parent.parent == studio.checkpoints / "datasets" / ".scenes"


def test_a_scene_is_queued_with_what_was_filled_in(real_run, studio, open_page, tmp_path):
    run, path = real_run, scene_file(tmp_path / "after.tif")
    studio.hold_lane(run)
    at = open_page("predict", run=run.name)
    at.text_input(key="predict_new_scene").set_value(str(path))
    at.number_input(key="predict_new_cell_m").set_value(500.0)
    at.button(key="FormSubmitter:predict_scene_form-Predict the scene").click().run()
    assert not at.exception and not at.error
    (job,) = list_for(run, NAME)
    assert job.options()["scene"] == str(path) and job.options()["cell_m"] == 500
    assert job.options()["bands"] is None and job.options()["flips"] is None and job.options()["out"] is None
    assert "Cancel" in buttons(at) and "Queued" in at.get("progress")[0].text


def test_a_scene_that_does_not_fit_is_refused_in_words_of_the_page(real_run, open_page, tmp_path):
    run, path = real_run, scene_file(tmp_path / "two.tif", np.ones((2, 40, 40), np.uint8), ("red", "nir"))
    at = open_page("predict", run=run.name)
    at.text_input(key="predict_new_scene").set_value(str(path))
    at.button(key="FormSubmitter:predict_scene_form-Predict the scene").click().run()
    (error,) = at.error
    text = error.value.replace("\\", "")
    assert "the scene has no" in text and "“Further rasters”" in text and "--" not in text
    assert not list_for(run, NAME)


def test_a_scene_that_failed_says_why_and_can_be_tried_again(run, open_page):
    job_of(run, NAME, {"scene": "/data/s.tif"}, "failed", error="Out of range: red.")
    at = open_page("predict", run=run.name)
    assert not at.exception and "Out of range: red" in at.error[0].value.replace("\\", "")
    assert {"Try again", "Clear"} <= set(buttons(at)) and at.text_input(key="predict_new_scene").value == ""


def test_the_map_says_where_to_look_first_and_what_was_not_seen(mapped, open_page):
    at = open_page("predict", run=mapped.name)
    assert not at.exception and not at.error
    first = cells_for(cells_table(), 80)
    assert at.markdown[0].value.startswith(f"**Look at these {first} cells first: expected to hold ")
    assert "Of 0.36 km², not seen: 0.03 km² no data; 0.01 km² cloud" in words(at)
    assert [m.label for m in at.metric] == ["Outlined", "Expected", "Found (TP)", "Not seen"]
    assert at.metric[3].value == "0.04 km²" and at.metric[1].value == "0.05 km²"
    assert "0.04 to 0.06 km² by how often such answers were right out of fold (95%)" in words(at)
    assert "as frequent as in training" in words(at)
    assert "Look at these" not in words(at).partition("first:")[2]
    assert set(buttons(at)) >= {
        "Probability (GeoTIFF)", "Disagreement (GeoTIFF)", "Not seen (GeoTIFF)", "Polygons (GeoJSON)",
        "Polygons (GeoPackage)", "Polygons (QGIS style)", "Cells (CSV)", "Cells (GeoPackage)",
    }  # fmt: skip
    assert any("What to know about this scene (2)" in one.label for one in at.expander)


def test_the_dial_and_the_layers_are_in_the_link(mapped, open_page):
    at = open_page(
        "predict", run=mapped.name, predict_share="50", predict_over="disagreement", predict_before="30",
        predict_layers="cells",
    )  # fmt: skip
    assert at.slider(key="predict_share").value == 50 and sent(at)["swipe"] == 30
    assert [one["kind"] for one in sent(at)["shapes"]] == ["box"] and sent(at)["scale"] == "0.5 disagreement"
    assert f"these {cells_for(cells_table(), 50)} cells" in at.markdown[0].value
    at.slider(key="predict_share").set_value(95).run()
    assert at.query_params["predict_share"] == "95" and not at.exception


def test_a_cell_tells_its_numbers(mapped, open_page):
    at = open_page("predict", run=mapped.name, predict_cell="1-2")
    table = at.dataframe[0].value.set_index("Number")["Value"]
    assert table["Rank"] == "2" and table["Expected landslide ground"] == "0.010 km²"
    assert table["Disagreement of the folds"] == "0.100"
    at.selectbox(key="predict_cell").select("3-3").run()
    table = at.dataframe[0].value.set_index("Number")["Value"]
    assert table["Decision"] == "none: not seen" and table["Not seen"] == "100%" and "Rank" not in table
    assert at.query_params["predict_cell"] == "3-3"


def test_a_scene_without_a_place_has_a_picture_and_no_cells(run, open_page):
    add_map(run, placed=False, before=False)
    at = open_page("predict", run=run.name)
    assert not at.exception and at.markdown[0].value.startswith("**500 pixels of 3,200 pixels are at the threshold")
    assert "does not say where it lies" in at.info[0].value.replace("\\", "")
    assert "predict_share" not in [one.key for one in at.slider]
    assert sent(at)["cells"]["name"] == [] and sent(at)["unit"] == "pixels" and sent(at)["before"] is None


def test_ground_without_landslides_is_said_so(run, open_page):
    cells = cells_table().assign(expected_km2=0.0, held=np.nan)
    add_map(run, cells=cells)
    at = open_page("predict", run=run.name)
    assert not at.exception
    assert "No landslide ground is expected in the 8 cells that were seen" in at.markdown[0].value


def test_earlier_scenes_are_one_choice_away(mapped, open_page):
    add_map(mapped, "older-2", made="2026-11-28T10:00:00+00:00", before=False)
    at = open_page("predict", run=mapped.name)
    box = at.selectbox(key="predict_scene")
    assert box.value == "after-1" and len(box.options) == 2
    at = open_page("predict", run=mapped.name, predict_scene="older-2")
    assert at.selectbox(key="predict_scene").value == "older-2" and not at.exception


def test_a_stated_share_moves_the_scale_of_the_picture(run, open_page):
    own = add_map(run)
    shown = {}
    for share in (None, 0.02):
        report = own.json("report.json")
        report["triage"]["share_of_landslides"] = share
        own.write_json("report.json", report)
        at = open_page("predict", run=run.name)
        assert not at.exception
        shown[share] = float(sent(at)["scale"].split()[0])
        assert ("as frequent as in training" in words(at)) == (share is None)
    assert shown[None] == 0.4 and shown[0.02] < 0.1


def test_other_cells_are_asked_for_without_answering_again(mapped, studio, open_page):
    from core.analyses.scene_map import folder

    studio.busy_lane(mapped.dataset_path())
    scene = mapped.results("scene").part("after-1")
    out = str(folder(mapped, "after-1").path / "probability.tif")
    scene.write_json("report.json", {"out": out})
    at = open_page("predict", run=mapped.name)
    at.number_input(key="predict_again_cell_m").set_value(400.0)
    at.button(key="FormSubmitter:predict_again_form-Draw again").click().run()
    assert not at.exception and not at.error
    (job,) = list_for(mapped, NAME)
    assert job.options()["reuse"] and job.options()["cell_m"] == 400 and job.options()["out"] == out


@pytest.mark.parametrize("name", ["picture.safetensors", "cells.parquet", "report.json"])
def test_a_damaged_file_of_a_map_is_a_sentence(mapped, open_page, name):
    (mapped.results(NAME).path / "after-1" / name).write_bytes(b"{")
    at = open_page("predict", run=mapped.name)
    assert not at.exception and name in at.error[0].value.replace("\\", "")


def test_a_click_chooses_cell_and_pixel_and_a_swipe_stays(mapped, open_page):
    at = open_page("predict", run=mapped.name)
    at = answer(at, "picked", {"row": 25, "col": 45, "cell": "2-3", "count": 1})
    assert not at.exception and at.selectbox(key="predict_cell").value == "2-3"
    assert at.query_params["predict_cell"] == "2-3"
    assert {"chosen", "box", "line"} == {one["kind"] for one in sent(at)["shapes"]}
    assert [one["kind"] for one in sent(at)["labels"]][-1] == "cross" and at.query_params["predict_spot"] == "r25 c45"
    at = at.run().run()
    assert [one["kind"] for one in sent(at)["labels"]][-1] == "cross"
    at = answer(at, "swiped", 62)
    assert sent(at)["swipe"] == 62 and at.query_params["predict_before"] == "62"
    for nonsense in ({"row": 99, "col": 1, "cell": "1-1"}, {"row": "x", "col": 1, "cell": "1-1"}, "3-3", None):
        at = answer(at, "picked", nonsense)
        assert not at.exception and at.selectbox(key="predict_cell").value == "2-3"


def test_a_scene_that_the_command_line_answered_gets_its_map_from_the_page(run, studio, open_page):
    studio.busy_lane(run.dataset_path())
    out = "/data/out/landslides.tif"
    job_of(run, "scene", {"scene": "/data/far.tif", "out": out, "stride": 8}, "succeeded", {"out": out})
    job_of(run, "scene", {"scene": "/data/bad.tif", "out": "/data/b.tif"}, "failed", error="No.")
    run.results("scene").part("far").write_json("report.json", {"out": out})
    at = open_page("predict", run=run.name)
    assert "far.tif" in words(at) and "answered without a map" in words(at) and "bad.tif" not in words(at)
    draw = next(one for one in at.button if one.label == "Draw its map")
    draw.click().run()
    assert not at.exception and "landslides.tif is not there any more" in at.error[0].value.replace("\\", "")
    add_map(run)
    at = open_page("predict", run=run.name)
    assert "far.tif" in words(at)


def test_a_failed_scene_speaks_as_the_page_does(run, open_page):
    job_of(run, NAME, {"scene": "/data/s.tif"}, "failed", error="The scene has no red. Add it with --also FILE.")
    at = open_page("predict", run=run.name)
    assert "Add it with “Further rasters”." in at.error[0].value.replace("\\", "")
