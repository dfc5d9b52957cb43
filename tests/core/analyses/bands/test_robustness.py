"""Robustness over a whole tiny run: intact bands give the run's own score, losing the band that matters costs it."""

import numpy as np
import pandas as pd
import pytest

from core.analyses.bands.flips import flipped
from core.analyses.bands.robustness import ANALYSIS, _clear, not_tested, read, summarise
from core.data.store import beside, open_dataset
from core.data.store.beside import CLOUD_SHARE, SHADOW_SHARE
from core.errors import ConfigError, RunError
from core.explain.bands.corruptions import INTACT
from core.progress import drain
from tests.banded_runs import ROBUSTNESS
from tests.builders import returned


@pytest.fixture(scope="module")
def run(banded_run_copy):
    return banded_run_copy


@pytest.fixture(scope="module")
def tested(run):
    """The steps, what the analysis returned, and what it kept."""
    assert read(run) is None
    steps = []
    result = drain(ANALYSIS.start(run, ROBUSTNESS), steps.append)
    return steps, result, read(run)


def test_clouds_can_come_over_clear_patches_alone(run):
    oof, dataset = run.oof(), open_dataset(run.dataset_path())
    cloud = np.linspace(0, 1, len(dataset))
    table = pd.DataFrame({"id": dataset.ids, CLOUD_SHARE: cloud, SHADOW_SHARE: 0.0})
    beside.keep(dataset.path, table, {"dataset_hash": dataset.card_hash})
    try:
        kept, told = _clear(open_dataset(dataset.path), oof, None, 0.5)
        with pytest.raises(ConfigError, match="no patches of both classes"):
            _clear(open_dataset(dataset.path), oof, None, 0.0)
    finally:
        beside.path_of(dataset.path).unlink()
    assert set(kept["id"]) == set(oof["id"]) & set(dataset.ids[cloud <= 0.5])
    assert told == f"{len(oof) - len(kept)} of {len(oof)} patches have csmask_cloud above 0.5 and are left out. "
    with pytest.raises(ConfigError, match="one column of numbers with 'cloud' in its name"):
        _clear(dataset, oof, None, 0.5)


def test_intact_is_the_runs_own_score_and_losing_the_band_costs_it(run, tested):
    table, report = tested[2].table, tested[2].report
    rows = {(row["scenario"], row["policy"]): row for row in report["rows"]}
    oof, head = run.oof().set_index("id"), run.summary()["head"]
    intact = table[table["scenario"] == "intact"].set_index("id")
    np.testing.assert_allclose(intact["prob"], oof.loc[intact.index, f"prob_{head}"], atol=1e-5)
    assert rows["intact", "as_is"]["f1"] == pytest.approx(run.summary()["oof"]["f1"])
    assert rows["intact", "as_is"]["n_flipped"] == 0 and rows["intact", "as_is"]["difference"] == 0
    assert rows["descending_lost", "mean"]["f1"] < rows["intact", "as_is"]["f1"]
    for key, row in rows.items():
        assert row["n_flipped"] == row["n_missed"] + row["n_found"] + row["n_alarms"] + row["n_cleared"]
        assert len(flipped(table, *key)) == row["n_flipped"]
    lost = flipped(table, "descending_lost", "mean")
    assert (lost["pred"] != lost["pred_after"]).all() and set(lost["change"]) <= {
        "missed", "found", "new alarm", "alarm gone",
    }  # fmt: skip
    assert {row["scenario"] for row in report["retrained"]} == {
        "optical_lost", "sar_lost", "descending_lost", "ascending_lost",
    }  # fmt: skip


def test_progress_rises_and_the_result_is_the_worst_scenario(tested):
    steps, result, kept = tested
    assert all(0 <= a.share <= b.share <= 1 for a, b in zip(steps, steps[1:], strict=False))
    assert result["message"] == kept.report["sentence"] and "The worst scenario is" in result["message"]
    assert kept.report["seconds"] > 0


def test_intact_bands_alone_are_summarised_without_a_worst_scenario(tested):
    table = tested[2].table
    report = summarise(table[table["scenario"] == "intact"], [INTACT])
    assert len(report["rows"]) == 1 and report["rows"][0]["n_flipped"] == 0
    assert report["sentence"].startswith("With all bands intact, F1 is") and "worst" not in report["sentence"]


def test_what_cannot_be_done_is_said(run):
    with pytest.raises(ConfigError, match="allow no scenario 'flood'"):
        returned(ANALYSIS.start(run, {"names": ["flood"]}))
    with pytest.raises(ConfigError, match="coverages.0: Input should be less than or equal to 1"):
        ANALYSIS.start(run, {"coverages": [1.5]})
    assert f"explain {run.name} --robustness" in not_tested(run)


def test_scenarios_are_written_with_commas_on_the_command_line(run):
    options = ANALYSIS.options({"names": "sar_lost, optical_lost", "coverages": "0.2,0.4"})
    assert options.names == ("sar_lost", "optical_lost") and options.coverages == (0.2, 0.4)


def test_an_unfinished_run_is_refused(run):
    run.write_status(state="running")
    try:
        with pytest.raises(RunError, match="has not finished"):
            returned(ANALYSIS.start(run))
    finally:
        run.write_status(state="succeeded")
