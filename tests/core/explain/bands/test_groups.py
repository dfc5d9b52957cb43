"""Every set of bands is parted into a handful of groups, each band in one."""

import pytest

from core.data.bands import LANDSLIDE4SENSE_BANDS, RGB_BANDS, ZINDI_BANDS, Band, bands_named
from core.explain.bands.groups import MOST, band_groups

MARS = bands_named(["blue", "green", "red", "dem", "thermal_inertia", "slope", "grey"])


def test_zindis_bands_are_the_five_of_the_papers_question():
    groups = band_groups(ZINDI_BANDS)
    assert [(g.name, g.index) for g in groups] == [
        ("optical", (0, 1, 2, 3)),
        ("descending post", (4, 5)),
        ("descending change", (6, 7)),
        ("ascending post", (8, 9)),
        ("ascending change", (10, 11)),
    ]
    assert groups[2].bands == ("desc_dvv", "desc_dvh")
    assert [group.modality for group in groups] == ["optical"] + 4 * ["sar"]


@pytest.mark.parametrize(
    ("bands", "names"),
    [
        (RGB_BANDS, ["red", "green", "blue"]),
        (MARS, ["optical", "terrain", "other"]),
        (bands_named(["red", "green", "blue", "nir"]), ["red", "green", "blue", "nir"]),
        (
            LANDSLIDE4SENSE_BANDS,
            ["visible", "red edge", "near infrared", "water vapour and cirrus", "short-wave infrared", "terrain"],
        ),
        (bands_named(["asc_vv"]), ["asc_vv"]),
    ],
)
def test_other_sets_have_a_partition_too(bands, names):
    assert [group.name for group in band_groups(bands)] == names


def test_each_band_is_in_one_group_and_there_are_never_too_many():
    many = [Band(f"b{i}", f"B{i}") for i in range(30)]
    for bands in (ZINDI_BANDS, RGB_BANDS, MARS, LANDSLIDE4SENSE_BANDS, many):
        groups = band_groups(bands)
        assert sorted(i for group in groups for i in group.index) == list(range(len(bands)))
        assert len(groups) <= MOST
