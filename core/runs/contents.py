"""What the files of a run and of a job hold, as this program writes them; anything else is refused when it is read.

What a file may lack (older runs do) is ``NotRequired``; what it may hold besides passes. Numbers that do not exist
are null. Tables are checked by the columns, arrays by name, shape and type of number.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from core.errors import FormatError

_open = with_config(ConfigDict(extra="allow", strict=True))
Number = float | None
Count = Annotated[int, Field(ge=0, le=10**9)]
Text = Annotated[str, Field(max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
FoldNumber = Annotated[int, Field(ge=0, lt=127)]


@_open
class Status(TypedDict):
    """``status.json`` of a run or another job."""

    state: Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]
    created: NotRequired[Text | None]
    started: NotRequired[Text | None]
    finished: NotRequired[Text | None]
    updated: NotRequired[Text | None]
    stage: NotRequired[Text | None]
    message: NotRequired[Annotated[str, Field(max_length=100_000)] | None]
    error: NotRequired[Annotated[str, Field(max_length=100_000)] | None]
    progress: NotRequired[Annotated[float, Field(ge=0.0, le=1.001)] | None]
    eta_s: NotRequired[Number]
    elapsed_s: NotRequired[Number]
    heartbeat: NotRequired[Number]
    pid: NotRequired[Annotated[int, Field(ge=0, lt=2**31)] | None]
    pid_started: NotRequired[Number]
    fold: NotRequired[Count | None]
    n_folds: NotRequired[Count | None]
    epoch: NotRequired[Count | None]
    epochs: NotRequired[Count | None]
    seen: NotRequired[bool | None]


@_open
class RunJob(TypedDict):
    """``job.json`` of a run."""

    dataset: Name | Text
    spec: Text


@_open
class Target(TypedDict):
    """What an analysis asks about."""

    kind: Literal["run", "dataset", "checkpoints"]
    path: NotRequired[Text]


@_open
class AnalysisJob(TypedDict):
    """``job.json`` of an analysis."""

    analysis: Name
    target: Target
    options: dict[str, Any]


@_open
class Confusion(TypedDict):
    """Patches by label and answer."""

    tn: Count
    fp: Count
    fn: Count
    tp: Count


@_open
class Scores(TypedDict):
    """What one head scores."""

    n: Count
    f1: Number
    auc: Number
    precision: Number
    recall: Number
    specificity: NotRequired[Number]
    accuracy: NotRequired[Number]
    balanced_accuracy: NotRequired[Number]
    mcc: NotRequired[Number]
    average_precision: NotRequired[Number]
    brier: NotRequired[Number]
    ece: NotRequired[Number]
    threshold: NotRequired[Number]
    confusion: NotRequired[Confusion]


@_open
class HeadScores(Scores):
    """A head out of fold, with its intervals."""

    intervals: NotRequired[dict[str, Pair]]


@_open
class Headline(Scores):
    """The headline's scores."""

    f1_interval: Pair


@_open
class SummaryFold(TypedDict):
    """One fold in the summary."""

    fold: FoldNumber
    n_train: NotRequired[Count]
    n_val: NotRequired[Count]
    seconds: NotRequired[Number]
    images_per_second: NotRequired[Number]
    f1: NotRequired[Number]
    auc: NotRequired[Number]
    heads: NotRequired[dict[str, Scores]]
    left_out: NotRequired[dict[str, str]]


@_open
class Difference(TypedDict):
    """The headline against a baseline, by metric."""

    f1: NotRequired[dict[str, Number]]
    auc: NotRequired[dict[str, Number]]


@_open
class Summary(TypedDict):
    """``summary.json``."""

    run: Text
    dataset_name: Text
    class_names: NotRequired[Annotated[list[Text], Field(min_length=2, max_length=2)]]
    positive: Text
    grouped: NotRequired[bool | None]
    head: Name
    threshold_rule: NotRequired[Text]
    preset: NotRequired[Text]
    oof: Headline
    heads: dict[str, HeadScores]
    folds: list[SummaryFold]
    differences: NotRequired[dict[str, dict[str, dict[str, Number]]]]
    seconds: NotRequired[Number]
    images_per_second: NotRequired[Number]
    device: NotRequired[Text | None]
    left_out: NotRequired[dict[str, str]]
    warnings: NotRequired[list[str]]


@_open
class HeadRule(TypedDict):
    """How one head's decision values become answers, by fold."""

    slope: list[Number] | None
    intercept: list[Number] | None
    thresholds: Annotated[list[Number], Field(min_length=1, max_length=127)]
    deployed: Number


@_open
class RunDataset(TypedDict):
    """The dataset in ``provenance.json``."""

    name: NotRequired[Text]
    path: NotRequired[Text]
    content_hash: NotRequired[Text]
    source: NotRequired[Text]
    licence: NotRequired[Text]
    n: NotRequired[Count]
    shape: NotRequired[Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=3, max_length=3)]]


@_open
class Provenance(TypedDict):
    """``provenance.json``."""

    dataset: NotRequired[RunDataset]
    code: NotRequired[dict[str, Any]]
    libraries: NotRequired[dict[str, Any]]
    device: NotRequired[dict[str, Any]]
    selection: NotRequired[dict[str, Any]]
    missing: NotRequired[dict[str, Any]]
    columns: NotRequired[list[dict[str, Any]]]


@_open
class FoldCard(TypedDict):
    """``fold_k/fold.json``."""

    n_train: NotRequired[Count]
    n_val: NotRequired[Count]
    n_inner: NotRequired[Count]
    n_synthetic: NotRequired[Count]
    seed: NotRequired[int]
    left_out: NotRequired[dict[str, str]]
    weights: NotRequired[dict[str, Any] | None]
    seconds: NotRequired[Number]
    images_per_second: NotRequired[Number]


@_open
class FoldIds(TypedDict):
    """``folds.json``."""

    n_splits: Annotated[int, Field(ge=2, le=20)]
    seed: int
    grouped: bool
    folds: Annotated[list[list[str]], Field(min_length=2, max_length=20)]


@_open
class Agreement(TypedDict):
    """How well a boundary on the map is the head's own."""

    agreement: NotRequired[Number]
    majority: NotRequired[Number]


@_open
class MapCard(TypedDict):
    """``fold_k/umap.json``."""

    method: NotRequired[Text]
    note: NotRequired[Text | None]
    trustworthiness: NotRequired[Number]
    placed: NotRequired[Number]
    heads: dict[str, Agreement]
    settings: NotRequired[dict[str, Any]]
    made_from: NotRequired[dict[str, str]]


@_open
class CamCard(TypedDict):
    """``cam/card.json``."""

    layer: Name
    target: Text
    head: NotRequired[Text]
    size: NotRequired[Annotated[list[Count], Field(min_length=2, max_length=2)]]
    method: NotRequired[Text]


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
_RESULTS = "analyses"  # below this folder names are those of the analyses


@cache
def _adapter(name: str) -> TypeAdapter:
    return TypeAdapter(_JSON[name])


def check_json(path: Path, value: Any) -> Any:
    """``value`` itself, read from ``path``. Raises FormatError, saying where, when it is not what such a file holds."""
    for name in (path.name, f"{path.parent.name}/{path.name}"):
        if name in _JSON and _RESULTS not in path.parts[-4:]:
            try:
                _adapter(name).validate_python(value)
            except ValidationError as error:
                raise FormatError(_complaint(error)) from error
            if name == "summary.json" and value["head"] not in value["heads"]:
                raise FormatError(f"its head '{value['head']:.60}' is none of its heads")
    return value


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part)[:60] for part in first["loc"]) or "all of it"
    more = f", and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{where}: {first['msg']}{more}"


# ------------------------------------------------------------------------------------------------------ tables

_NUMBERS, _TEXT = "biuf", "OTU"
_TABLES: dict[str, Mapping[str, str]] = {  # column -> kinds of numpy's types; a text column that is empty may be any
    "oof.parquet": {"id": _TEXT, "label": "iu", "fold": "iu", "group": _TEXT},
    "occlusion.parquet": {"id": _TEXT, "head": _TEXT, "baseline": _TEXT, "band": _TEXT, "p0": "f", "p_b": "f"},
    "band_groups.parquet": {"id": _TEXT, "head": _TEXT, "baseline": _TEXT, "group": _TEXT, "shapley": "f"},
    "leaks.parquet": {"a": _TEXT, "b": _TEXT, "kind": _TEXT},
    "history.parquet": {"epoch": _NUMBERS},
    "samples.parquet": {"id": _TEXT, "label": _NUMBERS, "epoch": _NUMBERS, "prob": "f"},
    "smote.parquet": {
        "fold": "iu", "synthetic": _TEXT, "anchor": _TEXT, "neighbour": _TEXT, "anchor_weight": "f", "ssim": "f",
        "seed": _NUMBERS,
    },
    "index.parquet": {"id": _TEXT, "fold": "iu", "row": "iu"},
}  # fmt: skip
_HEAD_COLUMNS = {"score_": "f", "prob_": "f", "pred_": "iu"}  # of oof.parquet, by head
_FOLDS = (-1, 126)


def check_table(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """``table`` itself, read from ``path``. Raises FormatError when it lacks columns or holds others' types."""
    if path.name not in _TABLES or _RESULTS in path.parts[-4:]:
        return table
    wanted = dict(_TABLES[path.name])
    if path.name == "oof.parquet":
        wanted |= {name: kind for name in table for start, kind in _HEAD_COLUMNS.items() if str(name).startswith(start)}
    elif path.name == "history.parquet":
        wanted |= {name: _NUMBERS + _TEXT if name == "placement" else _NUMBERS for name in map(str, table.columns)}
    missing = [name for name in wanted if name not in table]
    if missing:
        raise FormatError(f"it has no column {', '.join(missing)}")
    if len(table):
        wrong = [name for name, kinds in wanted.items() if _kind(table[name]) not in kinds]
        if wrong:
            raise FormatError(f"its column {wrong[0]!r:.60} holds {table[wrong[0]].dtype}")
        for name in {"label": (-1, 1), "fold": _FOLDS}.items():
            _check_range(table, *name)
    if path.name == "oof.parquet":
        _check_heads(table)
    return table


def _kind(column: pd.Series) -> str:
    return "T" if isinstance(column.dtype, pd.StringDtype) else column.dtype.kind


def _check_range(table: pd.DataFrame, name: str, ends: tuple[int, int]) -> None:
    if name in table and not table[name].between(*ends).all():
        raise FormatError(f"its column '{name}' goes beyond {ends[0]} to {ends[1]}")


def _check_heads(table: pd.DataFrame) -> None:
    heads = {str(name)[5:] for name in table if str(name).startswith("prob_")}
    lacking = [f"pred_{head}" for head in sorted(heads) if f"pred_{head}" not in table]
    if lacking:
        raise FormatError(f"it has no column {', '.join(lacking)}")
    if table["id"].isna().any() or table["id"].duplicated().any():
        raise FormatError("its ids are not one a patch")
    for head in sorted(heads):
        if not (table[f"prob_{head}"].isna() | table[f"prob_{head}"].between(0, 1)).all():
            raise FormatError(f"its column 'prob_{head:.60}' goes beyond 0 to 1")


# ------------------------------------------------------------------------------------------------------ arrays

# File -> array -> (axes, kinds of numpy's types). Heads' own files are checked by the heads.
_ARRAYS: dict[str, Mapping[str, tuple[int, str]]] = {
    "embeddings.safetensors": {"embeddings": (2, "f"), "logits": (2, "f")},
    "head_rows.safetensors": {"train": (1, "iu"), "val": (1, "iu"), "labels": (1, "iu"), "synthetic": (2, "f")},
    "cam/maps.safetensors": {"cams": (3, "f")},
    "umap.safetensors": {"xy": (2, "f")},
}


def check_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """``arrays`` themselves, read from ``path``. Raises FormatError when some are missing or of other axes."""
    for name in (path.name, f"{path.parent.name}/{path.name}"):
        for key, (axes, kinds) in _ARRAYS.get(name, {}).items() if _RESULTS not in path.parts[-4:] else ():
            if key not in arrays:
                raise FormatError(f"it has no array '{key}'")
            if arrays[key].ndim != axes or arrays[key].dtype.kind not in kinds:
                raise FormatError(f"its array '{key}' is {arrays[key].dtype} with {arrays[key].ndim} axes")
    if path.name == "embeddings.safetensors" and len(arrays["embeddings"]) != len(arrays["logits"]):
        raise FormatError("its arrays have different numbers of rows")
    if path.name == "scores.safetensors" and any(a.ndim != 1 or a.dtype.kind != "f" for a in arrays.values()):
        raise FormatError("its arrays are not one number a patch")
    return arrays
