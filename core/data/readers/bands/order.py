"""The bands of all patches of a source in one order: by the names that the files give them, or by position.

A patch that knows the names of its bands has ``band_names() -> tuple[str, ...]`` (its own words, () for none), and may
have ``chosen(order) -> Patch``. What the names mean is read from one table (``core.data.names``). Names in the options
choose among them; they never rename what a file names otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.data.bands import Band, as_bytes, bands_named
from core.data.names.reading import Reading, read_alike, read_names
from core.data.readers.base import Aside, Collection, Item, Naming, Patch, ReaderOptions, Shape, some
from core.errors import ConfigError, DataError, FormatError

_COLOURS = {"red", "green", "blue"}  # which programs write of any three bytes


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some bands of a patch, in another order. order: their positions in the file."""

    whole: Patch
    order: tuple[int, ...]

    @property
    def file(self) -> str:
        """The patch's name for messages."""
        return self.whole.file

    def shape(self) -> tuple[Shape, bool]:
        """Of the chosen bands."""
        (_, height, width), is_bytes = self.whole.shape()
        return (len(self.order), height, width), is_bytes

    def read(self) -> np.ndarray:
        """(C, H, W)."""
        return self.whole.read()[list(self.order)]

    def stamp(self) -> str:
        """Of the patch, and of the order."""
        return f"{self.whole.stamp()} {self.order}"


@dataclass
class _Plan:
    """wanted: names of the dataset's bands. understood: those of them that are ours. unnamed: files by position.

    moved: files whose own words for the names given stand in another order.
    """

    wanted: tuple[str, ...]
    understood: frozenset[str]
    strict: bool = True
    unnamed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)


def aligned(collection: Collection, options: ReaderOptions, aside: Aside) -> Collection:
    """The collection with every patch's bands in one order, and the ``naming`` of that order where there is one.

    Patches whose names contradict it are set aside. Raises ConfigError for an unknown sensor.
    """
    if collection.bands is not None and options.bands is None:
        return collection
    named = _named(collection)
    written = [names for names in named if names]
    if options.bands is None and not written:
        return collection
    asked = read_names(options.bands, options.sensor) if options.bands else None
    plainly = asked.known if asked and not asked.sensor else ()
    readings = read_alike(written, options.sensor, plainly)
    plan = _plan(options.bands, asked, written, readings)
    plan.strict = collection.bands is None
    items, used = [], []
    for item, names in zip(collection.items, named, strict=True):
        if names is None:
            items.append(item)  # what cannot be opened is told of when it is read
            continue
        try:
            order = _order(item, names, readings.get(names), options.bands, plan)
        except DataError as error:
            aside.reject(item.file, error)
            continue
        used += [readings[names]] if order is not None else []
        items.append(_in_order(item, order, len(names)))
    _tell(used, plan, asked, bool(written), aside)
    by_name = {band.name: band for band in collection.bands or ()}
    if used and by_name:
        return replace(collection, items=items, bands=tuple(by_name[name] for name in plan.wanted))
    said = used or ([asked] if asked else [])
    units = {name: unit for one in said for name, unit in one.units.items()}
    sensor = next((one.sensor for one in said if one.sensor), "")
    return replace(collection, items=items, bands=None, naming=Naming(plan.wanted, sensor, units))


def _plan(
    given: Sequence[str] | None,
    asked: Reading | None,
    written: Sequence[tuple[str, ...]],
    readings: Mapping[tuple[str, ...], Reading],
) -> _Plan:
    """What the bands will be called: as the files whose own words were given, as asked for, or as most files say."""
    if given is None:
        counts = Counter(readings[names].names for names in written)
        common = max(readings.values(), key=lambda one: (counts[one.names], len(one.known)))
        return _Plan(common.names, frozenset(common.known))
    for names, reading in readings.items():
        places = [place for word in given if (place := _position(word, names)) is not None]
        if len(places) == len(given):
            return _Plan(tuple(reading.names[i] for i in places), frozenset(reading.known))
    if asked is None:
        raise ConfigError(f"The bands {some(list(given), 20)} were not understood. Name those of the files.")
    return _Plan(asked.names, frozenset(asked.known))


def _tell(used: Sequence[Reading], plan: _Plan, asked: Reading | None, written: bool, aside: Aside) -> None:
    notes = [one.note for one in used] or ([asked.note] if asked and not written else [])
    for note in dict.fromkeys(filter(None, notes)):
        aside.warn(note)
    if plan.moved:
        aside.warn(
            f"{len(plan.moved)} files hold the bands {some(list(plan.wanted), 20)} in other positions; they were taken "
            f"by their names: {some(plan.moved)}."
        )
    if plan.unnamed and written:
        aside.warn(
            f"{len(plan.unnamed)} {'file does not name its' if len(plan.unnamed) == 1 else 'files do not name their'} "
            "bands so; taken by position as "
            f"{some(list(plan.wanted), 20)}: {some(plan.unnamed)}."
        )


def _named(collection: Collection) -> list[tuple[str, ...] | None]:
    """The names that each file gives its bands, () where it gives none; None for one that cannot be opened."""
    if collection.bands is not None:
        return [tuple(band.name for band in collection.bands)] * len(collection.items)
    found: list[tuple[str, ...] | None] = []
    for item in collection.items:
        ask = getattr(item.patch, "band_names", None)
        try:
            found.append(_usable(ask()) if ask else ())
        except DataError:
            found.append(None)
    return found


def _usable(names: Sequence[str | None]) -> tuple[str, ...]:
    if not all(name and name.isprintable() and len(name) <= 64 for name in names):
        return ()
    usable = tuple((name or "").strip() for name in names)
    return usable if len(set(usable)) == len(usable) else ()


def _order(
    item: Item, names: tuple[str, ...], reading: Reading | None, given: Sequence[str] | None, plan: _Plan
) -> tuple[int, ...] | None:
    """Positions of the wanted bands in the file; None: as they are. Raises FormatError where names contradict."""
    if reading is None and given is not None:
        plan.unnamed.append(item.file)
        return None  # their number is judged with the other headers
    n = len(names) or item.patch.shape()[0][0]
    if reading is not None:
        places = [
            None if given is None else _position(given[i], names) for i in range(len(plan.wanted))
        ]  # by the very word given, then by its meaning
        places = [
            _position(name, reading.names) if place is None else place
            for name, place in zip(plan.wanted, places, strict=True)
        ]
        known = [place for place in places if place is not None]
        if len(known) == len(places):
            if given and known != sorted(known) and any(_position(word, names) is None for word in given):
                plan.moved.append(item.file)
            return tuple(known)
        if given is None:
            raise FormatError(f"Its bands are {some(list(names), 20)}; accepted: {some(list(plan.wanted), 20)}.")
        missing = [name for name, place in zip(plan.wanted, places, strict=True) if place is None]
        if plan.strict and _contradict(reading, plan, missing, n):
            raise FormatError(_contradiction(names, reading, missing))
    if n != len(plan.wanted):
        raise FormatError(f"It has {n} bands; accepted: {len(plan.wanted)} ({some(list(plan.wanted), 20)}).")
    plan.unnamed.append(item.file)
    return None


def _contradict(reading: Reading, plan: _Plan, missing: Sequence[str], n: int) -> bool:
    """Whether a file says of its bands what the names given deny. Three bytes may be called colours by any program."""
    if reading.known <= _COLOURS and not reading.known & set(plan.wanted):
        return False
    return bool(reading.known) and (n != len(plan.wanted) or bool({*missing, *reading.known} & plan.understood))


def _contradiction(names: Sequence[str], reading: Reading, missing: Sequence[str]) -> str:
    ours = "" if tuple(names) == reading.names else f" (that is {some(list(reading.names), 20)})"
    return (
        f"It names its bands {some(list(names), 20)}{ours}; {some(list(missing), 20)} is not among them. Choose from "
        "its own names with --bands, or leave that out."
    )


def _position(name: str, names: Sequence[str]) -> int | None:
    folded = [one.casefold() for one in names]
    return folded.index(name.casefold()) if name.casefold() in folded else None


def _in_order(item: Item, order: tuple[int, ...] | None, n: int) -> Item:
    if order is None or order == tuple(range(n)):
        return item
    own = getattr(item.patch, "chosen", None)
    return replace(item, patch=own(order) if own else Chosen(item.patch, order))


def bands_of(names: Naming | Sequence[str], is_bytes: bool) -> tuple[Band, ...]:
    """The bands of these names, in the unit of the kind of numbers."""
    naming = names if isinstance(names, Naming) else Naming(tuple(names))
    bands = bands_named(naming.names, naming.sensor, naming.units)
    return tuple(map(as_bytes, bands)) if is_bytes else bands
