"""What ``explain`` says of bands: groups, the verdict, robustness, and a run trained on the rest."""

import pytest

from core.analyses.bands import importance, robustness
from core.commands.bands import report
from core.errors import ConfigError, RunError
from tests.command_line import core, core_json


def test_the_command_prints_what_there_is(analysed_run):
    asked = ("explain", analysed_run.name, "--checkpoints", analysed_run.checkpoints)
    text, value = core(*asked).stdout, core_json(*asked)
    groups = importance.read(analysed_run).report["groups"]
    assert {row["group"] for row in value["band_groups"]} == {group["name"] for group in groups}
    assert {row["baseline"] for row in value["band_groups"]} == {"mean", "zero_raw", "shuffle", "swap"}
    assert value["band_verdict"]["fc"]["question"] == "SAR matters more than optical?"
    assert value["robustness"] == robustness.read(analysed_run).report
    assert value["robustness"]["sentence"] in text and "share of the drop" in text


def test_a_run_that_was_not_analysed_says_how_to_go_on(trained_run):
    value, lines = report(trained_run)
    assert value["robustness"] is None and value["band_groups"]  # the run's own
    assert f"python -m core explain {trained_run.name} --robustness" in lines[-1]
    with pytest.raises(RunError, match="has not been tested"):
        report(trained_run, trained_run)


def test_a_run_with_other_bands_cannot_be_compared(analysed_run, trained_run):
    with pytest.raises(ConfigError, match="was trained on"):
        report(analysed_run, trained_run)
