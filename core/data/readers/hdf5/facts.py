"""What an HDF5 file says of its patches beside their pixels: labels, ids, groups, splits, places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.data.readers.base import Aside, ReaderOptions
from core.data.readers.tables import DEFAULT_CLASSES, NO_VALUE, label_rule
from core.errors import FormatError, LabelError, UnsafeFileError

TEXT_BYTES = 64 * 2**20  # of one array of text, and of what is read of it at once
UNLABELLED = (-1.0,)  # numbers that mean: no label


def read_fact(data: Any, name: str, file: str) -> np.ndarray:
    """(N,) text or numbers of a small array; (N, 2) for places. Numbers that an enumeration names become its names."""
    shape = data.shape[:1] if data.shape[1:] in ((), (1,)) else data.shape
    if shape != ((data.shape[0], 2) if name == "lonlat" else data.shape[:1]):
        wanted = "(N, 2): longitude and latitude" if name == "lonlat" else "(N,): one value a patch"
        hint = " Say --keys masks=NAME if these are masks." if name == "labels" and data.ndim > 2 else ""
        raise FormatError(f"'{name}' of {file} has the shape {data.shape}; accepted: {wanted}.{hint}")
    if data.dtype.kind == "O":
        texts = _text_of_any_length(data, name, file)
        return texts if name == "labels" else np.array([text.strip() for text in texts], dtype=np.str_)
    values = np.asarray(data[()]).reshape(shape)
    enumerated = h5py.check_enum_dtype(data.dtype)
    if enumerated and values.dtype.kind in "iu":
        names = {number: text for text, number in enumerated.items()}
        values = np.array([names.get(value, str(value)) for value in values.tolist()], dtype=np.str_)
    if values.dtype.kind not in "iufb":
        values = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values.astype(np.str_)
    if name == "lonlat":
        return values.astype(np.float64)
    return values if name == "labels" else np.array([_text(value) for value in values.tolist()], dtype=np.str_)


def _text_of_any_length(data: Any, name: str, file: str) -> np.ndarray:
    """Text as h5py writes it by default. Read bit by bit: many cells may point to the same long text of the file."""
    most = max(1, TEXT_BYTES // max(Path(data.file.filename).stat().st_size, 1))
    found: list[str] = []
    total = 0
    for start in range(0, len(data), most):
        for cell in np.ravel(data[start : start + most]):
            text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
            total += len(text)
            if total > TEXT_BYTES:
                raise UnsafeFileError(f"'{name}' of {file} holds more than {TEXT_BYTES >> 20} MiB of text.")
            found.append(text)
    return np.array(found, dtype=object)


def _text(value: object) -> str:
    """A value as an id or a group: 3.0 is 3."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def labels_of(
    values: np.ndarray | None, n: int, options: ReaderOptions, aside: Aside
) -> tuple[tuple[str, str], list[int]]:
    """(negative, positive) names, and 1, 0 or -1 for each of ``n`` patches. Raises LabelError for other values."""
    if values is None:
        return DEFAULT_CLASSES, [-1] * n
    if values.dtype.kind in "iufb":
        numbers = values.astype(np.float64)
        texts = ["" if value in UNLABELLED or np.isnan(value) else f"{value:g}" for value in numbers.tolist()]
    else:
        texts = [text.strip() for text in values.tolist()]
    if all(text.lower() in NO_VALUE for text in texts):
        return DEFAULT_CLASSES, [-1] * n
    rule = label_rule(texts, options.positive, aside)
    try:
        return rule.classes, [rule.label(text) for text in texts]
    except LabelError as error:
        raise LabelError(f"{error} Labels are 0, 1, or -1 for none; or names.") from error


def ids_of(values: np.ndarray | None, stem: str, n: int, aside: Aside) -> list[str]:
    """The ids in the file where they are all different, otherwise the file's name and the row."""
    if values is not None and len(set(values.tolist())) == n and all(values.tolist()):
        return values.tolist()
    if values is not None:
        aside.warn("The ids in the file are not all different, so patches are named by their row instead.")
    width = len(str(n - 1))
    return [f"{stem}_{row:0{width}d}" for row in range(n)]
