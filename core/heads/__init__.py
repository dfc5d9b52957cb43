"""Heads: what turns an embedding into a decision value. Fitted by the modules here, kept as plain files with a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from core.errors import RunError
from core.heads.base import Head, LinearHead, check_digest, read_card, save_head
from core.heads.boosted import BoostedHead
from core.heads.svm import SvmHead
from core.text import one_line

__all__ = ["BoostedHead", "Head", "LinearHead", "SvmHead", "load_heads", "save_heads"]

_KINDS = {kind.kind: kind for kind in (LinearHead, SvmHead, BoostedHead)}


def save_heads(folder: Path, heads: Iterable[Head] | Mapping[str, Head]) -> None:
    """Writes each head's file and card into ``folder``."""
    for head in heads.values() if isinstance(heads, Mapping) else heads:
        save_head(head, folder)


def load_heads(folder: Path) -> dict[str, Head]:
    """Every head in ``folder`` by name, in the order of the names.

    Raises RunError when there is none, when one is damaged, or of a kind that this program does not know, and
    UnsafeFileError for a file that could not have been written by it.
    """
    cards = sorted(folder.glob("*.json"))
    if not cards:
        raise RunError(f"There are no heads in {folder.parent.name}/{folder.name}. The run did not get that far.")
    return {head.name: head for head in map(_load, cards)}


def _load(card: Path) -> Head:
    name, kind, digest = read_card(card)
    if name != card.stem:
        raise RunError(
            f"{card.parent.parent.name}/{card.parent.name}/{card.name} names another head ('{one_line(name, 40)}'). "
            "Copy the run folder again."
        )
    if kind not in _KINDS:
        raise RunError(f"The head '{name}' is of kind '{kind}'; known: {', '.join(_KINDS)}. Update the program.")
    # The file has its card's own name and folder: a name written in a card leads nowhere else.
    path = check_digest(card.with_name(card.stem + _KINDS[kind].suffix), digest)
    return _KINDS[kind].load(name, path)
