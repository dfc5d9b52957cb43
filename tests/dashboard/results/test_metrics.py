"""Metrics, folds and slices of the Results page."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_the_table_of_folds_counts_from_one(studio, open_page):
    studio.add_run(studio.add_dataset())
    tables = [d.value for d in open_page("results").dataframe]
    folds = next(t for t in tables if isinstance(t, pd.DataFrame) and "Fold" in t)
    assert folds["Fold"].tolist() == [1, 2, 3] and folds["Positive"].sum() == 15


def test_with_many_patches_their_images_are_read_only_when_asked(run, open_page, monkeypatch):
    from dashboard.results import metrics

    monkeypatch.setattr(metrics, "READ_UNASKED", 10)
    at = open_page("results", run=run.name)
    assert not at.exception and at.toggle(key="metrics_images").value is False
    before = sliced_by(at)
    at.toggle(key="metrics_images").set_value(True).run()
    assert not at.exception
    assert sliced_by(at) - before >= {"brightness"}


def sliced_by(at) -> set[str]:
    """What the slices with too few patches are of: of 60 patches all of brightness's are."""
    return {by for table in at.dataframe if "reason" in table.value for by in table.value["by"]}
