"""What the tables and arrays of a run hold: columns, axes and types of number; anything else is refused on reading.

Beside ``core.runs.contents``, which does the same for JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from core.errors import FormatError

RESULTS = "analyses"  # below this folder names are those of the analyses

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
HIGHEST_SCORE = 1e30  # no head's decision value comes near it, and what is computed from it stays finite


def check_table(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """``table`` itself, read from ``path``. Raises FormatError when it lacks columns or holds others' types."""
    if path.name not in _TABLES or RESULTS in path.parts[-4:]:
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
        _check_range(table, "label", (-1, 1))
        _check_range(table, "fold", _FOLDS)
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
        for key, (axes, kinds) in _ARRAYS.get(name, {}).items() if RESULTS not in path.parts[-4:] else ():
            if key not in arrays:
                raise FormatError(f"it has no array '{key}'")
            if arrays[key].ndim != axes or arrays[key].dtype.kind not in kinds:
                raise FormatError(f"its array '{key}' is {arrays[key].dtype} with {arrays[key].ndim} axes")
    if path.name == "embeddings.safetensors" and len(arrays["embeddings"]) != len(arrays["logits"]):
        raise FormatError("its arrays have different numbers of rows")
    if path.name == "scores.safetensors" and any(a.ndim != 1 or a.dtype.kind != "f" for a in arrays.values()):
        raise FormatError("its arrays are not one number a patch")
    if path.name == "scores.safetensors":
        for key, values in arrays.items():
            if not (np.abs(values) <= HIGHEST_SCORE).all():  # nan too
                raise FormatError(f"its array '{key}' holds what is no decision value")
    return arrays
