"""A set of runs that answers one question (``core.experiments``): one job, its rows ordinary runs, one table.

The job trains its rows one after the other in one process, which reads the dataset once. What is finished is kept: a
job that was broken off, or is asked again, goes on with what is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options, Sets
from core.config.sections import names_of
from core.errors import RunError
from core.experiments.base import Asked, planned
from core.experiments.registry import kind
from core.progress import Steps
from core.runs.registry.run_set import RunSet
from core.runs.store import list_runs
from core.runs.targets import DatasetTarget

NAME, WORD = "ablate", "Experiment"
CHOSEN = "experiment"  # the name in the URL of the one that the page shows
TABLE = "table.json"


class AblateOptions(Options):
    """Which question, and at what cost."""

    kind: str = Field(
        title="Experiment",
        description="table2, table3, backbones (paper A), unfreeze (paper B), grid (any settings), and others that "
        "`ablate --help` lists.",
    )
    preset: str = Field(
        "", title="Preset", description="Preset that the rows are made from; empty: the experiment's own."
    )
    settings: str = Field(
        "",
        title="Settings",
        description="Settings that every row gets, section.key=value, with semicolons between.",
    )
    vary: str = Field(
        "",
        title="What to vary",
        description="Of a grid: section.key=a,b, with semicolons between: train.lr=0.001,0.003; train.epochs=5,10.",
    )
    others: tuple[str, ...] = Field(
        (), title="Further datasets", description="Dataset files beside the first, for experiments that need them."
    )
    budget: Literal["full", "small"] = Field(
        "full",
        title="Budget",
        description="full: as the papers have it. small: 2 folds, at most 5 epochs, smaller patches and networks; the "
        "table says so, with what the full budget would take.",
    )
    seeds: int = Field(
        1,
        ge=1,
        le=20,
        title="Seeds",
        description="Trainings of each row that differ in their seed alone; from 2 on a difference must hold for other "
        "trainings too.",
    )

    @field_validator("kind")
    @classmethod
    def _is_known(cls, value: str) -> str:
        from core.errors import ConfigError

        try:
            return kind(value).name
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @field_validator("others", mode="before")
    @classmethod
    def _one_path_is_a_list(cls, value: Any) -> Any:
        return names_of(value) or ()

    @property
    def device(self) -> str:
        """The device of the rows, whose lane the job waits in."""
        named = [item.partition("=")[2].strip() for item in listed(self.settings) if item.startswith("device=")]
        return named[-1] if named else "auto"


def listed(text: str) -> tuple[str, ...]:
    """Settings that are written with semicolons between them."""
    return tuple(filter(None, map(str.strip, text.split(";"))))


def name_of(options: Mapping[str, Any]) -> str:
    """What an experiment with these options is called: ``unfreeze-1a2b3c4d``; runs and links know it by this name."""
    text = json.dumps(ANALYSIS.options(options).model_dump(mode="json"), sort_keys=True)
    return f"{options['kind']}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def check(target: DatasetTarget, options: AblateOptions) -> None:
    """Raises ConfigError, before anything waits, for rows that cannot be made."""
    planned(kind(options.kind), _asked(target, options))


def analyse(target: DatasetTarget, options: AblateOptions) -> Steps[dict[str, Any]]:
    """Train the rows that are missing and compare them. Raises as ``core.experiments.running.run_rows``."""
    from core.experiments.results import sentence
    from core.experiments.running import run_rows

    name = name_of(options.model_dump(mode="json"))
    asked, folder = _asked(target, options), target.results(NAME).part(name)
    table = yield from run_rows(asked, kind(options.kind), name, folder, options.seeds)
    values = table.to_dict()
    failed = [row["title"] for row in values["rows"] if row["state"] == "failed"]
    message = sentence(values) + (f" Not trained: {', '.join(failed)}." if failed else "")
    return {"message": message, "experiment": name, **values}


def names(target: DatasetTarget) -> list[str]:
    """The experiments that have begun on this dataset, in alphabetical order."""
    return target.results(NAME).parts(having=TABLE)


def read(target: DatasetTarget, name: str | None = None) -> dict[str, Any] | None:
    """The table of an experiment as far as it has come (``core.experiments.results.Table.to_dict``), or None.

    name: none is the only, or the first one.
    """
    known = names(target)
    name = name or (known[0] if known else None)
    return target.results(NAME).part(name).json(TABLE) if name in known else None


def runs_of(target: DatasetTarget, name: str) -> list[str]:
    """The runs that an experiment has trained itself, newest first."""
    return [run.name for run in list_runs(target.checkpoints) if run.job().get("experiment") == name]


def told(target: DatasetTarget, name: str) -> RunSet:
    """An experiment as a row of the list of runs. Raises RunError for a damaged table."""
    from core.experiments.results import sentence

    table = target.results(NAME).part(name).json(TABLE)
    try:
        done = [row for row in table["rows"] if row["state"] == "succeeded"]
        best = max(done, key=lambda row: row["oof"]["f1"], default=None)
        numbers: dict[str, Any] = {}
        if best is not None:
            oof, spread = best["oof"], best["oof"].get("f1_seeds", {})
            numbers = {
                "best": best["title"], "f1": oof["f1"], "f1_low": oof["f1_interval"][0],
                "f1_high": oof["f1_interval"][1], "auc": oof["auc"], "seeds_sd": spread.get("sd"),
                "seconds": 60 * sum(row["minutes"] for row in done),
            }  # fmt: skip
        states = [row["state"] for row in table["rows"]]
        return RunSet(
            name=name, word=WORD, title=f"{table['title']}, {table['budget']} budget", dataset=table["dataset_name"],
            sentence=sentence(table), rows=len(states), ended=len(states) - states.count("waiting"),
            failed=states.count("failed"), runs=tuple(run for row in done for run in row["runs"]),
            seeds=int(table["seeds"]), varies=table.get("across") or "", **numbers,
        )  # fmt: skip
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"The table of the experiment {name} is damaged. Ask for it again.") from error


def _asked(target: DatasetTarget, options: AblateOptions) -> Asked:
    from core.data.store import open_dataset

    return Asked(
        open_dataset(target.path), target.checkpoints, options.budget, options.preset, listed(options.settings),
        listed(options.vary), tuple(map(Path, options.others)),
    )  # fmt: skip


ANALYSIS = Analysis(
    name=NAME,
    title="Experiment",
    summary="Trains a set of runs that answers one question, and compares them: ablations, backbones, unfreezing, any "
    "grid of settings.",
    page="train",
    view="experiments",
    Options=AblateOptions,
    run=analyse,
    read=read,
    target="dataset",
    check=check,
    sets=Sets(WORD, CHOSEN, name_of, names, told),
)
