"""How a sentence is written down: as plain text, or for a place that reads Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """shown: makes a name that a user wrote harmless where the sentence is read. strong: stresses a part of it."""

    shown: Callable[[object], str]
    strong: Callable[[str], str]


PLAIN = Voice(str, str)
