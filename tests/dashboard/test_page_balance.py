"""Balance: the lineage of a run, or a preview; synthetic patches are computed again exactly."""

from __future__ import annotations

import numpy as np
import pytest

from core.config import preset
from core.data.bands import composites
from core.data.store import open_dataset
from dashboard import balance_view, patch_view


@pytest.mark.parametrize("state", [None, "queued", "running", "failed", "succeeded"])
def test_every_state_is_drawn(studio, open_page, state):
    dataset = studio.add_dataset()
    if state:
        studio.add_run(dataset, state)
    at = open_page("balance")
    assert not at.exception and not at.error and at.title[0].value == "Balance"


def test_without_a_dataset_the_next_step_is_a_button(studio, open_page):
    at = open_page("balance")
    assert not at.exception and "Make the demo dataset" in [b.label for b in at.button]


def test_counts_tell_training_parts_before_and_after(studio):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    data = open_dataset(dataset)
    table = balance_view.fold_counts(data, run.folds(), run.smote())
    assert table["fold"].tolist() == [0, 1, 2]
    for row in table.itertuples():
        mine = set(run.folds()["folds"][row.fold])
        train = np.array([name not in mine for name in data.ids])
        assert row.landslide == (data.labels[train] == 1).sum() and row.other == (data.labels[train] == 0).sum()
        assert row.synthetic == (run.smote()["fold"] == row.fold).sum()
    assert (table["leaked"] == 0).all() and (table["after"] > table["before"]).all()


def test_a_parent_in_the_validation_part_is_counted_as_leaking(studio):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    lineage = run.smote()
    of_fold = lineage.index[lineage["fold"] == 0][0]
    lineage.loc[of_fold, "neighbour"] = run.folds()["folds"][0][0]
    table = balance_view.fold_counts(open_dataset(dataset), run.folds(), lineage)
    assert table["leaked"].tolist() == [1, 0, 0]


def test_the_synthetic_patch_is_the_weighted_sum_of_its_parents(studio):
    data = open_dataset(studio.add_dataset())
    anchor, neighbour = data.images([0]), data.images([4])
    made = balance_view.blend(anchor, neighbour, np.array([0.3], np.float32))
    np.testing.assert_allclose(made, 0.3 * anchor + 0.7 * neighbour, rtol=1e-5)
    np.testing.assert_array_equal(balance_view.blend(anchor, neighbour, np.array([1.0], np.float32)), anchor)


def test_a_triplet_is_drawn_on_one_scale(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row = run.smote().head(1)
    way = composites(data.bands)[-1]
    drawn = balance_view.pictures(data, row, way, "dataset")[0]
    alone = patch_view.picture(
        data.images(data.index_of(row["anchor"].tolist()))[0], data.band_names, way,
        patch_view.dataset_limits(data.statistics),
    )  # fmt: skip
    assert len(drawn) == 3 and np.array_equal(drawn[0], alone)


def test_the_leaking_protocol_is_a_warning(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    run.write_text("config.json", run.config().with_overrides(["smote.protocol=before_folds"]).to_json())
    at = open_page("balance")
    assert not at.exception and any("inflated" in w.value for w in at.warning)


def test_order_fold_and_composite_can_be_chosen(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("balance")
    at.selectbox(key="balance_order").select("Lowest anchor weight first")
    at.selectbox(key="balance_composite").select_index(5)
    at.session_state["balance_fold"] = 2
    at.run()
    assert not at.exception and not at.error


def test_a_preview_is_called_one_and_made_on_the_spot(studio, open_page):
    studio.add_dataset()
    at = open_page("balance", timeout=120)
    assert "preview" in at.markdown[1].value
    at.button(key="balance_preview").click().run()
    assert not at.exception and not at.error
    assert any(c.value.startswith("15 synthetic patches") for c in at.caption)


def test_a_run_without_smote_says_so_and_offers_the_preview(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    run.write_text("config.json", preset("demo").with_overrides(["smote.enabled=false"]).to_json())
    at = open_page("balance")
    assert not at.exception and "without SSIM-SMOTE" in at.info[0].value
