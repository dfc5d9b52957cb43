import pytest

from core.data.bands import (
    LANDSLIDE4SENSE_BANDS,
    RGB_BANDS,
    TO_REFLECTANCE,
    ZINDI_BANDS,
    Band,
    bands_named,
    choose_bands,
    composites,
    subsets_of,
)
from core.errors import ConfigError


def names(bands):
    return [band.name for band in bands]


def test_subsets_follow_the_records_of_the_bands():
    found = subsets_of(ZINDI_BANDS)
    assert found["optical"] == ("red", "green", "blue", "nir") and found["rgb"] == ("red", "green", "blue")
    assert found["sar_post"] == ("desc_vv", "desc_vh", "asc_vv", "asc_vh")
    assert found["sar_change"] == ("desc_dvv", "desc_dvh", "asc_dvv", "asc_dvh")
    assert found["descending"] == ("desc_vv", "desc_vh", "desc_dvv", "desc_dvh")
    assert found["ascending"] == ("asc_vv", "asc_vh", "asc_dvv", "asc_dvh")
    assert set(found["sar"]) == {*found["descending"], *found["ascending"]} and "terrain" not in found
    assert subsets_of(LANDSLIDE4SENSE_BANDS)["terrain"] == ("slope", "elevation")


def test_bands_are_chosen_in_the_order_asked_for_each_once():
    assert choose_bands(None, ZINDI_BANDS) == ZINDI_BANDS
    assert names(choose_bands(("nir", "red"), ZINDI_BANDS)) == ["nir", "red"]
    assert names(choose_bands(("asc_vv", "descending", "desc_vv"), ZINDI_BANDS))[:2] == ["asc_vv", "desc_vv"]
    assert len(choose_bands(("sar", "descending", "optical"), ZINDI_BANDS)) == 12


def test_a_band_comes_before_a_subset_of_its_name():
    odd = (Band("sar", "A band called sar"), *ZINDI_BANDS)
    assert names(choose_bands(("sar",), odd)) == ["sar"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (
            ("swir",),
            "'swir', which is neither a band nor a subset.*Bands here: red, .*Subsets here: optical",
        ),
        (("sar",), "'sar', which has no band of this dataset"),
        ((), "chooses no band"),
    ],
)
def test_what_cannot_be_chosen_is_told_with_what_can(wanted, reason):
    with pytest.raises(ConfigError, match=reason):
        choose_bands(wanted, RGB_BANDS)


def test_units_say_how_to_get_to_reflectance_and_which_cannot():
    assert TO_REFLECTANCE["DN"] * 10_000 == TO_REFLECTANCE["0-255"] * 255 == TO_REFLECTANCE["reflectance"] == 1
    assert LANDSLIDE4SENSE_BANDS[0].unit not in TO_REFLECTANCE and "dB" not in TO_REFLECTANCE


def test_landslide4sense_has_true_colour_at_3_2_1():
    assert names(LANDSLIDE4SENSE_BANDS[i] for i in (3, 2, 1)) == ["red", "green", "blue"]
    assert len(LANDSLIDE4SENSE_BANDS) == 14 and LANDSLIDE4SENSE_BANDS[9].name == "cirrus"


def test_composites_are_those_whose_bands_are_there_then_each_band():
    known = {composite.name: composite.bands for composite in composites(ZINDI_BANDS)}
    assert known["True colour"] == ("red", "green", "blue")
    assert known["SAR after, ascending (VV, VH, VV)"] == ("asc_vv", "asc_vh", "asc_vv")
    assert known["SAR change, descending (VV, VH, VV)"] == ("desc_dvv", "desc_dvh", "desc_dvv")
    assert not any("before" in name for name in known) and known["Descending VV change"] == ("desc_dvv",)
    assert [c.name for c in composites(RGB_BANDS)] == ["True colour", "Red", "Green", "Blue"]


def test_names_in_the_registry_bring_their_record_and_others_stay_bare():
    nir, slope, other = bands_named(["nir", "slope", "my_band"])
    assert (nir.unit, nir.modality, slope.modality) == ("DN", "optical", "terrain")
    assert other == Band("my_band", "my band") and other.modality == "other"
