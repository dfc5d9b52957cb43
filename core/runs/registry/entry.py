"""One run as a row of the registry: plain values that are kept between two starts of the server.

A run that is damaged has its name and its state, and no numbers.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, TypeVar

from core.config import RunConfig
from core.errors import LandslideLensError
from core.runs.labels import Label, label_of, made_title
from core.runs.repeats import recipe_of
from core.runs.store import RunFolder

T = TypeVar("T")
# What of a folder decides its row: whoever changes one of them changes the row.
FILES = ("status.json", "summary.json", "config.json", "job.json", "provenance.json", "label.json")


@dataclass(frozen=True)
class Entry:
    """A run. ``f1`` and its interval are out of fold, of the headline head; ``fold_sd``: over the folds, that head's.

    ``settings``: those that are not the defaults, by their path, as JSON values. ``recipe``: equal for trainings that
    differ in seeds alone (``core.runs.repeats``). ``code``, ``data``: short hashes. ``experiment``: the set of runs
    that it belongs to. ``seconds``: of computing; None before the end. Times are ISO texts.
    """

    name: str
    title: str
    state: str = "failed"
    note: str = ""
    tags: tuple[str, ...] = ()
    starred: bool = False
    archived: bool = False
    dataset: str = ""
    preset: str = ""
    backbone: str = ""
    head: str = ""
    n: int | None = None
    f1: float | None = None
    f1_low: float | None = None
    f1_high: float | None = None
    auc: float | None = None
    fold_sd: float | None = None
    n_folds: int | None = None
    seed: int | None = None
    fold_seed: int | None = None
    recipe: str = ""
    code: str = ""
    data: str = ""
    seconds: float | None = None
    started: str = ""
    experiment: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Entry:
        """The inverse. Raises TypeError, KeyError or ValueError for what no entry holds."""
        known = {one.name for one in fields(cls)}
        if set(values) != known or not isinstance(values["settings"], dict) or not isinstance(values["tags"], list):
            raise ValueError("no entry")
        return cls(**{**values, "tags": tuple(map(str, values["tags"]))})

    @property
    def all_tags(self) -> tuple[str, ...]:
        """What a person wrote, and the experiment that it belongs to."""
        return (*self.tags, *((self.experiment,) if self.experiment and self.experiment not in self.tags else ()))


def read(run: RunFolder) -> Entry:
    """The row of this run, from its files; never raises for what is in them."""
    label, status = _or(lambda: label_of(run), Label()), run.known_status()
    nothing: dict[str, Any] = {}
    config, job, record = _or(run.config, None), _or(run.job, nothing), _or(run.provenance, nothing)
    values: dict[str, Any] = {
        "name": run.name,
        "title": label.title or _or(lambda: made_title(run), run.name),
        "state": str(status["state"]),
        "note": label.note,
        "tags": label.tags,
        "starred": label.starred,
        "archived": label.archived,
        "dataset": _or(lambda: str(record["dataset"]["name"]), _or(lambda: run.dataset_path().stem, "")),
        "experiment": str(job.get("experiment") or "")[:80],
        "code": _or(lambda: str(record["code"]["commit"] or record["code"]["version"])[:7], ""),
        "data": _or(lambda: str(record["dataset"]["content_hash"])[:7], ""),
        "recipe": _or(lambda: recipe_of(run)[:16], ""),
        "started": str(status.get("started") or status.get("created") or ""),
    }
    if config is not None:
        values |= {
            "preset": config.preset,
            "backbone": config.model.backbone,
            "fold_seed": config.fold_seed,
            "seed": config.seed,
            "n_folds": config.folds.n_splits,
            "settings": {path: value for path, value in flat(config).items() if value != defaults()[path]},
        }
    if values["state"] == "succeeded":
        values |= _or(lambda: _numbers(run), nothing)
    return Entry(**values)


def flat(config: RunConfig) -> dict[str, Any]:
    """Every setting by its path ("train.lr"), as JSON values; the preset's name is none."""
    found: dict[str, Any] = {}
    for section, value in config.model_dump(mode="json").items():
        found |= (
            {f"{section}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {section: value}
        )
    found.pop("preset", None)
    return found


@cache
def defaults() -> dict[str, Any]:
    """Every setting as it is where nobody sets it; not to be changed."""
    return flat(RunConfig())


def _numbers(run: RunFolder) -> dict[str, Any]:
    summary = run.summary()
    oof, own = summary["oof"], [fold.get("f1") for fold in summary.get("folds", ())]
    known = [float(value) for value in own if value is not None]
    low, high = oof.get("f1_interval") or (None, None)
    return {
        "head": summary["head"],
        "n": oof["n"],
        "f1": oof["f1"],
        "f1_low": low,
        "f1_high": high,
        "auc": oof["auc"],
        "fold_sd": statistics.stdev(known) if len(known) > 1 else None,
        "seconds": summary.get("seconds"),
    }


def _or(what: Callable[[], T], otherwise: T) -> T:
    try:
        return what()
    except (LandslideLensError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return otherwise
