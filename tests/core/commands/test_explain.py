"""``explain``: what it prints of a run, and the analyses that it queues and follows."""

import pytest

from core.analyses.attention import checks
from core.analyses.bands import importance, robustness
from core.jobs.analysis_folder import list_for
from tests.command_line import core, core_error, core_json
from tests.trained_runs import copied

pytestmark = pytest.mark.usefixtures("jobs_here")


def test_the_checks_are_a_job_whose_report_is_printed(trained_run_copy):
    run = trained_run_copy
    asked = ("explain", run.name, "--checkpoints", run.checkpoints, "--layers", "--checks", "--patches", "5")
    value = core_json(*asked)
    assert set(value) == {
        "run", "occlusion", "cam", "checks", "band_groups", "band_verdict", "robustness", "layers",
    }  # fmt: skip
    assert value["layers"] and value["cam"]["n"] == 48 and value["robustness"] is None
    assert list(value["checks"]) == list(checks.reports(run))
    assert all(report["verdict"]["word"] for report in value["checks"].values())
    job = list_for(run, "attention_checks")[0]
    assert job.options()["patches"] == 5 and job.status()["state"] == "succeeded"


def test_bounds_are_those_of_the_analyses(trained_run_copy):
    run = trained_run_copy
    asked = ("explain", run.name, "--checkpoints", run.checkpoints)
    few = core_error(*asked, "--checks", "--patches", "2")
    assert "patches: Input should be greater than or equal to 5" in few
    assert "method: Input should be 'xgradcam'" in core_error(*asked, "--checks", "--method", "magic")
    assert "spatial: Input should be" in core_error(*asked, "--spatial", "-1")


def test_a_run_that_does_not_exist_is_said(tmp_path):
    assert "There is no run 'x'" in core_error("explain", "x", "--checkpoints", tmp_path)


@pytest.mark.slow
def test_bands_and_robustness_are_jobs_too(banded_run, tmp_path):
    run = copied(banded_run, tmp_path / "home")
    text = core("explain", run.name, "--checkpoints", run.checkpoints, "--spatial", "2", "--robustness").stdout
    assert importance.read(run).windows is not None and "Not checked yet" in text
    assert robustness.read(run).report["sentence"] in text
    assert {job.analysis() for job in list_for(run)} == {"band_importance", "robustness"}
