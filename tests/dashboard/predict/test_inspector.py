"""A place, a cell and its judgement: what is typed, what is shown, and what becomes of it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core.analyses.maps import judged as judged_patches
from core.analyses.maps.judged import subject_of
from core.analyses.scene_map import ANALYSIS
from core.jobs.analysis_folder import list_for
from core.progress import drain
from core.review.judgements import Judgements
from dashboard.predict import pixel
from dashboard.predict.judging import precision_words, progress_words
from tests.core.analyses.test_scene import scene_file
from tests.dashboard.predict.conftest import add_map, cells_table, job_of
from tests.dashboard.predict.test_scene import answer, buttons, sent, words

PATIENCE_S = 0.1  # drawing without a pause, the page takes the processor from the process that it waits for


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("r12 c7", {"row": 12, "col": 7}), ("row 12, column 7", {"row": 12, "col": 7}),
        ("42.7245, 142.0241", {"lat": 42.7245, "lon": 142.0241}), ("-42.5° 142°", {"lat": -42.5, "lon": 142.0}),
        ("95, 10", None), ("12", None), ("", None), ("r1", None), ("<b>", None),
    ],
)  # fmt: skip
def test_a_place_is_a_pixel_or_degrees(text, place):
    assert pixel.parsed(text) == place


def test_a_band_is_compared_with_training():
    row = {"value": 5.0, "trained_q05": 1.0, "trained_q95": 9.0}
    assert (
        pixel.compared(row, "value") == "within" and pixel.compared(row | {"value": 10.0}, "value") == "above training"
    )
    assert pixel.compared(row | {"value": 0.5}, "value") == "below training"
    assert pixel.compared(row | {"value": None}, "value") == "no data"
    assert pixel.compared(row | {"trained_q05": None}, "value") == "training not known"
    assert pixel.amount(-1234.5) == "−1,234" or pixel.amount(-1234.5) == "−1,235"


def test_what_is_no_place_is_said(mapped, open_page):
    at = open_page("predict", run=mapped.name, predict_cell="1-1", predict_section="pixel", predict_spot="somewhere")
    assert not at.exception and "is no place. Accepted: latitude, longitude" in at.warning[0].value
    at.text_input(key="predict_spot").set_value("").run()
    assert not at.warning and "Click a pixel" in words(at)


def test_a_map_whose_rasters_are_gone_says_so_in_every_section(mapped, open_page):
    for section in ("model", "pixel"):
        at = open_page(
            "predict", timeout=60, run=mapped.name, predict_cell="1-1", predict_section=section, predict_spot="r1 c1"
        )
        for _ in range(400):
            if at.error:
                break
            time.sleep(PATIENCE_S)
            at.run()
        assert not at.exception and "after.tif, which the map was made from" in at.error[0].value.replace("\\", "")


# -------------------------------------------------------------------------------------------------------- judging


def judge(at, verdict):
    return at.button(key=f"predict_judge_{verdict}").click().run()


def test_cells_are_judged_in_the_order_of_looking_and_taken_back(mapped, open_page):
    at = open_page("predict", run=mapped.name, predict_cell="1-1", predict_section="pixel")
    at.text_input(key="reviewer").set_value("Ada").run()
    at.text_area(key="predict_note").set_value("Fresh scar").run()
    at = judge(at, "landslide")
    assert not at.exception and at.selectbox(key="predict_cell").value == "1-2"
    at = judge(at, "not")
    at = judge(at, "unsure")
    store = Judgements(mapped.results("scene_map").path / "after-1")
    said = store.latest("cell", "Ada")
    assert [(e.subject, e.verdict, e.note) for e in said] == [
        ("200 m 1-1", "landslide", "Fresh scar"), ("200 m 1-2", "not", ""), ("200 m 1-3", "unsure", ""),
    ]  # fmt: skip
    assert "judged: 1 yes, 1 no, 1 unsure." in words(at) and "Of 2 cells with a clear answer, 50%" in words(at)
    assert [one["text"] for one in sent(at)["labels"] if one["kind"] == "mark"] == ["✓", "✗", "?"]
    at.button(key="predict_undo").click().run()
    assert at.selectbox(key="predict_cell").value == "1-3" and len(store.latest("cell")) == 2
    at = open_page("predict", run=mapped.name, predict_cell="1-1", predict_section="pixel")
    assert "Ada, " in words(at) and "landslide: Fresh scar" in words(at) and "Judgements (CSV)" in buttons(at)


def test_whoever_has_nothing_to_take_back_is_told(mapped, open_page):
    own = mapped.results("scene_map").part("after-1")
    Judgements(own.path).add("cell", subject_of(own.json("report.json"), "1-1"), "not", "Ada")
    at = open_page("predict", run=mapped.name, predict_cell="1-1", predict_section="pixel")
    at.text_input(key="reviewer").set_value("Ben").run()
    at.button(key="predict_undo").click().run()
    assert "no judgement to take back" in at.warning[0].value and len(Judgements(own.path).latest()) == 1


def test_a_damaged_review_is_a_sentence(mapped, open_page):
    (mapped.results("scene_map").path / "after-1" / "judgements.sqlite").write_bytes(b"no database at all")
    at = open_page("predict", run=mapped.name)
    assert not at.exception and "judgements.sqlite" in at.error[0].value.replace("\\", "")


def test_progress_counts_the_first_cells_and_precision_the_clear_ones():
    cells = cells_table()
    assert progress_words(cells, 3, {}) == "" and precision_words(cells, {"1-1": "unsure"}) == ""
    said = {"1-1": "landslide", "1-2": "not", "1-3": "unsure", "2-1": "landslide", "2-2": "disagree"}
    assert progress_words(cells, 3, said) == "3 of 3 judged: 1 yes, 1 no, 1 unsure; 2 more further down."
    text = precision_words(cells, said)
    assert text.startswith("Of 3 cells with a clear answer, 67% hold a landslide (95%: ")
    assert text.endswith("the map expects at least 77% of them.")  # (0.9 + 0.8 + 0.6) / 3


def test_judged_cells_become_a_dataset_by_a_job(mapped, studio, open_page):
    studio.busy_lane(mapped.dataset_path())
    own = mapped.results("scene_map").part("after-1")
    Judgements(own.path).add("cell", subject_of(own.json("report.json"), "1-1"), "not", "Ada")
    at = open_page("predict", run=mapped.name)
    assert at.text_input(key="predict_judged_name").value == "judged-after"
    at.button(key="predict_judged_go").click().run()
    assert not at.exception and not at.error
    (job,) = list_for(mapped, judged_patches.NAME)
    assert job.options() == {"map": "after-1", "name": "judged-after"}


def test_the_dataset_that_came_of_it_is_a_click_away(mapped, studio, open_page):
    own = mapped.results("scene_map").part("after-1")
    Judgements(own.path).add("cell", subject_of(own.json("report.json"), "1-1"), "not", "Ada")
    studio.add_dataset("judged-after")
    made = {"name": "judged-after", "message": "4 patches in it."}
    job_of(mapped, judged_patches.NAME, {"map": "after-1", "name": "judged-after"}, "succeeded", made)
    at = open_page("predict", run=mapped.name)
    assert "4 patches in it." in words(at) and at.text_input(key="predict_judged_name").value == "judged-after-2"
    at.button(key="predict_judged_to").click().run()
    assert not at.exception and at.title[0].value == "Dataset"


# --------------------------------------------------------------------------------------------- with real networks


@pytest.fixture
def answered(real_run, tmp_path):
    """A run whose networks were trained, and its map of a small scene."""
    pixels = np.random.default_rng(3).normal(100, 10, (3, 128, 128)).clip(1, 255).astype(np.uint8)
    asked = {"scene": str(scene_file(tmp_path / "after.tif", pixels)), "cell_m": 640}
    drain(ANALYSIS.start(real_run, asked), lambda step: None)
    return real_run


def until(at, shown):
    """Draw the page again until the warm process has answered."""
    for _ in range(600):
        assert not at.exception and not at.error, [one.value for one in at.error]
        if shown(at):
            return at
        time.sleep(PATIENCE_S)
        at.run()
    raise AssertionError(words(at))


def test_a_cell_shows_what_the_networks_see_and_a_pixel_its_values(answered, open_page):
    at = open_page("predict", timeout=60, run=answered.name, predict_cell="1-1")
    at = until(at, lambda at: "Highest window" in words(at))
    assert "Nearest training patches" in words(at) and "XGrad-CAM of fold 1" in words(at) or "Grad-CAM" in words(at)
    table = next(one.value for one in at.dataframe if "Band" in one.value)
    assert table["Band"].tolist() == ["red", "green", "blue"] and set(table["Compared"]) <= {
        "within", "above training", "below training",
    }  # fmt: skip
    at = answer(at, "picked", {"row": 30, "col": 31, "cell": "1-1", "count": 1})
    at = judge(at.run(), "landslide")
    assert "Write your name first" in at.warning[0].value
    at.text_input(key="reviewer").set_value("Ada").run()
    at = judge(at, "landslide")  # with the place that was clicked
    (said,) = Judgements(next(answered.results("scene_map").path.iterdir())).latest("cell")
    assert said.lonlat[0] == pytest.approx((said.box[0] + said.box[2]) / 2, abs=2e-4)
    at.selectbox(key="predict_cell").select("1-1").run()
    at = answer(at, "picked", {"row": 30, "col": 31, "cell": "1-1", "count": 2})
    at.button_group(key="predict_section").set_value("pixel").run()
    at = until(at, lambda at: "**Probability" in words(at))
    assert "row 30, column 31" in words(at) and at.text_input(key="predict_spot").value == "r30 c31"


@pytest.mark.slow
def test_cells_like_one_are_prepared_by_a_job_and_then_marked(answered, studio, open_page):
    at = open_page("predict", timeout=60, run=answered.name, predict_cell="1-1", predict_section="alike")
    at.button(key="predict_alike_go").click().run()
    assert studio.answered(answered, "scene_alike")["state"] == "succeeded"
    at = open_page("predict", timeout=60, run=answered.name, predict_cell="1-1", predict_section="alike")
    at = until(at, lambda at: "Most like cell 1-1" in words(at))
    assert [one["text"] for one in sent(at.run())["labels"] if one["kind"] == "like"] == ["A", "B", "C"]


def test_a_view_without_a_map_has_no_place_to_ask_about(run, open_page):
    add_map(run, placed=False, before=False)
    at = open_page("predict", run=run.name)
    assert not at.exception and "predict_cell" not in [one.key for one in at.selectbox]
    assert at.text_input(key="predict_spot").label == "Place"
