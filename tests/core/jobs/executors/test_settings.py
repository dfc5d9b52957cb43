"""Where jobs are done: said in one place, no part of a run's configuration, and no token goes where it should not."""

import json
import signal

import pytest

from core.errors import ConfigError, JobError
from core.jobs.executors import choice, settings, token
from core.jobs.executors.settings import JobsConfig
from core.runs.store import create_run, specification
from core.workers import job_worker
from tests.command_line import core, core_json
from tests.core.jobs.executors.conftest import needs_ray


@pytest.fixture(autouse=True)
def nobody_has_chosen(monkeypatch):
    monkeypatch.delenv("LANDSLIDE_JOBS", raising=False)


@pytest.fixture
def run(trained_run, tmp_path):
    config, dataset = trained_run.config(), trained_run.dataset_path()
    return create_run(tmp_path, config, dataset, specification(dataset, config))


def test_what_holds_is_said_by_the_folder_the_environment_and_the_job_the_last_counts(run, monkeypatch):
    assert settings.settings_of(run) == JobsConfig()
    settings.write(run.checkpoints, {"executor": "ray", "address": "10.0.0.1:6379", "cpus": 4})
    monkeypatch.setenv("LANDSLIDE_JOBS", "cpus=8 gpus=1")
    settings.write(run.path, {"gpus": 0.5})
    found = settings.settings_of(run)
    assert (found.executor, found.address, found.cpus, found.gpus) == ("ray", "10.0.0.1:6379", 8, 0.5)


def test_a_choice_is_known_from_none(tmp_path, monkeypatch):
    assert not settings.is_said(tmp_path)
    settings.write(tmp_path, {"most": 2})
    assert settings.is_said(tmp_path) and not settings.is_said(tmp_path / "other")
    monkeypatch.setenv("LANDSLIDE_JOBS", "executor=local")
    assert settings.is_said(tmp_path / "other")


@pytest.mark.fault(29)
def test_a_job_s_own_folder_cannot_say_where_a_token_goes(run):
    settings.write(run.path, {"executor": "ray", "address": "203.0.113.9:6379"})
    with pytest.raises(ConfigError, match="sets address, which is no job's own"):
        settings.settings_of(run)
    with pytest.raises(ConfigError, match="jobs.token_file is set for all jobs"):
        settings.of_a_job({"token_file": "t"})


@pytest.mark.parametrize(
    "said", ["executor=spark", "cpus=0", "address=somewhere", "address=a b:1", "colour=red", "ray"]
)
def test_settings_that_cannot_be_used_are_named(said):
    with pytest.raises(ConfigError):
        settings.split([f"jobs.{said}"])


def test_settings_of_jobs_are_taken_out_of_those_of_the_run():
    assert settings.split(["train.epochs=3", "jobs.executor=ray", "jobs.cpus=2"]) == (
        ["train.epochs=3"],
        {"executor": "ray", "cpus": "2"},
    )


def test_the_command_says_and_keeps_who_does_the_parts(tmp_path):
    assert "its own process" in core("jobs", "executor", "--checkpoints", str(tmp_path)).stdout
    said = core("jobs", "executor", "processes", "--set", "jobs.most=2", "--checkpoints", str(tmp_path)).stdout
    assert "at most 2 processes of this machine" in said
    core("jobs", "executor", "local", "--checkpoints", str(tmp_path))
    assert core_json("jobs", "executor", "--checkpoints", str(tmp_path))["executor"] == "local"


@needs_ray
def test_a_chosen_cluster_is_written_down_without_defaults(tmp_path):
    choice.choose(tmp_path, {"executor": "ray", "address": "10.0.0.1:6379"}, ["jobs.gpus=1"])
    assert json.loads((tmp_path / "jobs.json").read_text()) == {
        "executor": "ray", "address": "10.0.0.1:6379", "gpus": 1.0,
    }  # fmt: skip
    assert "the Ray cluster at 10.0.0.1:6379, each with 1 cores and 1 GPUs" in choice.sentence(
        choice.of_folder(tmp_path)
    )


@pytest.mark.fault(29)
def test_a_new_token_is_its_owner_s_alone_and_no_two_are_the_same(tmp_path):
    (tmp_path / "b").mkdir()
    one, other = token.new_token(tmp_path), token.new_token(tmp_path / "b")
    assert one.stat().st_mode & 0o777 == 0o600 and one.read_text() != other.read_text()


@pytest.mark.fault(29)
def test_a_cluster_without_a_token_is_used_only_where_that_was_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    asked = JobsConfig(executor="ray", address="10.0.0.1:6379")
    with pytest.raises(JobError, match="lets anybody who reaches it run code"):
        token.token_of(asked)
    assert token.token_of(asked.model_copy(update={"allow_no_token": True})) is None


@pytest.mark.fault(29)
def test_a_token_that_others_can_read_is_refused(tmp_path):
    (secret := tmp_path / "token").write_text("x" * 40)
    asked = JobsConfig(executor="ray", address="10.0.0.1:6379", token_file=str(secret))
    for mode in (0o640, 0o604):
        secret.chmod(mode)
        with pytest.raises(JobError, match=f"chmod 600 {secret}"):
            token.token_of(asked)
    secret.chmod(0o600)
    assert token.token_of(asked) == secret


@needs_ray
@pytest.mark.fault(29)
def test_a_job_whose_cluster_is_not_there_is_interrupted_and_says_what_to_do(run, tmp_path, monkeypatch):
    (secret := tmp_path / "token").write_text("x" * 40)
    secret.chmod(0o600)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.setenv(name, "")  # and so put back after the test
    monkeypatch.setenv("LANDSLIDE_JOBS", f"executor=ray address=127.0.0.1:9 token_file={secret}")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert job_worker.main(run) == 2
    finally:
        signal.signal(signal.SIGTERM, handler)
    status = run.status()
    assert status["state"] == "interrupted" and "No Ray cluster answers at 127.0.0.1:9" in status["message"]
    assert "x" * 40 not in run.log() + json.dumps(status)
