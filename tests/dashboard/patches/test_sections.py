"""The parts of a patch's card: values by hand, and each part drawn on a page without an error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.config import RunConfig
from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band, bands_named
from dashboard.patches import card
from dashboard.patches.sections import answers, bands, moments
from tests.builders import TINY
from tests.trained_runs import QUICK, copied, train_tiny

FACTS = {"q01": 0.0, "q05": 10.0, "q25": 25.0, "q50": 50.0, "q75": 75.0, "q95": 90.0, "q99": 100.0}


# ------------------------------------------------------------------------------------------------------- bands


def test_a_histogram_shows_where_the_patch_lies_among_the_datasets_values():
    low = bands.histogram(np.full((4, 4), 10.0, np.float32), FACTS, width=96)
    high = bands.histogram(np.full((4, 4), 90.0, np.float32), FACTS, width=96)

    def median_at(picture):
        return np.flatnonzero((picture == 255).all(axis=(0, 2)))

    assert median_at(low).tolist() == [9, 10] and median_at(high).tolist() == [85, 86]
    assert (low[-1] == bands.DATASET).all(axis=1).sum() > 60  # the dataset's values reach over the whole axis


@pytest.mark.parametrize(
    ("values", "facts"),
    [(np.full((2, 2), np.nan), {}), (np.full((2, 2), np.nan), FACTS), (np.full((2, 2), 3.0), {}),
     (np.full((2, 2), 3.0), dict.fromkeys(FACTS, 3.0)), (np.array([[np.nan, 1e6]]), FACTS | {"q50": None})],
)  # fmt: skip
def test_any_band_has_a_histogram(values, facts):
    picture = bands.histogram(values, facts, width=60)
    assert picture.shape == (bands.STRIP_PX, 60, 3) and picture.dtype == np.uint8


def test_words_of_a_band_say_unit_median_and_whether_that_is_usual():
    band = Band("vv", "VV", unit="dB")
    assert "median −12.5" in bands.words(band, np.array([-13.0, -12.0, np.nan]), {"q05": -20, "q95": -5})
    assert "**low**" in bands.words(band, np.array([-30.0]), {"q05": -20, "q95": -5})
    assert "**high**" in bands.words(band, np.array([0.0]), {"q05": -20, "q95": -5})
    assert bands.words(band, np.array([np.nan]), FACTS).endswith("no data")


# ------------------------------------------------------------------------------------------- before and after


def test_sar_change_gives_what_was_before():
    found = moments.moments_of(ZINDI_BANDS)
    assert [one.title for one in found] == ["Descending VV", "Descending VH", "Ascending VV", "Ascending VH"]
    assert {one.unit for one in found} == {"dB"}
    image = np.zeros((12, 1, 2), np.float32)
    image[4], image[6] = [[-10, -12]], [[-3, 2]]  # after, after minus before
    before, after, change = moments.three(image, found[0])
    assert before.tolist() == [[-7, -14]] and after.tolist() == [[-10, -12]] and change.tolist() == [[-3, 2]]


def test_bands_of_two_dates_give_their_change_and_bands_of_one_date_nothing():
    assert moments.moments_of(RGB_BANDS) == []
    names = ["red", "green", "red_pre", "nir_change", "nir", "vv_pre", "vv"]
    found = {one.title: one for one in moments.moments_of(bands_named(names))}
    assert set(found) == {"Red", "Near infrared", "VV"}
    image = np.arange(7, dtype=np.float32)[:, None, None] ** 2
    assert [float(one[0, 0]) for one in moments.three(image, found["Red"])] == [4, 0, -4]
    assert [float(one[0, 0]) for one in moments.three(image, found["Near infrared"])] == [7, 16, 9]
    assert [float(one[0, 0]) for one in moments.three(image, found["VV"])] == [25, 36, 11]


def test_what_fell_is_blue_what_rose_is_orange_and_no_change_is_grey():
    (fell, still, rose, unknown) = moments.diverging(np.array([[-2.0, 0.0, 2.0, np.nan]]), reach=2.0, side=1)[0]
    assert fell[2] > fell[0] and rose[0] > rose[2] and int(still.max()) - int(still.min()) < 12
    assert unknown.tolist() == [128, 128, 128]
    assert moments.signed(-1.25) == "−1.25" and moments.signed(0.5) == "+0.50"


# ------------------------------------------------------------------------------------------------------ figures


def test_the_fold_that_has_not_seen_the_patch_is_framed():
    table = pd.DataFrame([[0.1, 0.9], [0.2, np.nan]], index=["fc", "svm_c1"])
    figure = answers.fold_grid(table, 1, "landslide")
    assert figure.layout.shapes[0].x0 == 0.5 and figure.layout.shapes[0].x1 == 1.5
    assert list(figure.data[0].x) == ["1", "2 ◂ held out"]


def test_losses_of_both_kinds_are_one_line_each():
    losses = pd.DataFrame(
        {"fold": [0, 0, 1, 1, 2], "epoch": [1, 2, 1, 2, 2], "held_out": [True, True, False, False, False],
         "loss": [1.0, 2.0, 3.0, 4.0, 6.0]}
    )  # fmt: skip
    held, trained = answers.loss_lines(losses).data
    assert held.y.tolist() == [1, 2] and trained.y.tolist() == [3, 5]


# ------------------------------------------------------------------------------------------------------ on a page


@pytest.fixture
def run(studio, trained_run):
    return copied(trained_run, studio.checkpoints)


def section(at) -> str:
    return at.button_group(key=card.SECTION).value


def drawn(open_page, run, patch, name):
    at = open_page("review", run=run.name, patch=patch, card_section=name)
    assert not at.exception and not at.error, [e.value for e in (*at.exception, *at.error)]
    assert section(at) == name
    return at


def wrong_patch(run) -> str:
    oof, head = run.oof(), run.summary()["head"]
    wrong = oof[oof["label"] != oof[f"pred_{head}"]]
    return str((wrong if len(wrong) else oof)["id"].iloc[0])


def test_every_part_is_drawn(run, open_page):
    patch = wrong_patch(run)
    told = {}
    for name in ("alike", "bands", "attention", "importance", "answers", "places", "record"):
        at = drawn(open_page, run, patch, name)
        told[name] = " ".join(part.value for part in (*at.markdown, *at.caption))
    assert "training patches share its label" in told["alike"]
    assert "median" in told["bands"] and "Usual: from the 5th" in told["bands"]
    assert "Alone, " in told["attention"] and "cells" in told["attention"]
    assert "changes most, by" in told["importance"]
    assert (
        "did not see this patch. The others have trained" in told["answers"] and "Loss over epochs" in told["answers"]
    )
    assert "On the projection" in told["places"]
    assert "All that was measured" in told["record"] and "Nobody has judged this patch yet" in told["record"]


def test_without_what_a_part_needs_it_is_not_offered_or_says_so(run, open_page):
    patch = wrong_patch(run)
    for fold in (0, 1):
        (run.fold_path(fold) / "embeddings.safetensors").unlink()
        (run.fold_path(fold) / "umap.safetensors").unlink()
        (run.fold_path(fold) / "epoch_answers.safetensors").unlink()
        (run.fold_path(fold) / "scores.safetensors").unlink()
    (run.path / "cam" / "card.json").unlink()
    at = open_page("review", run=run.name, patch=patch, card_section="attention")
    assert not at.exception and section(at) == "alike"
    assert any("kept no embeddings" in info.value for info in at.info)
    offered = at.button_group(key=card.SECTION).options
    assert not {"Attention", "Place"} & set(offered)
    at = open_page("review", run=run.name, patch=patch, card_section="answers")
    assert not at.exception and not any("Loss over epochs" in m.value for m in at.markdown)


@pytest.mark.slow
def test_an_optical_and_a_sar_branch_stand_side_by_side(studio, open_page):
    settings = (*TINY, *QUICK, "model.branches=optical_sar", "smote.enabled=false")
    run = train_tiny(studio.checkpoints, studio.add_dataset(), RunConfig().with_overrides(settings), "two")
    at = drawn(open_page, run, wrong_patch(run), "attention")
    said = " ".join(part.value for part in (*at.markdown, *at.caption))
    assert "**Optical branch**" in said and "**SAR branch**" in said
    assert "backbone\\.optical" in said and "backbone\\.sar" in said
    assert "in each branch" in said


def test_a_patch_is_shown_without_a_run(studio, open_page):
    studio.add_placed()
    at = open_page("dataset", patch="P003", card_section="places")
    assert not at.exception
    assert any("On the map" in m.value for m in at.markdown)
