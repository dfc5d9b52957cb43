"""Dataset: facts, patches, check and import, with and without something to show."""

from __future__ import annotations

import re
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest

from core.data.store import open_dataset
from dashboard.dataset import bands, facts
from tests.dashboard import galleries

VIEWS = ("facts", "patches", "bands", "map", "check", "leakage", "import")


def opened(open_page, view: str):
    return open_page("dataset", dataset_view=view)


def test_without_a_dataset_demo_and_import_are_offered(studio, open_page):
    at = open_page("dataset")
    assert not at.exception and at.title[0].value == "Dataset"
    assert {"Make the demo dataset", "Preview"} <= {b.label for b in at.button}


@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_is_drawn(studio, open_page, view):
    studio.add_dataset()
    at = opened(open_page, view)
    assert not at.exception and not at.error


@pytest.mark.parametrize("view", ["facts", "patches", "bands", "map", "leakage"])
def test_names_that_try_to_be_markup_are_shown_as_written(studio, open_page, view):
    studio.add_hostile()
    at = opened(open_page, view)
    assert not at.exception
    for element in (*at.caption, *at.markdown, *at.warning, *at.info, *at.success):
        assert not re.search(r"(?<!\\)(<img|\]\(javascript|!\[o)", element.value), element.value


def test_facts_name_bands_with_units_and_the_positive_class(studio, open_page):
    studio.add_dataset()
    at = open_page("dataset")
    assert at.markdown[0].value.startswith("**60 patches**, 15 of them landslide (25%), 12 bands")
    bands = next(d.value for d in at.dataframe if "Sensor" in d.value)
    assert bands["Unit"].tolist() == ["DN"] * 4 + ["dB"] * 8 and set(bands["Orbit"]) == {"", "ascending", "descending"}


def test_balance_by_part_adds_up_and_can_be_changed(studio, open_page):
    studio.add_placed()
    at = open_page("dataset")
    at.selectbox(key="dataset_part").select("sensor").run()
    table = next(d.value for d in at.dataframe if "sensor" in d.value)
    assert not at.exception and table["patches"].sum() == 60 and table["positive"].sum() == 15
    assert any("95% interval (Wilson)" in c.value for c in at.caption)


def test_classes_stand_side_by_side_in_the_same_stretch_and_can_be_drawn_anew(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "bands")

    def drawn():
        return [patch for label in (1, 0) for patch in galleries.shown(at, f"bands_{label}")]

    first = drawn()
    assert len(first) == 12 and any("6 of 15 drawn" in m.value for m in at.markdown)
    at.number_input(key="bands_seed").set_value(1).run()
    assert not at.exception and len(drawn()) == 12 and drawn() != first


@pytest.mark.parametrize(
    "way", ["SAR before (descending VV, VH, ascending VV)", "True colour", "Descending VV change", "NDVI"]
)
def test_bands_are_shown_in_every_way(studio, open_page, way):
    studio.add_dataset()
    at = opened(open_page, "bands")
    at.selectbox(key="bands_look_composite").select(way).run()
    assert not at.exception and not at.error


def test_a_band_before_the_event_has_a_histogram_too(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "bands")
    at.selectbox(key="dataset_band").select("asc_vh_pre").run()
    assert not at.exception and any("highest 2%" in c.value for c in at.caption)


def test_the_gallery_shows_only_the_class_asked_for(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "patches")
    at.session_state["dataset_class"] = 1
    at.run()
    assert not at.exception
    assert any(m.value.startswith("**15 of 60 patches**") for m in at.markdown)


def test_an_id_that_is_nowhere_gives_a_sentence(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "patches")
    at.text_input(key="dataset_id").set_value("nowhere").run()
    assert not at.exception and "No matching patches" in at.info[0].value


def test_paging_shows_other_patches(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "patches")
    at.session_state["dataset_page"] = 3
    at.run()
    assert not at.exception and any("page 3 of 3" in m.value for m in at.markdown)


def test_fewer_patches_than_the_page_chosen_before_are_still_shown(studio, open_page):
    studio.add_dataset()
    at = opened(open_page, "patches")
    at.selectbox(key="dataset_size").select(12).run()
    at.session_state["dataset_page"] = 5
    at.run()
    assert any("page 5 of 5" in m.value for m in at.markdown)
    at.session_state["dataset_class"] = 1
    at.run()
    assert not at.exception and any("page 2 of 2" in m.value for m in at.markdown)


def test_labels_can_be_downloaded_whole(studio):
    data = open_dataset(studio.add_dataset())
    table = facts.label_table(data)
    assert table["id"].tolist() == data.ids.tolist()
    assert (table["class"] == np.where(table["label"] == 1, "landslide", "other")).all()


def test_facts_show_patches_of_each_class_before_any_table(studio, open_page):
    studio.add_dataset()
    at = open_page("dataset")
    assert [len(galleries.shown(at, f"facts_{label}")) for label in (1, 0)] == [6, 6]


def test_the_sentence_says_half_and_simulated_and_unlabelled(tmp_path):
    from tests.builders import make_dataset

    data = make_dataset(tmp_path / "d.h5")
    assert facts.sentence(data).startswith(f"**{len(data)} patches**")
    none = np.full(len(data), -1, np.int8)
    half = np.arange(len(data), dtype=np.int8) % 2
    for labels, words in ((none, "simulated patches**, none of them labelled"), (half, "half of them")):
        changed = MagicMock(
            labels=labels, facts={"simulated": True}, positive="x", bands=data.bands, groups=None, shape=data.shape
        )
        changed.__len__.return_value = len(labels)
        assert words in facts.sentence(changed)


@pytest.mark.parametrize(("apart", "said"), [(500, "The classes differ most in"), (10, "No single band tells")])
def test_the_band_that_tells_the_classes_apart_is_named(studio, apart, said):
    data = open_dataset(studio.add_dataset())
    rows = [
        {"band": band.name, "label": label, "q25": 0.0, "q50": apart * label * (band.name == "nir"), "q75": 100.0}
        for band in data.bands
        for label in (0, 1)
    ]
    words = bands.sentence(data, pd.DataFrame(rows))
    assert words.startswith(said)
    assert "Near infrared" in words and f"median {apart} in" in words and "and 0 in" in words


def test_a_link_names_the_part_and_the_patch(studio, open_page):
    studio.add_placed()
    at = open_page("dataset", dataset_part="sensor")
    assert at.selectbox(key="dataset_part").value == "sensor"
    at = open_page("dataset", dataset_view="bands", dataset_band="nir")
    ids = at.selectbox(key="bands_patch").options
    at.selectbox(key="bands_patch").select(ids[3]).run()
    assert not at.exception and at.query_params["bands_patch"]
