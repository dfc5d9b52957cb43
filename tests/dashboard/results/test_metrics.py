"""Metrics and folds of the Results page."""

from __future__ import annotations

import pandas as pd


def test_the_table_of_folds_counts_from_one(studio, open_page):
    studio.add_run(studio.add_dataset())
    tables = [d.value for d in open_page("results").dataframe]
    folds = next(t for t in tables if isinstance(t, pd.DataFrame) and "Fold" in t)
    assert folds["Fold"].tolist() == [1, 2, 3] and folds["Positive"].sum() == 15
