"""What is known of each patch: taken from where it stands, never made up."""

import numpy as np
import pytest

from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.data.tabular.patch_metadata import patch_facts, seasons, slicing_columns


@pytest.fixture
def dataset(tmp_path):
    images = np.zeros((4, 3, 8, 8), np.float32)
    images[1], images[2, :, :4] = 10.0, 6.0
    masks = np.zeros((4, 8, 8), np.uint8)
    masks[1, :2] = 1
    masks[3, :4] = 1
    writer = DatasetWriter(
        tmp_path / "d.h5", bands=RGB_BANDS, shape_hw=(8, 8), class_names=("other", "landslide"), source="made in a test"
    )
    columns = {
        "cloud_cover": np.array([0.1, 0.9, 0.5, 0.3]),
        "date": np.array(["2020-01-15", "2021-07-01", "", "2020-10-03"]),
        "site": np.array(["x", "y", "x", "y"]),
        "note": np.array(["a", "b", "c", "d"]),
        "true_label": np.array([0, 1, 0, 1]),
    }
    with writer:
        writer.append(
            images, np.array([0, 1, 0, 1], np.int8), ["a", "b", "c", "d"], groups=["g", "g", "h", "h"], masks=masks,
            columns=columns,
        )  # fmt: skip
        return open_dataset(writer.finish().path)


def test_facts_come_from_columns_masks_and_images(dataset):
    facts = patch_facts(dataset)
    np.testing.assert_allclose(facts["cloud"], [0.1, 0.9, 0.5, 0.3])
    np.testing.assert_allclose(facts["scar_share"], [np.nan, 0.25, np.nan, 0.5])  # of landslides alone
    np.testing.assert_allclose(facts["brightness"], [0, 10, 3, 0])
    assert facts["season"].tolist() == ["winter", "summer", "", "autumn"]
    assert facts["source"].tolist() == ["x", "y", "x", "y"] and facts["group"].tolist() == ["g", "g", "h", "h"]


def test_a_column_that_repeats_the_label_is_no_fact(dataset):
    assert "true_label" not in patch_facts(dataset).columns


def test_rows_are_in_the_order_asked_for_and_images_can_be_left_alone(dataset):
    facts = patch_facts(dataset, np.array([2, 0]), images=False)
    assert facts["id"].tolist() == ["c", "a"] and "brightness" not in facts.columns


def test_only_facts_with_several_values_slice(dataset):
    assert "id" not in slicing_columns(patch_facts(dataset))
    assert set(slicing_columns(patch_facts(dataset, np.array([0, 2])))) >= {"cloud", "brightness"}
    assert "source" not in slicing_columns(patch_facts(dataset, np.array([0, 2])))


def test_the_south_has_its_summer_in_january():
    dates = ["2020-01-15", "2020-01-15", "not a date"]
    assert seasons(dates, np.array([False, True, True])).tolist() == ["winter", "summer", ""]


def test_a_date_that_can_be_read_in_two_ways_and_a_year_alone_have_no_season():
    north = np.zeros(2, bool)
    assert seasons(["05/02/2020", "06/02/2020"], north).tolist() == ["", ""]
    assert seasons(["25/12/2019", "05/02/2020"], north).tolist() == ["winter", "winter"]
    assert seasons(["2019", "2020"], north).tolist() == ["", ""]
