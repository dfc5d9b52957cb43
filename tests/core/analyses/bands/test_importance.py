"""Band importance over a whole tiny run with optical and radar bands: what is kept, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from core.analyses.bands.importance import ANALYSIS, OcclusionOptions, group_drops, occlude_patch, read
from core.data.store import open_dataset
from core.errors import ConfigError, RunError
from core.explain.bands.tables import band_table, band_table_by, group_table, groups_by_id
from core.progress import drain
from tests.banded_runs import IMPORTANCE, ONLY
from tests.builders import returned


@pytest.fixture(scope="module")
def run(banded_run_copy):
    return banded_run_copy


@pytest.fixture(scope="module")
def measured(run):
    """The steps, what the analysis returned, and what it kept."""
    assert read(run) is None and group_drops(run).equals(run.band_groups())
    steps = []
    result = drain(ANALYSIS.start(run, IMPORTANCE), steps.append)
    return steps, result, read(run)


def test_a_run_keeps_the_shares_of_groups_of_its_landslides(run):
    table = pd.read_parquet(run.path / "band_groups.parquet")
    assert set(table["baseline"]) == {"mean"} and (table["label"] == 1).all()
    assert list(dict.fromkeys(table["group"])) == ["optical", "descending post", "descending change", "ascending post"]
    by = table.groupby(["id", "head"])
    total = by["p0"].first() - by["p_none"].first()
    assert (by["shapley"].sum() - total).abs().max() < 1e-5
    assert table["id"].nunique() == 16


def test_the_analysis_has_every_replacement_and_agrees_with_the_run(run, measured):
    tables, report = measured[2].tables, measured[2].report
    assert set(tables["bands"]["baseline"]) == {"mean", "zero_raw", "shuffle", "swap"}
    assert report["same"] == ["zero"]  # after standardisation 0 is the mean
    assert report["n_subsets"] == 16 and report["n"] == 48
    keys = ["id", "head", "baseline", "band"]
    both = run.occlusion().merge(tables["bands"], on=keys, suffixes=("", "_analysis"))
    assert len(both) == 48 * 5 * 2 * 2  # patches, bands, heads, and the replacements that the run itself has
    np.testing.assert_allclose(both["p_b"], both["p_b_analysis"], atol=1e-5)
    oof = run.oof().set_index("id")
    head = run.summary()["head"]
    mine = tables["bands"].query("head == @head").drop_duplicates("id").set_index("id")["p0"]
    np.testing.assert_allclose(mine, oof.loc[mine.index, f"prob_{head}"], atol=1e-5)  # out of fold, as judged


def test_the_only_band_with_signal_is_first_under_every_replacement(run, measured):
    tables, report = measured[2].tables, measured[2].report
    groups = groups_by_id(run.oof())
    for baseline in ("mean", "zero_raw", "shuffle", "swap"):
        rows = band_table(tables["bands"], report["head"], baseline, groups).set_index("band")
        assert rows["first"].idxmax() == ONLY, baseline
    shares = group_table(tables["groups"], report["head"], "mean", groups).set_index("group")
    assert shares["shapley"].idxmax() == "descending change"
    by = band_table_by(tables["bands"], report["head"], "mean", {"p000": "one", "p003": "one", "p001": "other"})
    assert by.groupby("part")["n"].first().to_dict() == {"one": 2, "other": 1}


def test_the_groups_shown_are_those_of_the_analysis_once_it_was_done(run, measured):
    assert group_drops(run).equals(measured[2].tables["groups"])
    assert set(group_drops(run)["baseline"]) > set(run.band_groups()["baseline"])


def test_windows_are_kept_with_their_patches(measured):
    index, drops = measured[2].windows
    assert len(index) == len(drops) == 4 and drops.shape[1:] == (4, 4)
    assert index["row"].tolist() == [0, 1, 2, 3] and np.isfinite(drops).all()


def test_progress_rises_and_the_result_is_the_verdict(measured):
    steps, result, kept = measured
    assert all(0 <= a.share <= b.share <= 1 for a, b in zip(steps, steps[1:], strict=False))
    assert result["message"] == kept.report["verdicts"][kept.report["head"]]["supports"]
    assert kept.report["seconds"] > 0


def test_one_patch_is_answered_as_all_of_them_were(run, measured):
    bands, head = measured[2].tables["bands"], measured[2].report["head"]
    answer = occlude_patch(run, "p003", OcclusionOptions(baselines=("mean", "swap"), spatial=1, window=8))
    mine = bands[(bands["id"] == "p003") & (bands["baseline"] == "mean") & (bands["head"] == head)]
    own = answer.bands[answer.bands["baseline"] == "mean"]
    np.testing.assert_allclose(own["p_b"], mine["p_b"], atol=1e-5)
    assert answer.cells.shape == (32, 32) and answer.drops.shape == (4, 4) and len(answer.groups) == 2 * 4
    with pytest.raises(RunError, match="has no score for a patch named 'x'"):
        occlude_patch(run, "x")


def test_what_cannot_be_done_is_said(run):
    for options, words in (
        ({"baselines": ["noise"]}, "baselines.0: Input should be 'mean'"),
        ({"patches": "some"}, "patches: Input should be 'landslides'"),
        ({"spatial": -1}, "spatial: Input should be greater than or equal to 0"),
    ):
        with pytest.raises(ConfigError, match=words):
            ANALYSIS.start(run, options)


def test_an_unfinished_run_is_refused(run):
    run.write_status(state="running")
    try:
        with pytest.raises(RunError, match="has not finished"):
            returned(ANALYSIS.start(run))
    finally:
        run.write_status(state="succeeded")
    assert open_dataset(run.job()["dataset"]).content_hash == run.provenance()["dataset"]["content_hash"]
