"""What a backbone may be given by name, from the command line, ``config.json`` and ``model.json`` alike."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import RunConfig
from core.config.model_arguments import ALLOWED
from core.errors import ConfigError

DANGEROUS = (
    "checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay", "cache_dir", "features_only", "out_indices",
    "scriptable", "pretrained", "pretrained_strict", "in_chans", "num_classes", "device", "dtype", "block_args", "cfg",
    "hybrid_backbone",
)  # fmt: skip


@pytest.mark.fault(25)
@pytest.mark.parametrize("field", ["arguments", "sar_arguments"])
@pytest.mark.parametrize("name", DANGEROUS)
def test_what_reads_files_or_changes_what_comes_back_is_not_passed_on(name, field):
    settings = ["model.branches=optical_sar", f"model.{field}={json.dumps({name: 'x.pth'})}"]
    with pytest.raises(ConfigError, match=f"model.{field}.*'{name}' is not an argument that a backbone may be given"):
        RunConfig().with_overrides(settings)
    config = json.loads(RunConfig().to_json())
    config["model"] |= {"branches": "optical_sar", field: {name: 1}}
    with pytest.raises(ConfigError, match=name):
        RunConfig.from_json(json.dumps(config))


@pytest.mark.parametrize(
    "arguments",
    [
        {"channels": [8, 16, 24, 32]},
        {"depths": [1, 1, 2, 1], "num_heads": [1, 1, 2, 2], "embed_dim": 12},
        {"widths": [4, 8], "kernel": 5, "dense": 32},
        {"qkv_bias": False, "act_layer": "relu", "drop_path_rate": 0.1, "head_dim": None},
    ],
)
def test_widths_and_depths_are(arguments):
    assert RunConfig().with_overrides([f"model.arguments={json.dumps(arguments)}"]).model.arguments == arguments


@pytest.mark.parametrize(
    "value",
    [10**9, -5, 1e308, float("inf"), "../x", "relu; import os", True, {"a": 1}, [[[1]]], [1] * 1000, [None, {}]],
)
def test_a_value_is_a_number_of_that_size(value):
    text = json.dumps({"channels": value})
    with pytest.raises(ConfigError, match="channels"):
        RunConfig().with_overrides([f"model.arguments={text}"])


@settings(deadline=None)
@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists), max_size=3)
)
def test_no_other_name_is_ever_passed_on(arguments):
    try:
        config = RunConfig().with_overrides([f"model.arguments={json.dumps(arguments)}"])
    except ConfigError:
        return
    assert set(config.model.arguments) <= ALLOWED
