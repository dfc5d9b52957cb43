"""Checkpoints from which an interrupted fit resumes: one per epoch, the newest two kept.

A checkpoint is a safetensors file and a JSON card with its hash; the card is written last, so a checkpoint without one
does not count.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import DataError, TrainingError
from core.io import atomic, safetensors_file
from core.io.json_text import load_json

KEPT = 2
_CARD = re.compile(r"epoch_(\d{4,})\.json")


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint. ``damaged`` names newer ones that were passed over; ``facts`` are plain values."""

    epoch: int
    path: Path
    facts: dict
    damaged: tuple[str, ...] = ()

    def load(self) -> dict[str, np.ndarray]:
        """The tensors of this checkpoint."""
        return safetensors_file.load_arrays(self.path)


def save_checkpoint(folder: Path, epoch: int, tensors: Mapping[str, np.ndarray], facts: dict) -> None:
    """Writes the state after ``epoch`` and removes all but the newest two.

    Raises TrainingError when it cannot be written (a full disk); the checkpoints before stay as they were.
    """
    stem = f"epoch_{epoch:04d}"
    try:
        atomic.make_folder(folder)
        digest = safetensors_file.save_arrays(folder / f"{stem}.safetensors", tensors)
        card = {"epoch": epoch, "sha256": digest, **facts}
        card["card_sha256"] = _card_hash(card)
        atomic.write_text(folder / f"{stem}.json", json.dumps(card, indent=2) + "\n")
        _remove_old(folder)
    except OSError as error:
        raise TrainingError(
            f"The checkpoint of epoch {epoch} could not be written to {folder}: {error.strerror or error}. "
            "Free some space there and resume; the checkpoint before is intact."
        ) from error


def newest_checkpoint(folder: Path | None) -> Checkpoint | None:
    """The newest checkpoint whose hashes hold, or None when there is none yet.

    Raises TrainingError when there are some and every one is damaged: going on from nothing would pass unnoticed.
    """
    cards = _cards(folder) if folder is not None else []
    damaged: list[str] = []
    for path in reversed(cards):
        facts = _read(path)
        if facts is not None:
            return Checkpoint(facts["epoch"], path.with_suffix(".safetensors"), facts, tuple(damaged))
        damaged.append(path.stem)
    if damaged:
        raise TrainingError(
            f"Every checkpoint in {folder} is damaged ({', '.join(damaged)}). Restore one of them, or delete the "
            "folder to start this fold again from its first epoch."
        )
    return None


def _cards(folder: Path) -> list[Path]:
    """Cards in the order of their epochs."""
    cards = [(int(match[1]), path) for path in folder.glob("*.json") if (match := _CARD.fullmatch(path.name))]
    return [path for _, path in sorted(cards)]


def _read(card_path: Path) -> dict | None:
    """The card's content when it and its tensors are as they were written."""
    try:
        card = load_json(card_path)
        expected = card.pop("card_sha256")
        weights = card_path.with_suffix(".safetensors")
        whole = expected == _card_hash(card) and card["sha256"] == atomic.sha256(weights)
        return card if whole and safetensors_file.header(weights) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DataError):
        return None


def _card_hash(card: dict) -> str:
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()


def _remove_old(folder: Path) -> None:
    """Removes older checkpoints, card first, and what broken saves left behind."""
    cards = _cards(folder)
    for card in cards[:-KEPT]:
        atomic.remove(card)
    kept = {card.stem for card in cards[-KEPT:]}
    for path in (*folder.glob("epoch_*.safetensors"), *folder.glob("epoch_*.partial")):
        if path.name.split(".")[0] not in kept:
            atomic.remove(path)
