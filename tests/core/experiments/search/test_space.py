"""What a search varies: read from text, checked before anything waits, and back into a configuration."""

import pytest

from core.config import PRESETS, preset
from core.errors import ConfigError
from core.experiments.search.plan import lean
from core.experiments.search.space import setting_of, space_of, usual, with_settings

BASE = preset("demo")


def only(text):
    return space_of(BASE, [text]).parameters[0]


def test_ranges_and_choices_are_read_as_what_the_setting_takes():
    lr = only("train.lr=log:0.0001..0.01")
    assert (lr.kind, lr.low, lr.high, lr.log) == ("float", 1e-4, 1e-2, True)
    assert only("augment.mixup_alpha=0..1").kind == "float", "whole ends of a setting that takes fractions"
    assert only("train.epochs=2..8").kind == "int"
    assert only("smote.enabled=true,false").choices == ("true", "false")
    assert only("train.optimizer=adamw,sgd").choices == ('"adamw"', '"sgd"')
    assert only("train.ema_decay=none,0.9").choices == ("null", "0.9")


@pytest.mark.parametrize(
    "text, said",
    [
        ("train.pace=1,2", "There is no setting 'train.pace'"),
        ("train.lr", "is no setting to vary"),
        ("train.lr=0.1", "names no values to compare"),
        ("train.lr=a..b", "is no range"),
        ("train.lr=0.1..0.01", "the lower first"),
        ("train.lr=log:0..0.1", "the lower above 0"),
        ("train.lr=log:0.1..7", "cannot be searched. These settings cannot be used. train.lr"),
        ("train.lr=0..inf", "is no range"),
        ("smote.enabled=true,true", "names a value twice"),
        ("train.optimizer=adam,best", "cannot be searched"),
        ("seed=1,2", "the luckiest seed is no better setting"),
        ("folds.n_splits=2..5", "which patches are judged"),
        ("explain.min_map=2..5", "it changes no score"),
        ("train.select=last,fold_best", "lets a trial see what it is judged on"),
    ],
)
def test_what_cannot_be_searched_is_a_sentence(text, said):
    with pytest.raises(ConfigError) as caught:
        space_of(BASE, [text])
    assert said in str(caught.value)


def test_nothing_twice_and_not_nothing():
    with pytest.raises(ConfigError, match="needs something to vary"):
        space_of(BASE, [])
    with pytest.raises(ConfigError, match="varied twice"):
        space_of(BASE, ["train.lr=0.001,0.01", "train.lr=log:0.001..0.01"])


def test_a_trial_becomes_a_configuration_and_its_numbers_are_short():
    space = space_of(BASE, ["train.lr=log:0.0001..0.01", "train.epochs=2..8", "smote.enabled=true,false"])
    params = {"train.lr": 0.0012345678, "train.epochs": 3, "smote.enabled": "false"}
    config = space.config(params)
    assert (config.train.lr, config.train.epochs, config.smote.enabled) == (0.001235, 3, False)
    assert space.settings(params) == {"train.lr": 0.001235, "train.epochs": 3, "smote.enabled": False}
    assert with_settings(BASE, space.settings(params)) == config


def test_an_svm_is_searched_with_the_head_that_is_judged():
    config = space_of(BASE, ["heads.svm_C=log:0.03..3"]).config({"heads.svm_C": 0.25})
    assert config.heads.svm_C == (0.25,) and config.heads.head == "svm_c0.25"
    assert setting_of(BASE, "heads.svm_C") == 0.1, "of the head that is judged, not the first of the list"


def test_the_settings_as_they_are_are_a_place_in_the_space_or_not():
    assert space_of(BASE, ["train.lr=log:0.0001..0.01", "smote.enabled=true,false"]).here() == {
        "train.lr": 0.002, "smote.enabled": "true"
    }  # fmt: skip
    assert space_of(BASE, ["train.lr=log:0.0001..0.001"]).here() is None


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_something_usual_to_vary_around_itself(name):
    config = preset(name)
    space = space_of(config, usual(config))
    assert 1 <= len(space.parameters) <= 5 and space.here() is not None


def test_a_trial_trains_no_head_and_draws_no_map_that_nobody_judges():
    config = lean(BASE)
    assert config.heads.names == ("fc", "svm_c0.1") and not config.explain.enabled and config.embed.method == "pca"
    assert lean(BASE, ("heads.head",)).heads == BASE.heads, "the search chooses among the heads"
