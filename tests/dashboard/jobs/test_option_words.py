"""Messages name options as the page's fields do."""

import pytest

from core.analyses.registry import analyses
from core.analyses.scene_map import SceneMapOptions
from dashboard.jobs.option_words import in_words_of, of_analysis


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Add the raster (--also FILE), or name them (--bands a,b,c). --other stays.",
         "Add the raster (“Further rasters”), or name them (“Bands”). --other stays."),
        ("Say --nodata -9999, or --before-bands.", "Say “No-data value” -9999, or “Bands from before”."),
        ("State it with --unit reflectance.", "State it with “Unit” reflectance."),
        ("Without flags - and -- nothing changes.", "Without flags - and -- nothing changes."),
    ],
)  # fmt: skip
def test_flags_are_called_as_on_the_page(said, shown):
    assert in_words_of(said, SceneMapOptions) == shown
    assert of_analysis(said, "scene_map") == shown


def test_an_unknown_analysis_leaves_the_text_as_it_is():
    assert of_analysis("Say --bands.", "from_tomorrow") == "Say --bands."


def test_every_option_of_every_analysis_has_a_title_to_be_called_by():
    without = [
        f"{known.name}.{name}" for known in analyses().values() for name, field in known.Options.model_fields.items()
        if not field.title
    ]  # fmt: skip
    assert without == []
