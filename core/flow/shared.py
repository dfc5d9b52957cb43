"""What several runs in one process share: the decoded patches, what is known of them, synthetic sets, simple heads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Results by kind and key, each made once. Of a kind the newest ``most`` are kept, so that memory stays bounded.

    Whoever takes one only reads it. A key names everything that the result depends on.
    """

    def __init__(self) -> None:
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}

    def of(self, kind: str, key: Hashable, make: Callable[[], T], most: int = 1) -> T:
        """The result of that kind and key; ``make`` is called where there is none yet."""
        kept = self._kept.setdefault(kind, OrderedDict())
        if key not in kept:
            while len(kept) >= most:
                kept.popitem(last=False)
            kept[key] = make()
        kept.move_to_end(key)
        return kept[key]
