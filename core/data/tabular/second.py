"""The column that a second head answers: the class of each patch, and the classes that a training part has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.config import ModelConfig
from core.data.tabular.columns import MOST_CATEGORIES, as_numbers, as_words, kind_of, learn_columns
from core.errors import ConfigError

MOST_CODES = 12  # whole numbers that stand for classes; more are a quantity
SETTING = "model.second_column"


def second_words(model: ModelConfig, columns: Mapping[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """(N,) text: the class of each patch in ``model.second_column``, empty where it is unknown or not to be learnt.

    Raises ConfigError for a column that is not there, or that holds quantities or names.
    """
    name = model.second_column
    if name is None:
        raise ConfigError(f"There is no second head to learn: {SETTING} names no column. Name one.")
    learn_columns(columns, (name,), np.arange(0), SETTING)  # whether it is there
    values = np.asarray(columns[name])
    words = _codes(name, values) if kind_of(values) == "number" else as_words(values)
    if model.second_of == "landslides":
        words = np.where(np.asarray(labels) == 1, words, "")
    if (n := len(set(words.tolist()) - {""})) > MOST_CATEGORIES:
        raise ConfigError(
            f"The column '{name}' has {n:,} different values: names rather than classes. Choose another {SETTING}, or "
            f"bring it to at most {MOST_CATEGORIES} classes in the source."
        )
    return words


def second_classes(model: ModelConfig, words: np.ndarray, rows: np.ndarray, part: str = "the") -> tuple[str, ...]:
    """The classes that the training ``rows`` have, by name. Raises ConfigError where there are not two."""
    classes = tuple(sorted(set(words[rows].tolist()) - {""}))
    if len(classes) >= 2:
        return classes
    whose = "the landslides of " if model.second_of == "landslides" else ""
    there = f"one class ('{classes[0]}')" if classes else "no known value"
    raise ConfigError(
        f"The column '{model.second_column}' has {there} among {whose}{part} training part; a head that answers it "
        f"needs two classes. Choose another column, or leave {SETTING} at none."
    )


def _codes(name: str, values: np.ndarray) -> np.ndarray:
    """Whole numbers as text, where they are few enough to be classes."""
    numbers = as_numbers(values)
    known = numbers[np.isfinite(numbers)]
    if (known != np.round(known)).any() or len(np.unique(known)) > MOST_CODES:
        raise ConfigError(
            f"The column '{name}' holds {len(np.unique(known)):,} different numbers; a second head answers classes. "
            f"Bring it to classes in the source (for example small, medium, large), or choose another {SETTING}."
        )
    return np.array(["" if np.isnan(value) else str(int(value)) for value in numbers])
