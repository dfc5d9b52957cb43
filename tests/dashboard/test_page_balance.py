"""Balance: the lineage of a run, or a preview; synthetic patches are computed again exactly."""

from __future__ import annotations

import numpy as np
import pytest

from core.config import preset
from core.data.bands import composites
from core.data.store import open_dataset
from dashboard.balance import counts, pictures, triplets
from dashboard.patches import render


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
    table = counts.fold_counts(data, run.folds(), run.smote())
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
    table = counts.fold_counts(open_dataset(dataset), run.folds(), lineage)
    assert table["leaked"].tolist() == [1, 0, 0]


def test_the_synthetic_patch_is_the_weighted_sum_of_its_parents(studio):
    data = open_dataset(studio.add_dataset())
    anchor, neighbour = data.images([0]), data.images([4])
    made = pictures.blend(anchor, neighbour, np.array([0.3], np.float32))
    np.testing.assert_allclose(made, 0.3 * anchor + 0.7 * neighbour, rtol=1e-5)
    np.testing.assert_array_equal(pictures.blend(anchor, neighbour, np.array([1.0], np.float32)), anchor)


def test_a_triplet_is_drawn_on_one_scale(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row = run.smote().head(1)
    way = composites(data.bands)[-1]
    drawn = triplets.pictures(data, row, way, "dataset")[0]
    alone = render.picture(
        data.images(data.index_of(row["anchor"].tolist()))[0], data.band_names, way,
        render.dataset_limits(data.statistics),
    )  # fmt: skip
    assert len(drawn) == 4 and np.array_equal(drawn[0], alone)


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


REPORT = {
    "n_synthetic": 40, "n_leaking": 0, "max_error": 6e-7, "tolerance": 1e-6, "ok": True, "protocol": "inside_fold",
    "pixels": [{"same": True}], "own": {"f1": 0.71, "f1_interval": [0.6, 0.8], "n": 60}, "twin": None,
    "noise": {"f1": {"folds_over_all": 0.96, "before_folds": 0.83, "inside_fold": 0.03}, "n": 1400, "n_features": 128,
              "share_positive": 0.176, "n_syn": 5, "folds": 5, "seed": 0, "f1_all_positive": 0.299},
    "twin_difference": [],
}  # fmt: skip


def test_the_audit_is_offered_and_then_shown(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance", balance_view="audit")
    assert "Audit the synthetic patches" in [b.label for b in at.button]
    run.write_smote_audit(REPORT)
    at = open_page("balance", balance_view="audit")
    assert not at.exception and not at.error
    assert at.success[0].value.startswith("0 of 40 synthetic patches")
    assert any("0.710 [0.600, 0.800], n = 60" in m.value for m in at.markdown)
    assert "Train the twin (before_folds)" in [b.label for b in at.button]


def test_a_leak_is_an_error_and_a_twin_is_compared(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    row = {"head": "svm_c0.1", "metric": "f1", "leaking": 0.9, "honest": 0.7, "difference": 0.2, "lo": 0.1, "hi": 0.3}
    run.write_smote_audit(REPORT | {"ok": False, "n_leaking": 7, "twin": "other", "twin_difference": [row | {"n": 60}]})
    at = open_page("balance", balance_view="audit")
    assert not at.exception and at.error[0].value.startswith("7 of 40")
    assert any("paper's way 0.900, inside the fold 0.700" in c.value for c in at.caption)


def test_the_difference_is_dark_where_nothing_changed():
    limits = np.array([[0.0, 0.5, 1.0]])
    anchor = np.zeros((1, 8, 8))
    made = anchor.copy()
    made[0, :4] = 0.5
    rgb = triplets.difference(anchor, made, limits)
    assert rgb[-1].max() <= 4 and rgb[0].min() > 100
