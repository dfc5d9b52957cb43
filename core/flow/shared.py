"""What several runs in one process share: the decoded patches, what is known of them, synthetic sets, simple heads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
ROOM_BYTES = 2**30  # for what says how large it is


class Shared:
    """Results by kind and key, each made once. Of a kind the newest ``most`` are kept, so that memory stays bounded.

    Whoever takes one only reads it. A key names everything that the result depends on.
    """

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}
        self._room, self._sized = room_bytes, OrderedDict[Hashable, tuple[Any, int]]()

    def of(self, kind: str, key: Hashable, make: Callable[[], T], most: int = 1) -> T:
        """The result of that kind and key; ``make`` is called where there is none yet."""
        kept = self._kept.setdefault(kind, OrderedDict())
        if key not in kept:
            while len(kept) >= most:
                kept.popitem(last=False)
            kept[key] = make()
        kept.move_to_end(key)
        return kept[key]

    def within(self, kind: str, key: Hashable, make: Callable[[], T], n_bytes: int) -> T:
        """The same for results of very different sizes: of all kinds together the newest that fit into the room.

        One that alone is larger is not kept. A ``core.train.frozen_features.Share``.
        """
        place = kind, key
        if place not in self._sized:
            made = make()
            if n_bytes > self._room:
                return made
            while sum(size for _, size in self._sized.values()) + n_bytes > self._room:
                self._sized.popitem(last=False)
            self._sized[place] = made, n_bytes
        self._sized.move_to_end(place)
        return self._sized[place][0]
