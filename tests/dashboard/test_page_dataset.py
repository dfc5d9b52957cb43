"""Dataset: facts, patches, check and import, with and without something to show."""

from __future__ import annotations

import re
import time

import numpy as np
import pandas as pd
import pytest

from core.data.exclusions import read_exclusions
from core.data.inventory_join import join_path
from core.data.store import open_dataset
from core.runs.store import list_runs
from dashboard import data_facts, data_xray, tasks


def opened(open_page, view: str):
    at = open_page("dataset")
    at.session_state["dataset_view"] = view
    return at.run()


def test_without_a_dataset_demo_and_import_are_offered(studio, open_page):
    at = open_page("dataset")
    assert not at.exception and at.title[0].value == "Dataset"
    assert {"Make the demo dataset", "Import"} <= {b.label for b in at.button}


@pytest.mark.parametrize("view", ["Facts", "Patches", "Bands", "Map", "Check", "X-ray", "Import"])
def test_every_view_is_drawn(studio, open_page, view):
    studio.add_dataset()
    at = opened(open_page, view)
    assert not at.exception and not at.error


@pytest.mark.parametrize("view", ["Facts", "Patches", "Bands", "Map", "X-ray"])
def test_names_that_try_to_be_markup_are_shown_as_written(studio, open_page, view):
    studio.add_hostile()
    at = opened(open_page, view)
    assert not at.exception
    for element in (*at.caption, *at.markdown, *at.warning, *at.info, *at.success):
        assert not re.search(r"(?<!\\)(<img|\]\(javascript|!\[o)", element.value), element.value


def test_facts_name_bands_with_units_and_the_positive_class(studio, open_page):
    studio.add_dataset()
    at = open_page("dataset")
    assert {m.label: m.value for m in at.metric}["landslide"] == "15"
    bands = next(d.value for d in at.dataframe if "Sensor" in d.value)
    assert bands["Unit"].tolist() == ["DN"] * 4 + ["dB"] * 8 and set(bands["Orbit"]) == {"", "ascending", "descending"}


def test_balance_by_part_adds_up_and_can_be_changed(studio, open_page):
    studio.add_placed()
    at = open_page("dataset")
    at.selectbox(key="dataset_part").select("sensor").run()
    table = next(d.value for d in at.dataframe if "sensor" in d.value)
    assert not at.exception and table["patches"].sum() == 60 and table["positive"].sum() == 15
    assert any("95 % interval (Wilson)" in c.value for c in at.caption)


def test_classes_stand_side_by_side_in_the_same_stretch_and_can_be_drawn_anew(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Bands")

    def drawn():
        return [b.label.replace("\\", "") for b in at.button if "bands" in str(b.key) and "open" in str(b.key)]

    first = drawn()
    assert len(first) == 12 and any("6 of 15 drawn" in m.value for m in at.markdown)
    at.number_input(key="bands_seed").set_value(1).run()
    assert not at.exception and len(drawn()) == 12 and drawn() != first


@pytest.mark.parametrize(
    "way", ["SAR before (descending VV, VH, ascending VV)", "True colour", "Descending VV change", "NDVI"]
)
def test_bands_are_shown_in_every_way(studio, open_page, way):
    studio.add_dataset()
    at = opened(open_page, "Bands")
    at.selectbox(key="bands_look_composite").select(way).run()
    assert not at.exception and not at.error


def test_a_band_before_the_event_has_a_histogram_too(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Bands")
    at.selectbox(key="dataset_band").select("asc_vh_pre").run()
    assert not at.exception and any("highest 2 %" in c.value for c in at.caption)


def test_the_gallery_shows_only_the_class_asked_for(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Patches")
    at.session_state["dataset_class"] = 1
    at.run()
    assert not at.exception
    assert any(c.value.startswith("15 of 60 patches") for c in at.caption)


def test_an_id_that_is_nowhere_gives_a_sentence(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Patches")
    at.text_input(key="dataset_id").set_value("nowhere").run()
    assert not at.exception and "No patch is like that" in at.info[0].value


def test_paging_shows_other_patches(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Patches")
    at.session_state["dataset_page"] = 3
    at.run()
    assert not at.exception and any("page 3 of 3" in c.value for c in at.caption)


def test_fewer_patches_than_the_page_chosen_before_are_still_shown(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Patches")
    at.selectbox(key="dataset_size").select(12).run()
    at.session_state["dataset_page"] = 5
    at.run()
    assert any("page 5 of 5" in c.value for c in at.caption)
    at.session_state["dataset_class"] = 1
    at.run()
    assert not at.exception and any("page 2 of 2" in c.value for c in at.caption)


def test_labels_can_be_downloaded_whole(studio):
    data = open_dataset(studio.add_dataset())
    table = data_facts.label_table(data)
    assert table["id"].tolist() == data.ids.tolist()
    assert (table["class"] == np.where(table["label"] == 1, "landslide", "other")).all()


def test_an_import_without_a_folder_is_refused_in_words(studio, open_page):
    at = open_page("dataset")
    at.button(key="import_go").click().run()
    assert not at.exception and "Write the path" in at.error[0].value


def test_an_import_of_a_folder_that_is_not_there_is_refused_in_words(studio, open_page):
    at = open_page("dataset")
    at.text_input(key="import_source").set_value("/no/such/folder")
    at.button(key="import_go").click().run()
    assert not at.exception and "There is no folder" in at.error[0].value.replace("\\", "")


# ------------------------------------------------------------------------------------------- map and inventories

COOLR = (
    "event_id;event_date;landslide_size;landslide_trigger;location_accuracy;longitude;latitude\n"
    "1;08/01/2008 12:00:00 AM;large;rain;1km;10.001;46.0\n"
    "2;02/11/2009 12:00:00 AM;small;rain;25km;10.0301;46.02\n"
    "3;02/11/2009 12:00:00 AM;small;rain;exact;;46.02\n"
)


def finished(studio, start: str) -> tasks.Task:
    """The newest task whose kind begins with ``start``, when it has ended."""
    for _ in range(600):
        for kind, task in tasks._registry(str(studio.checkpoints.resolve())).items():
            if kind.startswith(start) and not task.running:
                return task
        time.sleep(0.05)
    raise AssertionError(f"No task {start} has ended.")


def test_without_coordinates_the_map_says_what_would_bring_them(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "Map")
    assert not at.exception and at.subheader[0].value == "These patches have no coordinates"


@pytest.mark.parametrize("way", ["class", "split", "group"])
def test_the_map_counts_who_has_a_place(studio, open_page, way):
    studio.add_placed()
    at = opened(open_page, "Map")
    at.session_state["map_colour"] = way
    at.run()
    assert not at.exception
    assert any("59 of 60 patches" in c.value and "without any network call" in c.value for c in at.caption)


def test_an_inventory_is_joined_shown_and_removed(studio, open_page, tmp_path):
    path = studio.add_placed()
    (tmp_path / "coolr.csv").write_text(COOLR)
    at = opened(open_page, "Map")
    at.text_input(key="inventory_source").set_value(str(tmp_path / "coolr.csv"))
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    assert not finished(studio, "inventory").error
    at.run()
    assert not at.exception and "2 events read, 1 rows set aside" in at.success[0].value
    assert {m.label: m.value for m in at.metric}["With an event"] == "5"
    at.session_state["map_colour"] = "event"
    at.run()
    assert not at.exception and join_path(path).is_file()
    joined = next(d.value for d in at.dataframe if "Distance (km)" in d.value)
    assert joined["Patch"].tolist() == ["P000", "P001", "P018", "P019", "P020"]
    at.button(key="inventory_remove").click().run()
    assert not at.exception and not join_path(path).is_file()


def test_an_uploaded_inventory_is_read_and_gone(studio, open_page):
    studio.add_placed()
    at = opened(open_page, "Map")
    at.file_uploader(key="inventory_upload").upload("coolr.csv", COOLR.encode(), "text/csv")
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    assert not finished(studio, "inventory").error
    assert sorted(p.name for p in (studio.checkpoints / "datasets").iterdir()) == [
        "placed.h5", "placed.inventory-events.parquet", "placed.inventory.parquet",
    ]  # fmt: skip


def test_an_inventory_without_places_ends_in_a_sentence(studio, open_page):
    studio.add_placed()
    at = opened(open_page, "Map")
    at.file_uploader(key="inventory_upload").upload("labels.csv", b"ID,label\na,1\n", "text/csv")
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    finished(studio, "inventory")
    at.run()
    assert not at.exception and "no columns of latitude" in at.error[0].value.replace("\\", "")


def test_joining_nothing_is_refused_in_words(studio, open_page):
    studio.add_placed()
    at = opened(open_page, "Map")
    at.button(key="FormSubmitter:inventory_form-Join").click().run()
    assert not at.exception and "Upload a CSV" in at.error[0].value


def test_a_damaged_join_is_told_of_and_can_be_removed(studio, open_page):
    path = studio.add_placed()
    join_path(path).write_bytes(b"nothing")
    at = opened(open_page, "Map")
    assert not at.exception and "is damaged" in at.warning[0].value
    at.button(key="inventory_remove_damaged").click().run()
    assert not at.exception and not at.warning and not join_path(path).is_file()


# ------------------------------------------------------------------------------------------------ check and X-ray


def checked(studio, open_page, view: str):
    at = opened(open_page, view)
    if view == "X-ray":
        at.button(key="empty_Look for leaks").click().run()
    assert not finished(studio, "check").error
    return at.run()


def test_the_check_shows_pairs_and_excludes_what_is_chosen_with_a_way_back(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = checked(studio, open_page, "Check")
    assert not at.exception and any("worth knowing" in w.value for w in at.warning)
    place = next(i for i, words in enumerate(at.selectbox(key="check_row").options) if "more than once" in words)
    at.selectbox(key="check_row").select_index(place).run()
    assert not at.exception and any("2 pairs, page 1 of 1" in c.value for c in at.caption)
    at.checkbox(key="check_out_identical_P000_P060").check().run()
    at.button(key=f"check_{place}_exclude").click().run()
    assert not at.exception and "1 patches excluded" in at.success[0].value
    table = read_exclusions(path)
    assert table["id"].tolist() == ["P060"] and table["reason"].tolist() == ["Patches occur more than once"]
    at.button(key="exclusions_undo_last").click().run()
    assert not at.exception and not len(read_exclusions(path))


def test_excluded_patches_are_told_on_the_train_page(studio, open_page):
    path = studio.add_placed()
    from core.data import exclusions

    exclusions.add(path, ["P003", "P004"], "a reason")
    at = open_page("train")
    assert not at.exception and any("2 patches on the exclusion list" in m.value for m in at.markdown)


def test_a_run_begun_from_the_xray_keeps_pairs_together_and_leaves_out_what_is_excluded(studio, open_page):
    path = studio.add_placed(doubled=True)
    busy = studio.busy_lane(path)
    at = checked(studio, open_page, "X-ray")
    at.checkbox(key="xray_all").check().run()
    at.button(key="xray_exclude").click().run()
    at.button(key="xray_train").click().run()
    assert not at.exception and at.title[0].value == "Train"
    written = at.text_area(key="train_demo_overrides").value
    assert written == "folds.group_by=groups\nfolds.on_leak=group"

    at = open_page("train")
    at.session_state[f"train_view_{busy.name}"] = "new"
    at.run()
    at.text_area(key="train_demo_overrides").set_value(written)
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and not at.error
    config = next(run for run in list_runs(studio.checkpoints) if run.name != busy.name).config()
    assert config.data.exclude == ("P060", "P061")
    assert (config.folds.group_by, config.folds.on_leak) == ("groups", "group")


def test_the_xray_finds_pairs_across_the_split_and_says_so(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = checked(studio, open_page, "X-ray")
    assert not at.exception and "2 of them lie on both sides of the split" in at.error[0].value
    assert {m.label: m.value for m in at.metric}["Identical pairs"] == "2"
    at.checkbox(key="xray_all").check().run()
    at.button(key="xray_exclude").click().run()
    assert not at.exception and read_exclusions(path)["id"].tolist() == ["P060", "P061"]


def test_without_pairs_the_xray_says_that_nothing_can_leak(studio, open_page):
    studio.add_placed()
    at = checked(studio, open_page, "X-ray")
    assert not at.exception and "No two patches show the same ground" in at.success[0].value


def test_f1_with_and_without_grouping_stands_with_the_interval_of_the_difference(studio, open_page):
    studio.add_placed(doubled=True)
    at = checked(studio, open_page, "X-ray")
    at.button(key="cost_begin").click().run()
    task = finished(studio, "leak cost")
    assert not task.error and set(task.result["metric"]) == {"f1", "auc"}
    at.run()
    assert not at.exception and any("paired bootstrap over whole groups" in c.value for c in at.caption)


def test_one_of_each_pair_leaves_no_pair_whole():
    table = pd.DataFrame({"a": ["p", "p", "q"], "b": ["q", "r", "s"]})
    out = data_xray.one_of_each_pair(table)
    assert out == ["q", "r"] and all(a in out or b in out for a, b in zip(table["a"], table["b"], strict=True))
