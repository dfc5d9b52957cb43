"""``core bands``: the table of names, and what the names of one file are taken for."""

from tests.command_line import core, core_error, core_json


def test_the_table_and_the_reading_of_a_file_are_shown():
    table = core_json("bands")
    rows = {(row["band"], row["sensor"]): row["written"] for row in table["aliases"]}
    assert rows["red", "sentinel-2"] == "B4" and rows["nir", "landsat-5"] == "B4" and "swir 16" in rows["swir_1", "any"]
    assert "Landsat 4-7 (--sensor landsat-5):" in core("bands").stdout
    value = core_json("bands", "B4", "B3", "vv_dsc", "slope")
    assert [(row["name"], row["unit"]) for row in value["bands"]] == [
        ("red", "DN"), ("green", "DN"), ("desc_vv", "dB"), ("slope", "degrees"),
    ]  # fmt: skip
    assert "--sensor landsat-5" in core("bands", "B4", "B3").stdout
    assert core_json("bands", "B4", "B3", "--sensor", "landsat-5")["bands"][0]["name"] == "nir"
    assert "no sensor 'x'" in core_error("bands", "B4", "--sensor", "x")
