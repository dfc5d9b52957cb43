"""Where the parts of jobs are done: the settings ``jobs.*``, which are no part of a run's configuration.

They say where numbers are made, not which: a run has the same specification wherever its folds are trained. What counts
is, from the last to the first: ``jobs.json`` in the checkpoints folder (``python -m core jobs executor``), the
environment variable ``LANDSLIDE_JOBS`` ("executor=ray address=10.0.0.1:6379"), and ``jobs.json`` in the job's own
folder (``train --set jobs.executor=ray``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from core.config.sections import Section, explain_validation
from core.errors import ConfigError, LandslideLensError
from core.io.plain_file import is_plain
from core.jobs.rows import JobFolder
from core.runs.plain_files import read_json, write_json

FILE, VARIABLE, PREFIX = "jobs.json", "LANDSLIDE_JOBS", "jobs."
OF_A_JOB = ("executor", "cpus", "gpus", "most", "retries", "workers_per_fold")  # the others say where a token is sent
_ADDRESS = re.compile(r"[A-Za-z0-9.-]{1,253}:\d{1,5}")


class JobsConfig(Section):
    """The settings ``jobs.*``."""

    executor: Literal["local", "processes", "ray"] = Field(
        "local",
        description="local: the job's own process does its parts, one after the other. processes: several processes "
        "of this machine do, each on some of its cores. ray: a Ray cluster.",
    )
    address: str = Field(
        "", description="Of the cluster's head, host:port; empty: one of this machine alone, for the job's duration."
    )
    token_file: str = Field("", description="File with the cluster's token; empty: RAY_AUTH_TOKEN_PATH, or Ray's own.")
    allow_no_token: bool = Field(False, description="Connect to a cluster that asks for no token.")
    cpus: int = Field(1, ge=1, le=1024, description="Cores, and threads, of each part.")
    gpus: float = Field(0.0, ge=0.0, le=64.0, description="GPUs of each part; 0.5 lets two parts share one.")
    most: int = Field(0, ge=0, le=100_000, description="Parts that are done at once; 0: as many as find room.")
    retries: int = Field(3, ge=0, le=100, description="How often a part whose worker was lost goes on elsewhere.")
    workers_per_fold: int = Field(
        1, ge=1, le=1024, description="Workers that train one fold together, each on its share of every batch."
    )

    @field_validator("address")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("write host:port, for example 10.0.0.1:6379, or nothing for a cluster of this machine")
        return value


def settings_of(folder: JobFolder) -> JobsConfig:
    """What holds for this job. Raises ConfigError naming the file or variable that cannot be used."""
    own = _read(folder.path / FILE)
    if foreign := sorted(set(own) - set(OF_A_JOB)):
        raise ConfigError(f"{folder.path.name}/{FILE} sets {', '.join(foreign)}, which is no job's own. Delete it.")
    found = of_folder(Path(folder.checkpoints))
    found = with_settings(found, _parsed(os.environ.get(VARIABLE, "").split()), VARIABLE)
    return with_settings(found, own, f"{folder.path.name}/{FILE}")


def of_folder(checkpoints: Path) -> JobsConfig:
    """What was written down for all jobs of a checkpoints folder."""
    return with_settings(JobsConfig(), _read(Path(checkpoints) / FILE), FILE)


def is_said(checkpoints: Path) -> bool:
    """Whether somebody chose where the jobs of this folder, or of this process, are done. Raises ConfigError."""
    return VARIABLE in os.environ or of_folder(checkpoints) != JobsConfig()


def of_a_job(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What may be said of a single job. Raises ConfigError for what holds for all of a checkpoints folder."""
    if wrong := sorted(set(said) - set(OF_A_JOB)):
        raise ConfigError(
            f"jobs.{wrong[0]} is set for all jobs of a checkpoints folder, since a folder that was copied must not say "
            "where a token goes: python -m core jobs executor ray --address HOST:PORT"
        )
    return said


def write(folder: Path, said: Mapping[str, Any]) -> None:
    """Keep settings in a checkpoints folder or a job's folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    write_json(Path(folder) / FILE, dict(said))


def with_settings(config: JobsConfig, said: Mapping[str, Any], where: str) -> JobsConfig:
    """A copy with what was said. Raises ConfigError."""
    try:
        return JobsConfig.model_validate(config.model_dump() | dict(said))
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain_validation(error)}") from error


def split(overrides: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Settings of the run, and what is said of its jobs. Raises ConfigError for a setting ``jobs.*`` that is none."""
    given = list(overrides)
    of_jobs = [item.strip().removeprefix(PREFIX) for item in given if item.strip().startswith(PREFIX)]
    said = _parsed(of_jobs)
    with_settings(JobsConfig(), said, "jobs")
    return [item for item in given if not item.strip().startswith(PREFIX)], said


def _parsed(items: Iterable[str]) -> dict[str, Any]:
    found = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator:
            raise ConfigError(f"'{item}' is not a setting of jobs. Write executor=ray, for example.")
        found[key.strip()] = value.strip()
    return found


def _read(path: Path) -> Mapping[str, Any]:
    if not is_plain(path):
        return {}
    try:
        said = read_json(path)
    except LandslideLensError as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(said, Mapping):
        raise ConfigError(f"{path.name} does not hold settings of jobs.")
    return said
