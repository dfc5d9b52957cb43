"""Buttons of what changes something: off, with the reason, for whoever may not. The rule itself is ``core.access``."""

from __future__ import annotations

from typing import Any

from core import access


def to(right: str, disabled: bool = False, help: str | None = None) -> dict[str, Any]:
    """What a button is given: ``disabled`` and ``help``, as they are for whoever has this right."""
    if refusal := access.refusal(right):
        return {"disabled": True, "help": refusal}
    return {"disabled": disabled, "help": help}
