"""Patches to label next, of a run on a dataset that holds unlabelled ones."""

import numpy as np
import pytest

from core.analyses.review.next_patches import ANALYSIS, read
from core.config import RunConfig
from core.data.bands import RGB_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.errors import DataError
from core.progress import drain
from tests.builders import TINY
from tests.trained_runs import QUICK, copied, train_tiny


@pytest.fixture(scope="module")
def run(trained_run, tmp_path_factory):
    """A run of two folds on patches of which the last 20 have no label."""
    home = tmp_path_factory.mktemp("unlabelled")
    source = open_dataset(trained_run.dataset_path())
    rows = np.r_[np.arange(48), np.arange(20)]
    labels = np.where(np.arange(68) < 48, source.labels[rows], -1)
    writer = DatasetWriter(
        home / "some.h5", bands=RGB_BANDS, shape_hw=(32, 32), class_names=("other", "landslide"), source="a test"
    )
    with writer:
        images = source.images(rows) + (np.arange(68) >= 48)[:, None, None, None]
        groups = [f"g{i // 3}" for i in range(68)]
        writer.append(images, labels, [f"p{i:03d}" for i in range(68)], groups=groups)
        path = writer.finish().path
    return train_tiny(home, path, RunConfig().with_overrides([*TINY, *QUICK]), "some")


def test_a_batch_of_unlabelled_patches(run):
    value = drain(ANALYSIS.start(run, {"n": 6}))
    report, results = read(run)
    table = results.table("patches")
    hidden = {f"p{i:03d}" for i in range(48, 68)}
    assert len(table) == value["n"] == 6 and set(table["id"]) <= hidden and table["id"].is_unique
    assert value["n_unlabelled"] == 20 and report["ids"] == table["id"].tolist()
    for name in ("prob", "uncertainty", "novelty"):
        assert table[name].between(0, 1).all()
    assert value["message"] == f"6 of 20 unlabelled patches chosen; the first is {table['id'][0]}."


def test_without_unlabelled_patches_it_says_so(trained_run, tmp_path):
    run = copied(trained_run, tmp_path)
    assert read(run) is None
    with pytest.raises(DataError, match=r"Every patch of tiny\.h5 is labelled already"):
        drain(ANALYSIS.start(run))
