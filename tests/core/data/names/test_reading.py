"""Other people's names of bands: understood by sensor, by what stands beside them, or left as they are and told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.bands import bands_named, composites, subsets_of
from core.data.indices import possible
from core.data.names.reading import SENSORS, TABLE, _compact, canonical, read_alike, read_names
from core.errors import ConfigError


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("B2 B3 B4 B8", "blue green red nir"),
        ("B02 B03 B04 B08", "blue green red nir"),
        ("S2_B2 S2_B3", "blue green"),
        ("B8A B08 B11", "nir_narrow nir swir_1"),
        ("SR_B2 SR_B3 SR_B4 SR_B5 SR_B6 SR_B7", "blue green red nir swir_1 swir_2"),
        ("SR_B1 SR_B2 SR_B3 SR_B4 SR_B5 SR_B7", "blue green red nir swir_1 swir_2"),
        ("LC08_B4 LC08_B5", "red nir"),
        ("LT05_B3 LT05_B4", "red nir"),
        ("ST_B6 SR_B4", "thermal nir"),
        ("Blue,Green,Red,NIR", "blue green red nir"),
        (
            "Coastal Blue,Blue,Green I,Green,Yellow,Red,Red Edge,NIR",
            "coastal blue green_1 green yellow red red_edge nir",
        ),
        ("R G B N", "red green blue nir"),
        ("nir08 swir16 swir22", "nir swir_1 swir_2"),
        ("red_edge_1 RedEdge2 re3", "red_edge_1 red_edge_2 red_edge_3"),
        ("vv_dsc vh_dsc vv_asc", "desc_vv desc_vh asc_vv"),
        ("VV VH DEM slope", "vv vh dem slope"),
        ("post_VV pre_VV diff_VV", "vv vv_pre dvv"),
        ("B04_red 20200101T102021_B08", "red nir"),
        ("sur_refl_b01 sur_refl_b02", "red nir"),
        ("Near Infrared (B8),Red B4 665 nm", "nir red"),
    ],
)
def test_names_of_many_programs_are_understood(written, ours):
    names = written.split("," if "," in written else " ")
    reading = read_names(names)
    assert reading.names == tuple(ours.split()) and all(reading.understood)


@pytest.mark.parametrize("written", ["B1 B2 B3 B4", "Band 1,Band 2,Band 3", "A B C", "B4 red", "layer SCL", "red Red"])
def test_what_leaves_a_choice_keeps_its_names(written):
    names = tuple(written.split("," if "," in written else " "))
    assert read_names(names).names[0] == names[0]


def test_a_choice_by_custom_is_told_with_the_other_reading():
    note = read_names(["B4", "B3", "B2"]).note
    assert "taken as red, green, blue (Sentinel-2)" in note and "--sensor landsat-5" in note
    assert "keep their names" in read_names(["B1", "B2", "B3", "B4"]).note
    assert "0.0000275" in read_names(["SR_B4", "SR_B5"]).note and read_names(["red"]).note == ""


def test_a_sensor_the_names_wanted_and_other_files_decide():
    assert read_names(["B4", "B3", "B2"], "landsat-5").names == ("nir", "red", "green")
    assert read_names(["Band 1", "band_2"], "gaofen-2").names == ("blue", "green")
    assert read_names(["B4", "B3", "B2"], wanted=("nir", "red", "green")).sensor == "Landsat 4-7"
    files = [("red", "green", "blue"), ("B4", "B3", "B2"), ("nir", "red", "green")]
    assert read_alike(files[:2])[files[1]].names == ("red", "green", "blue")
    assert read_alike(files[1:])[files[1]].names == ("nir", "red", "green")
    assert "Landsat 4-7 has no such bands" in read_names(["B8A"], "landsat-5").note
    with pytest.raises(ConfigError, match="no sensor 'landsat-6'"):
        read_names(["B4"], "landsat-6")


def test_units_and_kinds_follow_the_names():
    reading = read_names(["B4", "B3", "B2", "B8", "VV", "Sigma0_VH", "slope", "DEM"])
    bands = bands_named(reading.names, reading.sensor, reading.units)
    assert [band.unit for band in bands] == ["DN"] * 4 + ["dB", "power", "degrees", "m"]
    subsets = subsets_of(bands)
    assert subsets["optical"] == ("red", "green", "blue", "nir") and subsets["sar"] == ("vv", "vh")
    assert subsets["terrain"] == ("slope", "dem") and "ndvi" in possible(bands)
    assert "True colour" in {composite.name for composite in composites(bands)}


def test_no_alias_stands_for_two_bands():
    seen = {}
    for name, words in TABLE["words"].items():
        for word in {_compact(word) for word in (name, *words)}:
            assert seen.setdefault(word, name) == name
    for one in SENSORS.values():
        assert all(code.split()[0] in one["bands"] for usual in one["usual"] for code in usual.split())


SENTINEL = SENSORS["sentinel-2"]["bands"]


@given(st.permutations(sorted(SENTINEL)), st.sampled_from(["{}", "S2_{}", "{}_10m", "s2a_{}_mean"]), st.booleans())
def test_the_order_and_the_writing_of_a_sensors_bands_do_not_matter(codes, form, zero):
    written = [f"B0{code[1:]}" if zero and len(code) == 2 else code for code in codes]
    assert read_names([form.format(code) for code in written]).names == tuple(SENTINEL[code] for code in codes)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6, unique=True))
def test_any_names_are_read_without_an_error_and_none_is_given_twice(names):
    reading = read_names(names)
    assert len(set(reading.names)) == len(names) == len(reading.understood)


def test_a_name_alone_is_read_as_on_a_card_of_weights():
    assert [canonical(name) for name in ("B8A", "b02", "VV", "Thing")] == ["nir_narrow", "blue", "vv", "thing"]
