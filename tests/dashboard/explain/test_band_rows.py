"""Band tables on the page are those of the core, and follow the files that they come from."""

from __future__ import annotations

import pandas as pd
import pytest

from core.analyses.bands import importance
from core.errors import LandslideLensError
from core.explain.bands.tables import band_table, groups_by_id
from dashboard.explain.band_rows import band_rows


def test_rows_are_the_runs_own_until_the_analysis_was_done(run):
    head = run.summary()["head"]
    rows = band_rows(run, head, "mean")
    expected = band_table(run.occlusion(), head, "mean", groups_by_id(run.oof()))
    pd.testing.assert_frame_equal(rows, expected)
    with pytest.raises(LandslideLensError):
        band_rows(run, head, "mean", "group")  # the made-up run has no groups
    bands = run.occlusion().assign(p_b=0.0)
    results = run.results(importance.ANALYSIS.name)
    results.write_table("bands", bands)
    results.write_table("groups", bands)
    results.write_json("report.json", {})
    assert (band_rows(run, head, "mean")["drop_mean"] > rows["drop_mean"]).all()


def test_parts_are_separate_rows(run):
    parts = tuple((str(i), "even" if k % 2 else "odd") for k, i in enumerate(run.oof()["id"]))
    rows = band_rows(run, run.summary()["head"], "mean", parts=parts)
    assert set(rows["part"]) == {"even", "odd"} and len(rows) == 2 * 12
