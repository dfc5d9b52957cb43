"""A table of columns, a dataset without pictures, on every page: nothing is drawn that is not there."""

import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest
from core.progress import drain
from core.runs.store import datasets_path


@pytest.fixture
def dataset(studio, tmp_path):
    """40 rows of three columns, 10 of them landslides."""
    rng, labels = np.random.default_rng(0), np.arange(40) % 4 == 0
    rows = [
        f"r{i},{int(label)},{','.join(f'{x:.2f}' for x in rng.normal(label, 1, 3))}" for i, label in enumerate(labels)
    ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["ID,label,slope,rain,ndvi", *rows]), encoding="utf-8")
    path = datasets_path(studio.checkpoints) / "table.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    return drain(ingest(None, table, path, ReaderOptions())).dataset


def test_train_offers_what_fits_a_table_and_nothing_else(studio, dataset, open_page):
    at = open_page("train", run="", dataset="table", train_view="new")
    assert not at.exception and not at.error
    kinds = next(group for group in at.button_group if group.label == "What for")
    assert kinds.options == ["Table of columns"] and kinds.value == "columns"
    studio.add_dataset()
    at = open_page("train", run="", dataset="tiny", train_view="new")
    kinds = next(group for group in at.button_group if group.label == "What for")
    assert "Table of columns" not in kinds.options and len(kinds.options) > 2


@pytest.mark.parametrize(
    "page", ["overview", "dataset", "balance", "results", "review", "embedding", "explain", "predict"]
)
def test_every_page_opens_on_a_table(dataset, page, open_page):
    at = open_page(page, dataset="table")
    assert not at.exception and not at.error
