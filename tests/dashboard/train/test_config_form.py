"""The form knows every setting by its real name."""

from __future__ import annotations

import pytest

from core.config import PRESETS, RunConfig, preset
from dashboard.train import config_form


@pytest.mark.parametrize("path", [path for group in config_form.GROUPS.values() for path in group])
def test_every_field_of_the_form_is_a_setting_with_a_description(path):
    field, value = config_form._look_up(RunConfig(), path)
    assert field.description
    assert RunConfig().with_overrides([f"{path}={value}"]) is not None


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_named_with_what_it_is_for(name):
    assert config_form.preset_title(name).startswith(name)
    assert preset(name).model.backbone
