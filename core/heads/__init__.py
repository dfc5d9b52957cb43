"""Heads: what turns an embedding into a decision value. Fitted by the modules here, kept as arrays with a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from core.errors import RunError
from core.heads.base import Head, LinearHead, read_head, save_head
from core.heads.svm import SvmHead

__all__ = ["Head", "LinearHead", "SvmHead", "load_heads", "save_heads"]

_KINDS = {"linear": LinearHead, "svm": SvmHead}


def save_heads(folder: Path, heads: Iterable[Head] | Mapping[str, Head]) -> None:
    """Writes each head's arrays and card into ``folder``."""
    for head in heads.values() if isinstance(heads, Mapping) else heads:
        save_head(head, folder)


def load_heads(folder: Path) -> dict[str, Head]:
    """Every head in ``folder`` by name, in the order of the names.

    Raises RunError when there is none, when one is damaged, or of a kind that this program does not know.
    """
    cards = sorted(folder.glob("*.json"))
    if not cards:
        raise RunError(f"There are no heads in {folder.parent.name}/{folder.name}. The run did not get that far.")
    return {head.name: head for head in map(_load, cards)}


def _load(card: Path) -> Head:
    name, kind, found = read_head(card)
    if kind not in _KINDS:
        raise RunError(f"The head '{name}' is of kind '{kind}'; known: {', '.join(_KINDS)}. Update the program.")
    try:
        return _KINDS[kind](name=name, **found)
    except TypeError as error:
        raise RunError(
            f"The arrays of the head '{name}' are not those of kind '{kind}'. Fit the heads again."
        ) from error
