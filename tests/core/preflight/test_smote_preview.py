"""The preview of SSIM-SMOTE: a lineage between the landslides of a dataset, the same for the same seed."""

import pandas as pd
import pytest

from core.data.store import open_dataset
from core.errors import ConfigError
from core.preflight.smote_preview import smote_preview


def test_each_landslide_is_the_anchor_of_one_synthetic_patch(tiny_dataset):
    data, lineage = open_dataset(tiny_dataset), smote_preview(tiny_dataset)
    landslides = set(data.ids[data.labels == 1].tolist())
    assert set(lineage["anchor"]) == landslides and set(lineage["neighbour"]) <= landslides
    assert (lineage["anchor"] != lineage["neighbour"]).all() and lineage["anchor_weight"].between(0.1, 0.9).all()
    pd.testing.assert_frame_equal(lineage, smote_preview(tiny_dataset))


def test_it_takes_at_most_so_many_landslides(tiny_dataset):
    assert len(smote_preview(tiny_dataset, most=5)) == 5


def test_senseless_settings_are_a_sentence(tiny_dataset):
    with pytest.raises(ConfigError, match="neighbour"):
        smote_preview(tiny_dataset, k_neighbors=0)
