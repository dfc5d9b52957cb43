"""Review: the wrong ones first, filtered, paged, and each opens its card by its id in the URL."""

from __future__ import annotations

import pytest

from core.data.label_versions import Change, LabelVersion, labels_hash, versions_path, write_version
from core.data.store import open_dataset
from dashboard.patches import outcomes
from tests.dashboard import galleries


def tiles(at) -> list[str]:
    return galleries.shown(at, "errors")


def judged(run, head: str = "svm_c0.1"):
    return outcomes.judged(run.oof(), head, outcomes.thresholds_of(run.summary(), head))


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_only_wrong_patches_are_shown_at_first_the_surest_first(run, open_page):
    at = open_page("review")
    assert not at.exception and not at.error
    wrong = outcomes.chosen(judged(run), ["FP", "FN"])
    assert tiles(at) == wrong["id"].tolist()[:24]


def test_outcomes_folds_and_groups_filter(run, open_page):
    at = open_page("review")
    at.button_group(key="errors_outcome").set_value(["TP"]).run()
    at.button_group(key="errors_folds").set_value([1]).run()
    table = judged(run)
    right = table[(table["outcome"] == "TP") & (table["fold"] == 1)]
    assert sorted(tiles(at)) == sorted(right["id"])
    group = right["group"].iloc[0]
    at.selectbox(key="errors_column").select("group").run()
    at.selectbox(key="errors_value").select(group).run()
    assert sorted(tiles(at)) == sorted(right[right["group"] == group]["id"])
    assert not at.exception


def test_nothing_left_is_a_sentence(run, open_page):
    at = open_page("review")
    at.selectbox(key="errors_column").select("group").run()
    at.button_group(key="errors_outcome").set_value(["FN"]).run()
    table = judged(run)
    without = sorted(set(table["group"]) - set(table[table["outcome"] == "FN"]["group"]))[0]
    at.selectbox(key="errors_value").select(without).run()
    assert not at.exception and "No patches match these filters" in at.info[0].value


def test_a_page_that_no_longer_exists_becomes_the_last(run, open_page):
    at = open_page("review")
    at.session_state["errors_page"] = 99
    at.session_state["errors_size"] = 12
    at.run()
    wrong = outcomes.chosen(judged(run), ["FP", "FN"])
    assert not at.exception
    assert tiles(at) == outcomes.page_of(wrong, 99, 12)[0]["id"].tolist()


def test_a_click_opens_the_card_and_names_the_patch_in_the_url(run, open_page):
    at = open_page("review")
    patch = tiles(at)[0]
    galleries.click(at, "errors", patch)
    assert not at.exception and at.query_params["patch"] in (patch, [patch])
    assert at.selectbox(key="card_composite").value == "True colour"


def test_the_url_opens_the_same_card(run, open_page):
    at = open_page("review", run=run.name, patch="ID_0004", card_section="answers")
    assert not at.exception
    row = run.oof().set_index("id").loc["ID_0004"]
    assert any(m.value.startswith("# ") and "ID\\_0004" in m.value for m in at.markdown)
    verdict = next(m.value for m in at.markdown if m.value.startswith("Labelled **landslide**"))
    assert f"{row['prob_svm_c0.1']:.3f}" in verdict
    assert ("**Wrong.**" in verdict) == (row["pred_svm_c0.1"] != 1)
    assert any("which did not see this patch in training" in c.value for c in at.caption)
    at.button_group(key="card_section").set_value("record").run()
    facts = next(d.value for d in at.dataframe if "Fact" in d.value)
    assert dict(zip(facts["Fact"], facts["Value"], strict=True))["Fold"] == str(row["fold"] + 1)
    at.button_group(key="card_section").set_value("bands").run()
    bands = [c.value for c in at.caption if "(dB)" in c.value.replace("\\", "")]
    assert len(bands) == 8  # four of twelve bands are optical


def test_overlay_other_composites_and_baselines_are_drawn(run, open_page):
    at = open_page("review", run=run.name, patch="ID_0001", card_section="importance")  # its map is dead
    assert at.toggle(key="card_wrong_cam").value  # a false alarm shows it at first
    assert any(c.value.startswith("Dead map") for c in at.caption)
    at.selectbox(key="card_composite").select("Descending VV change").run()
    at.selectbox(key="card_occ_baseline").select("zero_raw").run()
    at.radio(key="card_stretch").set_value("patch").run()
    assert not at.exception


def test_an_unknown_patch_is_a_sentence(run, open_page):
    at = open_page("review", run=run.name, patch="<img src=x>")
    assert not at.exception and "There is no patch" in at.warning[0].value and "\\<img" in at.warning[0].value
    assert "patch" not in at.query_params


def test_without_maps_and_occlusion_the_card_still_opens(run, open_page):
    (run.path / "occlusion.parquet").unlink()
    (run.path / "cam" / "card.json").unlink()
    at = open_page("review", run=run.name, patch="ID_0004")
    assert not at.exception and not [t for t in at.toggle if t.key.startswith("card_") and t.key.endswith("_cam")]


def test_the_list_can_be_downloaded(run, open_page):
    assert "This list (CSV)" in [b.label for b in open_page("review").get("download_button")]


def test_the_card_decides_at_the_threshold_of_the_page(run, open_page):
    """A patch that the list calls missed at 0.99 must not be called found by its card."""
    oof = run.oof()
    patch = oof[(oof["label"] == 1) & (oof["pred_svm_c0.1"] == 1) & (oof["prob_svm_c0.1"] < 0.99)]["id"].iloc[0]
    at = open_page("review", run=run.name, patch=patch, errors_threshold="0.99", errors_outcome="FN")
    assert not at.exception and patch in tiles(at)
    assert any(m.value.startswith("# Missed landslide") for m in at.markdown)
    assert any("alarm from 0.990. **Wrong.**" in m.value for m in at.markdown)


def test_mistakes_show_mask_and_map_at_first_even_after_a_right_decision_did_not(run, open_page):
    table = judged(run)
    right, wrong = (table[table["outcome"].isin(some)]["id"].iloc[0] for some in (["TP"], ["FN", "FP"]))
    at = open_page("review", run=run.name, patch=right)
    assert not at.toggle(key="card_mask").value and not at.toggle(key="card_cam").value
    at.query_params["patch"] = wrong
    at.run()
    assert not at.exception and at.toggle(key="card_wrong_mask").value and at.toggle(key="card_wrong_cam").value


def test_a_card_shows_the_label_that_the_run_was_trained_with(run, open_page):
    """ID_0004 is a landslide in the file; the run's version of the labels says that it is none."""
    data = open_dataset(run.dataset_path())
    change = Change("ID_0004", 1, 0, "ana", "2026-01-01T00:00:00+00:00")
    made = LabelVersion(0, labels_hash(data.ids, data.labels), change.at, "ana", "a test", "agreed", (change,))
    version = write_version(data.path, made)
    oof = run.oof()
    run.write_oof(oof.assign(label=oof["label"].where(oof["id"] != "ID_0004", 0)))
    run.write_text("config.json", run.config().with_overrides([f"data.labels={version.name}"]).to_json())
    at = open_page("review", run=run.name, patch="ID_0004")
    assert not at.exception and any(m.value.startswith("Labelled **other**") for m in at.markdown)
    (versions_path(data.path) / f"{version.name}.json").unlink()
    at = open_page("review", run=run.name, patch="ID_0004")
    assert not at.exception and "of the labels of tiny.h5 is not there" in at.error[0].value.replace("\\", "")
