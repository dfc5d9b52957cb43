"""Tables on pages and in files: folds are counted alike, and no cell says None."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from dashboard.ui import downloads
from tests.dashboard import galleries

ROOT = Path(__file__).resolve().parents[3]


def test_files_count_folds_from_one_as_pages_do():
    table = pd.DataFrame({"id": ["a", "b", "c"], "fold": [0, 1, -1]})
    written = pd.read_csv(io.BytesIO(downloads.csv_bytes(table)))
    assert written["fold"].tolist() == [1, 2, -1]  # -1: in no fold
    assert table["fold"].tolist() == [0, 1, -1]  # the table itself stays


def test_folds_that_are_written_out_stay_as_they_are():
    table = pd.DataFrame({"fold": ["fold 1", "fold 2"]})
    assert pd.read_csv(io.BytesIO(downloads.csv_bytes(table)))["fold"].tolist() == ["fold 1", "fold 2"]


def test_the_list_of_errors_has_the_folds_of_its_page(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    folds = set(run.oof()["fold"])
    written = pd.read_csv(io.BytesIO(downloads.csv_bytes(run.oof())))
    assert set(written["fold"]) == {fold + 1 if fold >= 0 else fold for fold in folds}
    at = open_page("review", run=run.name)
    lines = [span["text"] for tile in galleries.sent(at, "errors")["tiles"] for line in tile["lines"] for span in line]
    shown = {int(found[1]) for line in lines if (found := re.search(r"p 0\.\d+ · fold (\d+)", line))}
    assert shown and shown <= set(written["fold"])


@pytest.mark.parametrize("path", sorted([*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "pages").glob("*.py")]))
def test_tables_are_drawn_in_one_place_and_percentages_have_no_space(path):
    text = path.read_text()
    if path.name != "downloads.py":
        assert "st.dataframe(" not in text  # downloads.table draws a dash where a value is missing
    assert not re.search(r'[0-9}f] %%?["<( ,.)](?!\()', text), "a space before the percent sign"
