"""What the JSON files of a run and of a job hold, as this program writes them; anything else is refused on reading.

Of JSON the types of what is there are checked, and what a file lacks is said when it is asked for (:class:`Record`):
older runs lack some. Numbers that do not exist are null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from core.errors import FormatError, RunError
from core.runs.table_contents import RESULTS

_open = with_config(ConfigDict(extra="allow", strict=True))
Number = float | None
Count = Annotated[int, Field(ge=0, le=10**9)]
Text = Annotated[str, Field(max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
FoldNumber = Annotated[int, Field(ge=0, lt=127)]


@_open
class Status(TypedDict, total=False):
    """``status.json`` of a run or another job."""

    state: Required[Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]]
    created: Text | None
    started: Text | None
    finished: Text | None
    updated: Text | None
    stage: Text | None
    message: Annotated[str, Field(max_length=100_000)] | None
    error: Annotated[str, Field(max_length=100_000)] | None
    progress: Annotated[float, Field(ge=0.0, le=1.001)] | None
    eta_s: Number
    elapsed_s: Number
    heartbeat: Number
    pid: Annotated[int, Field(ge=0, lt=2**31)] | None
    pid_started: Text | float | None  # a number in folders of earlier versions
    fold: Count | None
    n_folds: Count | None
    epoch: Count | None
    epochs: Count | None
    seen: bool | int | None


@_open
class RunJob(TypedDict, total=False):
    """``job.json`` of a run."""

    dataset: Required[Text]
    spec: Text


@_open
class Target(TypedDict, total=False):
    """What an analysis asks about."""

    kind: Literal["run", "dataset", "checkpoints"]
    path: Text


@_open
class AnalysisJob(TypedDict, total=False):
    """``job.json`` of an analysis."""

    analysis: Required[Name]
    target: Required[Target]
    options: Required[dict[str, Any]]


@_open
class Confusion(TypedDict, total=False):
    """Patches by label and answer."""

    tn: Count
    fp: Count
    fn: Count
    tp: Count


@_open
class Scores(TypedDict, total=False):
    """What one head scores."""

    n: Count
    f1: Number
    auc: Number
    precision: Number
    recall: Number
    specificity: Number
    accuracy: Number
    balanced_accuracy: Number
    mcc: Number
    average_precision: Number
    brier: Number
    ece: Number
    threshold: Number
    confusion: Confusion


@_open
class HeadScores(Scores, total=False):
    """A head out of fold, with its intervals."""

    intervals: dict[str, Pair]


@_open
class Headline(Scores, total=False):
    """The headline's scores."""

    f1_interval: Pair


@_open
class SummaryFold(TypedDict, total=False):
    """One fold in the summary."""

    fold: FoldNumber
    n_train: Count
    n_val: Count
    seconds: Number
    images_per_second: Number
    f1: Number
    auc: Number
    heads: dict[str, Scores]
    left_out: dict[str, str]


@_open
class Summary(TypedDict, total=False):
    """``summary.json``."""

    run: Text
    dataset_name: Text
    class_names: Annotated[list[Text], Field(min_length=2, max_length=2)]
    positive: Text
    grouped: bool | None
    head: Name
    threshold_rule: Text
    preset: Text
    oof: Headline
    heads: dict[str, HeadScores]
    folds: list[SummaryFold]
    differences: dict[str, dict[str, dict[str, Number]]]
    seconds: Number
    core_seconds: Number
    images_per_second: Number
    device: Text | None
    left_out: dict[str, str]
    warnings: list[str]


@_open
class HeadRule(TypedDict, total=False):
    """How one head's decision values become answers, by fold."""

    slope: list[Number] | None
    intercept: list[Number] | None
    thresholds: Annotated[list[Number], Field(min_length=1, max_length=127)]
    deployed: Number


@_open
class RunDataset(TypedDict, total=False):
    """The dataset in ``provenance.json``."""

    name: Text
    path: Text
    content_hash: Text
    source: Text
    licence: Text
    n: Count
    shape: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=3, max_length=3)]


@_open
class Provenance(TypedDict, total=False):
    """``provenance.json``."""

    dataset: RunDataset
    code: dict[str, Any]
    libraries: dict[str, Any]
    device: dict[str, Any]
    selection: dict[str, Any]
    missing: dict[str, Any]
    columns: list[dict[str, Any]]


@_open
class FoldCard(TypedDict, total=False):
    """``fold_k/fold.json``."""

    n_train: Count
    n_val: Count
    n_inner: Count
    n_synthetic: Count
    seed: int
    left_out: dict[str, str]
    weights: dict[str, Any] | None
    seconds: Number
    cores: Count
    images_per_second: Number


@_open
class FoldIds(TypedDict, total=False):
    """``folds.json``."""

    n_splits: Annotated[int, Field(ge=1, le=20)]
    seed: int
    grouped: bool
    folds: Annotated[list[list[str]], Field(min_length=1, max_length=20)]
    only_train: list[str]


@_open
class Agreement(TypedDict, total=False):
    """How well a boundary on the map is the head's own."""

    agreement: Number
    majority: Number


@_open
class MapCard(TypedDict, total=False):
    """``fold_k/umap.json``."""

    method: Text
    note: Text | None
    trustworthiness: Number
    placed: Number
    heads: dict[str, Agreement]
    settings: dict[str, Any]
    made_from: dict[str, str]


@_open
class CamCard(TypedDict, total=False):
    """``cam/card.json``."""

    layer: Name
    target: Text
    head: Text
    size: Annotated[list[Count], Field(min_length=2, max_length=2)]
    method: Text


# By the end of the path, so that a file that is read through a cache is checked as well.
_JSON: dict[str, Any] = {
    "status.json": Status,
    "job.json": RunJob | AnalysisJob,
    "summary.json": Summary,
    "rules.json": dict[str, HeadRule],
    "provenance.json": Provenance,
    "folds.json": FoldIds,
    "fold.json": FoldCard,
    "umap.json": MapCard,
    "cam/card.json": CamCard,
}


@cache
def _adapter(name: str) -> TypeAdapter:
    return TypeAdapter(_JSON[name])


class Record(dict):
    """An object of JSON that says which file lacks the key that is asked for."""

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]], where: str = "The file") -> None:
        super().__init__(values)
        self.where = where

    def __missing__(self, key: str) -> Any:
        raise RunError(f"{self.where} is damaged: it does not say '{key}'. Restore it, or run again.")

    def __reduce__(self) -> tuple:
        return Record, (dict(self), self.where)


def _recorded(value: Any, where: str) -> Any:
    """``value`` with every object in it a :class:`Record`; lists are changed in place."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            if type(item) in (dict, list):
                value[place] = _recorded(item, where)
        return value
    if not isinstance(value, dict):
        return value
    for key, item in value.items():
        if type(item) in (dict, list):
            value[key] = _recorded(item, where)
    return Record(value, where)


def check_json(path: Path, value: Any) -> Any:
    """``value``, read from ``path``, objects as :class:`Record`.

    Raises FormatError, saying where, when it is not what such a file holds.
    """
    for name in (path.name, f"{path.parent.name}/{path.name}"):
        if name in _JSON and RESULTS not in path.parts[-4:]:
            try:
                _adapter(name).validate_python(value)
            except ValidationError as error:
                raise FormatError(_complaint(error)) from error
            if name == "summary.json" and value.get("head") not in (None, *value.get("heads", (value.get("head"),))):
                raise FormatError(f"its head '{value['head']:.60}' is none of its heads")
    return _recorded(value, f"{path.parent.name}/{path.name}")


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part)[:60] for part in first["loc"]) or "all of it"
    more = f", and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}"
