"""Map: who has a place, inventories joined, shown and removed; what cannot be read ends in words."""

from __future__ import annotations

import pytest

from core.analyses.datasets.inventory_join import ANALYSIS
from core.data.inventories.join import join_path, read_join
from core.data.store import open_dataset

NAME = ANALYSIS.name


def opened(open_page, view: str):
    """The Dataset page at one of its views."""
    return open_page("dataset", dataset_view=view)


COOLR = (
    "event_id;event_date;landslide_size;landslide_trigger;location_accuracy;longitude;latitude\n"
    "1;08/01/2008 12:00:00 AM;large;rain;1km;10.001;46.0\n"
    "2;02/11/2009 12:00:00 AM;small;rain;25km;10.0301;46.02\n"
    "3;02/11/2009 12:00:00 AM;small;rain;exact;;46.02\n"
)


def test_without_coordinates_the_map_says_what_would_bring_them(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "map")
    assert not at.exception and at.header[0].value == "These patches have no coordinates"


@pytest.mark.parametrize("way", ["class", "split", "group"])
def test_the_map_counts_who_has_a_place(studio, open_page, way):
    studio.add_placed()
    at = opened(open_page, "map")
    at.session_state["map_colour"] = way
    at.run()
    assert not at.exception
    assert any("59 of 60 patches" in c.value for c in at.caption) and "59 of 60 patches" in at.markdown[0].value


def test_an_inventory_is_joined_shown_and_removed(studio, open_page, tmp_path):
    path = studio.add_placed()
    (tmp_path / "coolr.csv").write_text(COOLR)
    at = opened(open_page, "map")
    at.text_input(key="inventory_source").set_value(str(tmp_path / "coolr.csv"))
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    assert studio.answered(studio.dataset_target(path), NAME)["state"] == "succeeded"
    at.run()
    assert not at.exception and any("2 events read, 1 rows set aside" in c.value for c in at.caption)
    assert {m.label: m.value for m in at.metric}["With an event"] == "5"
    at.session_state["map_colour"] = "event"
    at.run()
    assert not at.exception and join_path(path).is_file()
    joined = next(d.value for d in at.dataframe if "Distance (km)" in d.value)
    assert joined["Patch"].tolist() == ["P000", "P001", "P018", "P019", "P020"]
    at.button(key="inventory_remove").click().run()
    assert not at.exception and not join_path(path).is_file()


def test_an_uploaded_inventory_is_read_and_gone(studio, open_page):
    path = studio.add_placed()
    at = opened(open_page, "map")
    at.file_uploader(key="inventory_upload").upload("coolr.csv", COOLR.encode(), "text/csv")
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    assert studio.answered(studio.dataset_target(path), NAME)["state"] == "succeeded"
    assert sorted(p.name for p in (studio.checkpoints / "datasets").iterdir()) == [
        ".analyses", ".jobs", "placed.h5", "placed.inventory-events.parquet", "placed.inventory.parquet",
    ]  # fmt: skip
    assert read_join(open_dataset(path)).card["inventories"] == ["coolr.csv"]


def test_an_inventory_without_places_ends_in_a_sentence(studio, open_page):
    path = studio.add_placed()
    at = opened(open_page, "map")
    at.file_uploader(key="inventory_upload").upload("labels.csv", b"ID,label\na,1\n", "text/csv")
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    studio.answered(studio.dataset_target(path), NAME)
    at.run()
    assert not at.exception and "no columns of latitude" in at.error[0].value.replace("\\", "")


def test_joining_nothing_is_refused_in_words(studio, open_page):
    studio.add_placed()
    at = opened(open_page, "map")
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    assert not at.exception and "Upload a CSV" in at.error[0].value


def test_a_damaged_join_is_told_of_and_can_be_removed(studio, open_page):
    path = studio.add_placed()
    join_path(path).write_bytes(b"nothing")
    at = opened(open_page, "map")
    assert not at.exception and "is damaged" in at.warning[0].value
    at.button(key="inventory_remove_damaged").click().run()
    assert not at.exception and not at.warning and not join_path(path).is_file()
