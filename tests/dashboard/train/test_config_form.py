"""The form is the configuration: every setting by its real name, untouched it is the preset."""

from __future__ import annotations

import pytest

from core.config import PRESETS, RunConfig, preset
from core.config.preset_groups import GROUPS, group_of
from core.runs.store import list_runs
from dashboard.train import config_form
from tests.builders import make_tiny


def labels(at) -> set[str]:
    return {b.label for b in at.button}


def newest(studio):
    return list_runs(studio.checkpoints)[0]


@pytest.mark.parametrize("path", [path for group in config_form.GROUPS.values() for path in group])
def test_every_field_of_the_form_is_a_setting_with_a_description(path):
    field, value = config_form._look_up(RunConfig(), path)
    assert field.description
    assert RunConfig().with_overrides([f"{path}={value}"]) is not None


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_named_with_what_it_is_for(name):
    assert GROUPS[group_of(name)].presets[name] and preset(name).model.backbone


@pytest.mark.parametrize("name", ["demo", "small", "table2-smote", "uva-baseline-bce", "uva-finetune-20"])
def test_the_form_of_every_preset_is_drawn(studio, open_page, name):
    studio.add_dataset()
    at = open_page("train", train_for=group_of(name), train_preset=name)
    assert not at.exception and not at.error and "Start training" in labels(at)


def test_what_learns_and_how_patches_are_changed_is_chosen_in_the_form(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", train_view="new")
    at.selectbox(key="train_demo_train.trainable").set_value("layers")
    at.selectbox(key="train_demo_train.select").set_value("inner")
    at.selectbox(key="train_demo_train.class_weight").set_value("balanced")
    at.number_input(key="train_demo_train.patience").set_value(3)
    at.number_input(key="train_demo_augment.rotation").set_value(20.0)
    at.number_input(key="train_demo_augment.speckle_looks").set_value(4)
    at.button(key="train_start").click().run()
    assert not at.exception and not at.error
    config = newest(studio).config()
    assert (config.train.trainable, config.train.select, config.train.patience) == ("layers", "inner", 3)
    assert (config.train.class_weight, config.augment.rotation, config.augment.speckle_looks) == ("balanced", 20, 4)


def test_bands_indices_and_normalisation_are_chosen_in_the_form(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", train_view="new")
    assert {"optical (4 bands)", "sar_change (4 bands)", "nir - Near infrared"} <= set(
        at.multiselect(key="train_demo_data.bands").options
    )
    assert {"none", "auto", "stack20", "stack28"} <= set(at.selectbox(key="train_demo_model.indices").options)
    at.multiselect(key="train_demo_data.bands").set_value(["optical", "desc_vv"])
    at.selectbox(key="train_demo_model.indices").set_value("auto")
    at.selectbox(key="train_demo_normalise.method").set_value("robust_iqr")
    assert {"groups", "duplicates"} <= set(at.selectbox(key="train_demo_folds.group_by").options)
    at.selectbox(key="train_demo_folds.group_by").set_value("duplicates")
    at.selectbox(key="train_demo_folds.on_leak").set_value("refuse")
    at.button(key="train_start").click().run()
    assert not at.exception and not at.error
    config = newest(studio).config()
    assert config.data.bands == ("optical", "desc_vv") and config.model.indices == "auto"
    assert config.normalise.method == "robust_iqr"
    assert (config.folds.group_by, config.folds.on_leak) == ("duplicates", "refuse")


def test_settings_that_contradict_each_other_are_told_in_words(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", train_view="new")
    at.selectbox(key="train_demo_model.indices").set_value("auto")
    at.selectbox(key="train_demo_normalise.method").set_value("minmax")
    at.button(key="train_start").click().run()
    assert not at.exception and "scales every patch by itself" in at.error[0].value


def test_packaged_weights_are_offered_where_there_are_some(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", train_view="new")
    weights = "train_demo_model.pretrained"
    hub, packaged, random = "from the hub (downloaded)", "packaged (no download)", "random"
    assert at.selectbox(key=weights).options == [random, hub]
    at.selectbox(key="train_demo_model.backbone").set_value("tf_efficientnet_lite0").run()
    assert set(at.selectbox(key=weights).options) == {random, hub, packaged}
    at.selectbox(key=weights).set_value("packaged").run()
    assert any(
        "Initial weights **packaged (no download)** (random)" in caption.value.replace("\\", "")
        for caption in at.caption
    )
    at.button(key="train_start").click().run()
    assert not at.exception and not at.error
    assert newest(studio).config().model.pretrained == "packaged"


def test_packaged_weights_that_do_not_exist_are_refused_before_anything_is_queued(studio, open_page):
    studio.add_dataset()
    at = open_page("train")
    at.text_area(key="train_demo_overrides").set_value("model.pretrained=packaged")
    at.button(key="train_start").click().run()
    assert not at.exception and "no packaged weights for 'resnet18d'" in at.error[0].value.replace("\\", "")
    assert not list_runs(studio.checkpoints)


def test_an_untouched_form_is_the_preset(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", train_view="new")
    at.session_state["train_for"] = "work"
    at.run()
    at.button(key="train_start").click().run()
    assert newest(studio).config() == preset("transfer")


def test_a_setting_that_cannot_work_is_told_in_words(studio, open_page):
    studio.add_dataset()
    at = open_page("train")
    at.text_area(key="train_demo_overrides").set_value("train.epoch=3")
    at.button(key="train_start").click().run()
    assert not at.exception and "There is no setting" in at.error[0].value.replace("\\", "")


def test_what_differs_is_marked_kept_on_other_pages_and_reset(studio, open_page):
    studio.add_dataset()
    at = open_page("train")
    at.number_input(key="train_demo_train.epochs").set_value(3).run()
    at.multiselect(key="train_demo_data.bands").set_value(["optical"]).run()
    assert "changed" in at.number_input(key="train_demo_train.epochs").label
    assert any("2 settings differ from the preset demo" in c.value for c in at.caption)
    at.switch_page("../pages/dataset.py").run()
    at.switch_page("../pages/train.py").run()
    assert not at.exception and at.number_input(key="train_demo_train.epochs").value == 3
    assert at.multiselect(key="train_demo_data.bands").value == ["optical"]
    at.button(key="train_reset").click().run()
    assert not at.exception and at.number_input(key="train_demo_train.epochs_1").value == 10
    assert any("All settings are those of the preset demo" in c.value for c in at.caption)


def test_outlines_can_be_learnt_where_there_are_masks_and_a_decoder(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", train_view="new")
    at.toggle(key="train_demo_model.masks").set_value(True).run()
    assert any("masks needs a U-Net" in e.value.replace("\\", "") for e in at.error)
    at.selectbox(key="train_demo_model.backbone").set_value("unet_resnet18").run()
    assert not at.error and not at.exception
    at.button(key="train_start").click().run()
    assert not at.exception and newest(studio).config().model.masks


def test_without_masks_there_is_nothing_to_choose(studio, open_page):
    make_tiny(studio.checkpoints / "datasets" / "plain.h5")
    at = open_page("train")
    assert not at.exception and "train_demo_model.masks" not in [one.key for one in at.toggle]
