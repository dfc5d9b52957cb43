"""What an HDF5 file says of its patches beside their pixels: labels, ids, groups, splits, places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.data.readers.base import Aside, ReaderOptions
from core.data.readers.tables import DEFAULT_CLASSES, is_empty, label_rule
from core.errors import FormatError, LabelError, UnsafeFileError

TEXT_BYTES = 64 * 2**20  # of one array of text, and of what is read of it at once


def read_fact(data: Any, name: str, file: str) -> np.ndarray:
    """(N,) text or numbers of a small array; (N, 2) for places, (N, K) numbers where labels are such.

    Numbers that an enumeration names become its names.
    """
    shape = data.shape[:1] if data.shape[1:] in ((), (1,)) else data.shape
    if name == "labels" and len(shape) == 2 and data.dtype.kind in "iufb":
        return np.asarray(data[()])
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
        coded: Any = values
        values = np.char.decode(coded, "utf-8", "replace") if values.dtype.kind == "S" else values.astype(np.str_)
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


def _from_one_hot(values: np.ndarray, aside: Aside) -> np.ndarray:
    """(N,) number of the column of (N, K) that is 1 in each row, from 0; nan in rows of zeros or nan.

    Raises LabelError for anything else, such as probabilities.
    """
    numbers = values.astype(np.float64)
    empty = np.isnan(numbers).all(axis=1) | (numbers == 0).all(axis=1)
    if (np.isin(numbers, (0, 1)).all(axis=1) & (numbers.sum(axis=1) == 1) | empty).all():
        aside.warn(
            f"The labels are {values.shape[1]} columns with a single 1 a row; its column, counted from 0, was taken as "
            "the label: the second is 1, the landslides. Say --positive 0 if the first one is."
        )
        return np.where(empty, np.nan, numbers.argmax(axis=1))
    raise LabelError(
        f"The labels have the shape {values.shape}, and their rows are not a single 1 among zeros: probabilities or "
        "several labels a patch. Store one value a patch: 1 for a landslide, 0 for none."
    )


def _text(value: object) -> str:
    """A value as an id or a group: 3.0 is 3."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def labels_of(
    values: np.ndarray | None, n: int, options: ReaderOptions, aside: Aside
) -> tuple[tuple[str, str], list[int]]:
    """(negative, positive) names, and 1, 0 or -1 for each of ``n`` patches. Raises LabelError for other values."""
    if values is None:
        return DEFAULT_CLASSES, [-1] * n
    if values.ndim == 2:
        values = _from_one_hot(values, aside)
    if values.dtype.kind in "iufb":
        numbers = values.astype(np.float64)
        texts = ["" if np.isnan(value) else f"{value:.10g}" for value in numbers.tolist()]
    else:
        texts = [text.strip() for text in values.tolist()]
    if all(is_empty(text) or text == "-1" for text in texts):
        return DEFAULT_CLASSES, [-1] * n
    try:
        rule = label_rule(texts, options.positive, aside)
    except LabelError as error:
        raise LabelError(f"{error} Labels are 0, 1, or -1 for none; or names.", error.asks) from error
    return rule.classes, [rule.label(text) for text in texts]


def ids_of(values: np.ndarray | None, stem: str, n: int, aside: Aside) -> list[str]:
    """The ids in the file where they are all different, otherwise the file's name and the row."""
    if values is not None and len(set(values.tolist())) == n and all(values.tolist()):
        return values.tolist()
    if values is not None:
        aside.warn("The ids in the file are not all different, so patches are named by their row instead.")
    width = len(str(n - 1))
    return [f"{stem}_{row:0{width}d}" for row in range(n)]
