import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import PRESETS, RunConfig, packaged_weights, preset, svm_name
from core.config.packaged_weights import PackagedWeights
from core.config.preset_groups import FEW, GROUPS, LITE0, group_of, sensible
from core.config.presets import SOURCES
from core.errors import ConfigError


def test_the_defaults_are_paper_as_recipe():
    config = RunConfig()
    assert (config.train.epochs, config.train.batch_size, config.train.lr) == (50, 36, 3e-4)
    assert (config.train.optimizer, config.train.schedule, config.folds.n_splits) == ("adam", "cosine", 5)
    assert config.model.backbone.startswith("tf_efficientnetv2_l")
    assert (
        config.heads.names == ("fc", "svm_c1", "svm_c0.75", "svm_c0.5", "svm_c0.1", "lgbm", "logreg")
        and config.heads.head == "svm_c0.1"
    )
    assert config.smote.protocol == "inside_fold" and config.smote.clip == (0.1, 0.9)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_is_complete_and_survives_json(name):
    config = preset(name)
    again = RunConfig.from_json(config.to_json())
    assert again == config and again.hash() == config.hash() and config.preset == name
    assert set(json.loads(config.to_json())) == set(RunConfig.model_fields)


def test_overrides_reach_one_setting_and_leave_the_original():
    config = RunConfig()
    changed = config.with_overrides(
        ["train.epochs=3", "model.weights=none", 'data.bands=["red","nir"]', "smote.enabled=false", "seed = 7"]
    )
    assert (changed.train.epochs, changed.seed, changed.smote.enabled) == (3, 7, False)
    assert changed.data.bands == ("red", "nir") and changed.model.weights is None
    assert config.train.epochs == 50
    assert changed.model.backbone == config.model.backbone


def test_one_name_or_names_with_commas_are_a_list():
    config = RunConfig().with_overrides(["data.bands=optical", "data.exclude=a, b", "model.indices=ndvi,evi2"])
    assert config.data.bands == ("optical",) and config.data.exclude == ("a", "b")
    assert config.model.indices == ("ndvi", "evi2")
    for indices in ("auto", "stack20"):
        assert RunConfig().with_overrides([f"model.indices={indices}"]).model.indices == indices
    assert RunConfig().with_overrides(["model.indices=none", "data.bands=none"]).data.bands is None


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("model.indices=stack21", "'auto', 'stack12', 'stack20' or 'stack28'"),
        ("normalise.method=log", "'standard', 'robust', 'robust_iqr', 'model' or 'minmax'"),
        ("data.max_cloud=-1", "data.max_cloud: "),
        ("train.epochs", "Write section.key=value"),
        ("train.epoch=3", "no setting 'train.epoch'. Known here: .*epochs"),
        ("trains.epochs=3", "no setting 'trains.epochs'"),
        ("train=3", "no setting 'train'"),
        ("train.epochs.x=3", "no setting"),
        ("train.epochs=0", "train.epochs: "),
        ("train.epochs=many", "train.epochs: "),
        ("train.optimizer=lion", "train.optimizer: .*'adam', 'adamw', 'sgd'"),
        ("train.patience=3", "train.select=inner"),
        ("train.judge_steps=3", "train.select=inner"),
        ("smote.clip=[0.9,0.1]", "lower bound first"),
        ("heads.head=svm_c7", "svm_c7.*fc, svm_c1"),
        ("folds.n_splits=1", "folds: cross-validation needs 2 folds or more"),
        ("folds.n_splits=0", "folds.n_splits: "),
        ("seed=-1", "seed: "),
    ],
)
def test_settings_that_cannot_work_are_named(item, reason):
    with pytest.raises(ConfigError, match=reason):
        RunConfig().with_overrides([item])


def test_unknown_presets_and_foreign_json_are_told():
    with pytest.raises(ConfigError, match="no preset 'huge'. Known: board2-optical, .*columns, demo"):
        preset("huge")
    for text in ("", "[]", '{"train": {"epochs": "x"}}', '{"unknown": 1}'):
        with pytest.raises(ConfigError, match="cannot be used"):
            RunConfig.from_json(text)


def test_equal_settings_have_equal_hashes_and_others_others():
    assert RunConfig().hash() == RunConfig.from_json("{}").hash()
    assert RunConfig().hash() != RunConfig().with_overrides(["train.lr=0.0004"]).hash()
    assert RunConfig().with_overrides(["seed=0"]).hash() == RunConfig().hash()


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().train.epochs = 3


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_override_is_taken_or_refused_in_words(key, value):
    try:
        RunConfig().with_overrides([f"{key}={value}"])
    except ConfigError as error:
        assert str(error)


@pytest.mark.parametrize(("C", "name"), [(1.0, "svm_c1"), (0.75, "svm_c0.75"), (0.1, "svm_c0.1"), (10, "svm_c10")])
def test_svm_heads_are_named_after_c(C, name):
    assert svm_name(C) == name


def test_the_presets_of_the_papers_are_what_their_tables_print():
    rows = [name for name in PRESETS if name.startswith("table2-")]
    assert len(rows) == 8 and set(SOURCES) == set(PRESETS) and all(SOURCES.values())
    for name in rows:
        config = preset(name)
        recipe = (config.train.epochs, config.train.batch_size, config.train.lr, config.train.optimizer)
        assert recipe == (50, 36, 3e-4, "adam") and config.folds.n_splits == 5 and config.train.loss == "kl"
        assert config.model.image_size == (384 if "384" in name else 256)
        assert config.smote.enabled is (name == "table2-smote")
        assert (config.augment.cutmix_alpha > 0) is (name not in ("table2-baseline", "table2-384-mixup"))
    for n in (10, 15, 20, 40):
        config = preset(f"uva-finetune-{n}")
        assert (config.train.trainable, config.train.top_layers, config.train.epochs) == ("layers", n, 15)
        assert config.train.batch_norm == "auto" and config.train.lr == 1e-3
    deeper, best = preset("uva-efficientnetb4"), preset("uva-finetune-15")
    assert deeper.model.backbone == "tf_efficientnet_b4.aa_in1k" and "IV.9" in SOURCES["uva-efficientnetb4"]
    assert deeper.train == best.train and deeper.augment == best.augment


def test_rows_of_paper_a_follow_its_algorithms():
    """Algorithm 2 draws two corners; the F1 is computed every three iterations."""
    for name in (name for name in PRESETS if name.startswith("table2-")):
        config = preset(name)
        assert config.train.judge_steps == 3 and config.train.select == "fold_best", name
        assert config.augment.cutmix_alpha == 0 or config.augment.cutmix_box == "corners", name


def test_the_presets_after_the_boards_second_place_are_what_is_known_of_it():
    for name in GROUPS["board"].presets:
        config = preset(name)
        assert (config.model.image_size, config.train.epochs, config.train.loss) == (256, 20, "bce_f1")
        assert not config.smote.enabled and config.augment.flips and config.augment.quarter_turns
        assert config.augment.mixup_alpha == config.augment.cutmix_alpha == 0
        assert config.heads.threshold == "best_f1" and config.heads.full
        assert "post" not in "".join(config.data.bands), "the differences of SAR alone"
    assert preset("board2-three").model.branches == "optical_sar_indices" and preset("board2-three").model.indices


def test_every_preset_is_in_one_group_and_says_what_it_does():
    grouped = [name for group in GROUPS.values() for name in group.presets]
    assert sorted(grouped) == sorted(PRESETS)
    texts = [text for group in GROUPS.values() for text in group.presets.values()]
    assert len(set(texts)) == len(PRESETS) and all(group.purpose.endswith(".") for group in GROUPS.values())
    assert group_of("table2-smote") == "paper_a" and group_of("demo") == "try"


def test_the_preset_offered_first_fits_the_dataset():
    assert sensible(2800, simulated=False) == "transfer"
    assert sensible(1200, simulated=True) == sensible(FEW - 1, simulated=False) == "demo"


def test_without_the_package_the_preset_that_needs_no_weights_is_offered(monkeypatch):
    monkeypatch.setattr(PackagedWeights, "path", lambda self: None)
    assert sensible(2800, simulated=False) == "small"


def test_the_preset_transfer_opens_packaged_weights_in_three_phases():
    config = preset("transfer")
    assert packaged_weights.asked_for(config.model) == (LITE0,)
    train = config.train
    assert 0 < train.head_epochs < train.head_epochs + train.top_epochs < train.epochs and train.trainable == "all"
    assert train.layer_decay < 1 and train.frozen_views and config.heads.blend
