import numpy as np
import pytest

from core.config import DataConfig, FoldsConfig
from core.data.bands import LANDSLIDE4SENSE_BANDS, ZINDI_BANDS
from core.data.clouds.network import CloudNetwork
from core.data.clouds.shares import level_of, measure
from core.data.selection import cloud_of, select
from core.data.store import DatasetWriter, open_dataset
from core.data.store.beside import COLUMNS, card_of, path_of
from core.data.tabular.patch_metadata import patch_facts
from core.errors import ConfigError, DataError
from tests.builders import returned
from tests.core.data.clouds.made_network import install

SHARES = (0.0, 0.25, 1.0, 0.0)  # of cloud, patch by patch


def cloudy_dataset(path, bands=ZINDI_BANDS[:4], **columns):
    """Four patches of 12 x 12 pixels in DN: clear, a quarter cloud, all cloud, and one with half of it not seen."""
    images = np.full((4, len(bands), 12, 12), 2000.0, np.float32)
    images[1, :, :6, :6] = 6000
    images[2] = 6000
    images[3, :, :6] = np.nan
    images[3, :, 6:, 6:] = 300  # shadow over half of what was seen
    names = ("other", "landslide")
    with DatasetWriter(path, bands=bands, shape_hw=(12, 12), class_names=names, source="made in a test") as writer:
        writer.append(images, [0, 1, 1, 0], ["a", "b", "c", "d"], columns=columns or None)
        return writer.finish()


@pytest.fixture
def network(tmp_path, monkeypatch):
    install(tmp_path / "site", monkeypatch)
    return CloudNetwork("l2a")


def test_shares_are_columns_of_whoever_opens_the_dataset(tmp_path, network):
    dataset = cloudy_dataset(tmp_path / "d.h5")
    assert not dataset.columns and card_of(dataset.path) is None
    table, card = returned(measure(dataset, network))
    assert table["csmask_cloud"].tolist() == list(SHARES) and table["csmask_shadow"].tolist() == [0, 0, 0, 0.5]
    assert card["coarse_m"] == 30 and not card["pixel_known"] and card_of(dataset.path) == card
    again = open_dataset(dataset.path)
    assert again.columns["csmask_cloud"].tolist() == list(SHARES) and again.content_hash == dataset.content_hash
    assert patch_facts(again)["cloud"].tolist() == list(SHARES), "filters and slices find it"
    assert cloud_of(again)[0] == "csmask_cloud"


def test_no_patch_is_left_out_unless_that_is_asked_for(tmp_path, network):
    returned(measure(cloudy_dataset(tmp_path / "d.h5"), network))
    dataset = open_dataset(tmp_path / "d.h5")
    assert not select(dataset, DataConfig(), FoldsConfig()).cloudy.any()
    chosen = select(dataset, DataConfig(max_cloud=0.3), FoldsConfig())
    assert chosen.cloudy.tolist() == [False, False, True, False]
    assert any("csmask_cloud above 0.3: 1 (1 labelled, 1 of them landslide)" in note for note in chosen.notes)


def test_a_datasets_own_cloud_column_comes_first(tmp_path, network):
    returned(measure(cloudy_dataset(tmp_path / "d.h5", cloud=[0.5, 0.0, 0.0, 0.0]), network))
    dataset = open_dataset(tmp_path / "d.h5")
    assert cloud_of(dataset)[0] == "cloud" and cloud_of(dataset, "csmask_cloud")[1].tolist() == list(SHARES)
    facts = patch_facts(dataset)
    assert facts["cloud"].tolist() == [0.5, 0, 0, 0] and facts["csmask_cloud"].tolist() == list(SHARES)


def test_a_table_of_another_state_is_left_alone_and_a_damaged_one_is_told(tmp_path, network):
    returned(measure(cloudy_dataset(tmp_path / "d.h5"), network))
    cloudy_dataset(tmp_path / "d.h5", size=[1.0, 2.0, 3.0, 4.0])
    assert set(open_dataset(tmp_path / "d.h5").columns) == {"size", *COLUMNS}, "its pixels are the same"
    cloudy_dataset(tmp_path / "d.h5", ZINDI_BANDS[:5])
    assert not open_dataset(tmp_path / "d.h5").columns
    cloudy_dataset(tmp_path / "d.h5")
    path_of(tmp_path / "d.h5").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match="d.clouds.parquet is damaged.*Remove it"):
        open_dataset(tmp_path / "d.h5")


def test_a_dataset_without_the_bands_is_refused_before_anything_is_read(tmp_path, network):
    dataset = cloudy_dataset(tmp_path / "d.h5", ZINDI_BANDS[:3])
    with pytest.raises(ConfigError, match="has no nir"):
        returned(measure(dataset, network))


def test_the_level_follows_from_the_cirrus_band(tmp_path):
    assert level_of(cloudy_dataset(tmp_path / "a.h5")) == "l2a"
    assert level_of(cloudy_dataset(tmp_path / "b.h5", LANDSLIDE4SENSE_BANDS)) == "l1c"
