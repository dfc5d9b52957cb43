"""What a patch looks like in numbers: by hand, with pixels that are missing."""

import numpy as np
import pytest

from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.data.store import DatasetWriter
from core.data.tabular.picture_facts import picture_facts


@pytest.fixture
def dataset(tmp_path):
    images = np.zeros((3, 3, 2, 2), np.float32)
    images[0] = np.array([10, 20, 30])[:, None, None]
    images[1, :, 0, 0] = [90, 60, 30]  # one pixel of four
    images[1, 0, 1, 1] = np.nan
    images[2] = np.nan
    with DatasetWriter(
        tmp_path / "rgb.h5", bands=RGB_BANDS, shape_hw=(2, 2), class_names=("other", "landslide"), source="a test"
    ) as writer:
        writer.append(images, [0, 1, 0], ["a", "b", "c"])
        return writer.finish()


def test_means_brightness_and_contrast_by_hand(dataset):
    facts = picture_facts(dataset, np.array([1, 0, 2]))
    assert facts["red"].values == pytest.approx([30, 10, np.nan], nan_ok=True)  # 90, 0 and 0 of three pixels
    assert facts["green"].values == pytest.approx([15, 20, np.nan], nan_ok=True)
    assert facts["brightness"].values == pytest.approx([20, 20, np.nan], nan_ok=True)
    assert facts["contrast"].values == pytest.approx([np.std([60, 0, 0]), 0, np.nan], nan_ok=True)
    assert facts["redr"].values[1] == pytest.approx(1 / 6) and facts["redr"].title == "red share"
    assert facts["brightness"].unit == "0-255" and "ndvi" not in facts


def test_every_band_and_index_of_twelve(tmp_path):
    images = np.random.default_rng(0).uniform(1, 100, (2, 12, 4, 4)).astype(np.float32)
    with DatasetWriter(
        tmp_path / "z.h5", bands=ZINDI_BANDS, shape_hw=(4, 4), class_names=("other", "landslide"), source="a test"
    ) as writer:
        writer.append(images, [0, 1], ["a", "b"])
        data = writer.finish()
    facts = picture_facts(data, np.arange(2))
    red, nir = images[:, 0], images[:, 3]
    assert facts["ndvi"].values == pytest.approx(((nir - red) / (nir + red)).mean(axis=(1, 2)), rel=1e-5)
    assert facts["nir"].title == "near infrared" and facts["desc_vv"].title == "descending VV"
    assert facts["desc_vv"].unit == "dB" and all(fact.values.shape == (2,) for fact in facts.values())
