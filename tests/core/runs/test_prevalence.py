"""One statement for a dataset or a run; the run's own goes before; damage is told."""

import pytest

from core.errors import ConfigError, FormatError
from core.runs.prevalence import dataset_path, prevalence_of, prevalence_of_dataset, state_prevalence
from core.runs.summary import headline
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")


def test_a_runs_own_statement_goes_before_that_of_its_dataset(trained_run_copy):
    run = trained_run_copy
    path = run.dataset_path()
    try:
        assert prevalence_of(run) is None
        state_prevalence(path, 0.05)
        assert (prevalence_of(run).share, prevalence_of(run).source) == (0.05, "dataset")
        state_prevalence(run, 0.02)
        assert prevalence_of(run).share == 0.02 and prevalence_of_dataset(path).share == 0.05
        state_prevalence(run, None)
        assert prevalence_of(run).source == "dataset"
        dataset_path(path).write_text("{}")
        with pytest.raises(FormatError, match="State it again"):
            prevalence_of(run)
    finally:
        dataset_path(path).unlink(missing_ok=True)
    with pytest.raises(ConfigError, match="prevalence of 3"):
        state_prevalence(run, 3)


def test_the_headline_says_what_the_numbers_become(trained_run_copy):
    run, summary = trained_run_copy, trained_run_copy.summary()
    assert "per 1,000" not in headline(summary) and "% landslide" in headline(summary)
    state_prevalence(run, 0.02)
    text = headline(summary, prevalence_of(run))
    assert "With 20 landslides per 1,000 patches: precision" in text and "alarms per 1,000" in text
    state_prevalence(run, None)


def test_the_command_states_shows_and_takes_back(trained_run_copy, tmp_path):
    run = trained_run_copy
    at = ("--checkpoints", run.path.parent)
    assert core_json("prevalence", run.name, *at)["share"] is None
    assert core_json("prevalence", run.name, "0.02", *at) == {"target": run.name, "share": 0.02, "source": "run"}
    predicted = core_json("predict", run.name, run.dataset_path(), "--out", tmp_path / "p.csv", *at)
    assert predicted["prevalence"]["share"] == 0.02 and predicted["threshold"] == predicted["prevalence"]["threshold"]
    assert (tmp_path / "p.csv").read_text().splitlines()[0].startswith("id,prob,pred,answer,prob_at_prevalence,spread")
    assert core_json("prevalence", run.name, "--clear", *at)["share"] is None
    assert "data's own share" in core("prevalence", run.name, *at).stdout
    assert "one of them" in core_error("prevalence", run.name, "0.1", "--clear", *at)
    assert "no dataset file" in core_error("prevalence", tmp_path / "x.h5", "0.1", *at)
