"""The one command that trains a run again gives the very same configuration."""

import shlex

import pytest

from core.config import PRESETS, RunConfig, preset
from core.report.recipe import command_of, overrides_of

CHANGED = (
    "seed=7", "train.epochs=3", "heads.svm_C=[10,0.5]", "model.arguments={}", "data.bands=red,nir", "folds.seed=42",
    "model.indices=[]", "smote.enabled=false",
)  # fmt: skip


def of_command(text):
    """The configuration that the command line makes of it, as ``core.commands.train`` does."""
    words = shlex.split(text.replace("\\\n", " "))
    assert words[:4] == ["python", "-m", "core", "train"] and words[5] == "--preset"
    settings = [words[k + 1] for k, word in enumerate(words) if word == "--set"]
    return words[4], preset(words[6]).with_overrides(settings)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_own_command(name):
    dataset, config = of_command(command_of(preset(name), "a set.h5"))
    assert dataset == "a set.h5" and config.hash() == preset(name).hash()
    assert overrides_of(preset(name)) == (name, [])


@pytest.mark.parametrize("config", [
    preset("small").with_overrides(CHANGED),
    RunConfig().with_overrides(["train.epochs=2"]),
    RunConfig(preset="of another version"),
    preset("demo").with_overrides(["model.backbone=mobilenetv4_conv_small", "model.arguments={}"]),
])  # fmt: skip
def test_the_command_gives_the_same_hash(config):
    _, again = of_command(command_of(config, "d.h5"))
    assert again.hash() == config.hash() and again == config


def test_a_shell_reads_every_word_as_one():
    config = preset("small").with_overrides(['folds.group_by="it\'s; rm -rf $HOME `x`"'])
    text = command_of(config, "$(x).h5")
    assert of_command(text)[1].hash() == config.hash() and of_command(text)[0] == "$(x).h5"
