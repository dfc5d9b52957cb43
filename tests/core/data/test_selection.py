import numpy as np
import pytest

from core.config import DataConfig
from core.data.bands import RGB_BANDS
from core.data.selection import select
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, DataError

LABELS = np.array([1, 0, 1, 0, -1, 0], np.int8)


def made(tmp_path, **columns):
    writer = DatasetWriter(
        tmp_path / "d.h5", bands=RGB_BANDS, shape_hw=(8, 8), class_names=("other", "landslide"), source="test"
    )
    images = np.random.default_rng(0).uniform(0, 255, (6, 3, 8, 8)).astype(np.float32)
    with writer:
        writer.append(images, LABELS, [f"p{i}" for i in range(6)], columns={k: np.array(v) for k, v in columns.items()})
        return open_dataset(writer.finish().path)


def test_without_settings_everything_is_used(tmp_path):
    found = select(made(tmp_path), DataConfig())
    assert found.labels.tolist() == LABELS.tolist() and found.bands == RGB_BANDS
    assert found.n_excluded == 0 and found.notes == ()


def test_an_excluded_patch_is_as_unlabelled_and_counted(tmp_path):
    found = select(made(tmp_path), DataConfig(exclude=("p0", "p3", "p4"), bands=("blue", "rgb")))
    assert found.labels.tolist() == [-1, 0, 1, -1, -1, 0]
    assert [band.name for band in found.bands] == ["blue", "red", "green"]
    assert found.n_excluded == 3
    assert found.notes == ("Patches left out by the exclusion list: 3 (2 labelled, 1 of them landslide).",)
    facts = found.to_dict()
    assert (facts["n_excluded"], facts["n_cloudy"], facts["n_labelled"]) == (3, 0, 3)


def test_an_excluded_id_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="no patch named p9"):
        select(made(tmp_path), DataConfig(exclude=("p9",)))


def test_cloud_above_the_limit_is_left_out_and_unknown_cloud_is_kept(tmp_path):
    dataset = made(tmp_path, cloud=[0.1, 0.5, 0.9, np.nan, 0.9, 0.0])
    found = select(dataset, DataConfig(max_cloud=0.5))  # the column is found by its name
    assert found.labels.tolist() == [1, 0, -1, 0, -1, 0] and found.cloudy.tolist() == [0, 0, 1, 0, 1, 0]
    assert found.notes == (
        "Patches left out with cloud above 0.5: 2 (1 labelled, 1 of them landslide).",
        "Patches without a value of cloud, which were kept: 1.",
    )


@pytest.mark.parametrize(
    ("limit", "left"), [(20, [1, 0, -1, -1, -1, 0]), (0.2, [1, 0, -1, -1, -1, 0]), (0, [-1] * 5 + [0])]
)
def test_a_percentage_takes_percents_or_a_share(tmp_path, limit, left):
    dataset = made(tmp_path, cloud_percent=[10, 20, 90, 21, 99, 0])
    found = select(dataset, DataConfig(max_cloud=limit, cloud_column="cloud_percent"))
    assert found.labels.tolist() == left
    assert ("a share: 20 in this column" in found.notes[0]) == (limit == 0.2)


def test_exclusion_and_cloud_count_a_patch_once(tmp_path):
    found = select(made(tmp_path, cloud=[1.0, 0, 0, 0, 0, 0]), DataConfig(max_cloud=0.5, exclude=("p0",)))
    assert found.n_excluded == 1 and len(found.notes) == 2


def test_a_cloud_column_that_is_missing_or_text_is_told_with_those_that_would_do(tmp_path):
    dataset = made(tmp_path, haze=["1", "", "3", "4", "5", "6"], place=list("abcdef"))
    with pytest.raises(
        ConfigError, match="one column of numbers with 'cloud'.*has none. Columns of numbers here: haze"
    ):
        select(dataset, DataConfig(max_cloud=0.5))
    with pytest.raises(
        ConfigError, match="needs the column of numbers 'place'; d has none. .*haze. Set data.cloud_column"
    ):
        select(dataset, DataConfig(max_cloud=0.5, cloud_column="place"))
    found = select(dataset, DataConfig(max_cloud=3, cloud_column="haze"))
    assert found.labels.tolist() == [1, 0, 1, -1, -1, -1]
    two = made(tmp_path, cloud=[0] * 6, cloud_before=[0] * 6)
    with pytest.raises(ConfigError, match="has 2. Columns of numbers here: cloud, cloud_before"):
        select(two, DataConfig(max_cloud=0.5))
