"""Tables in narrow windows are cards, and their cells are words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.ui import narrow


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        (0.81249, None, "0.812"), (3.0, None, "3"), (np.int64(1200), None, "1,200"), (12.34, "%.1f%%", "12.3%"),
        (None, None, "–"), (float("nan"), None, "–"), ("", None, "–"), (["succeeded"], None, "succeeded"),
        (True, None, "yes"), (np.bool_(False), None, "no"),
        (pd.Timestamp(2026, 11, 8, 9, 5), None, "8 Nov 2026, 09:05"),
    ],
)  # fmt: skip
def test_cells_are_words(value, form, words):
    assert narrow.in_words(value, form) == words


def test_tables_become_cards_and_wide_windows_keep_tables(studio, open_page, monkeypatch):
    run = studio.add_run(studio.add_dataset())
    link = {"run": run.name, "dataset_view": "bands"}
    wide = open_page("dataset", **link)
    monkeypatch.setattr(narrow, "is_narrow", lambda: True)
    at = open_page("dataset", **link)
    assert not at.exception
    assert len(at.dataframe) < len(wide.dataframe)
    assert any(m.value.startswith(":gray[") for m in at.markdown)
