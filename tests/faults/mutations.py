"""Files that somebody has damaged or made up: every way is drawn by hypothesis, and undone after the test."""

from __future__ import annotations

import copy
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

HUGE = 10**30
STRANGE = (
    None, True, False, 0, -1, 3, 2**31, HUGE, -HUGE, 0.5, 1e300, float("nan"), float("inf"), "", "x", "fc", "../../x",
    "/dev/zero", "a\nb", "\x1b[2J\u202e", "y" * 70_000, [], [0], [[]], [None, "x"], {}, {"x": 1}, {"": {}},
)  # fmt: skip
INSTEAD = ("empty", "link", "link to a device", "dangling link", "link to itself", "pipe", "folder", "other", "missing")


@dataclass(frozen=True)
class Mutation:
    """One change of one file. ``how``: what is done; ``where`` and ``what`` say the place and the value."""

    how: str
    where: tuple[float, ...] = ()
    what: Any = None


bytewise = st.one_of(
    st.builds(Mutation, st.just("cut"), st.tuples(st.floats(0, 1))),
    st.builds(
        Mutation,
        st.just("flip"),
        st.lists(st.floats(0, 1), min_size=1, max_size=6).map(tuple),
        st.integers(0, 7),
    ),
    st.builds(Mutation, st.just("overwrite"), st.tuples(st.floats(0, 1)), st.binary(min_size=1, max_size=16)),
    st.builds(Mutation, st.just("double"), st.tuples(st.floats(0, 1), st.floats(0, 1))),
    st.builds(Mutation, st.sampled_from(INSTEAD), st.tuples(st.floats(0, 1))),
)
of_json = st.one_of(
    st.builds(Mutation, st.just("json value"), st.tuples(st.floats(0, 1)), st.sampled_from(STRANGE)),
    st.builds(Mutation, st.just("json delete"), st.tuples(st.floats(0, 1))),
    st.builds(Mutation, st.just("json swap"), st.tuples(st.floats(0, 1), st.floats(0, 1))),
    st.builds(Mutation, st.just("json nest"), st.tuples(st.floats(0, 1)), st.sampled_from([3, 60, 5_000, 200_000])),
    st.builds(Mutation, st.just("json key"), st.tuples(st.floats(0, 1)), st.sampled_from(["", "x", "a" * 5_000])),
)


def mutations(path: Path) -> st.SearchStrategy[Mutation]:
    """What may happen to this file; JSON is changed in its structure twice as often as in its bytes."""
    return st.one_of(of_json, of_json, bytewise) if path.suffix == ".json" else bytewise


@contextmanager
def mutated(path: Path, mutation: Mutation, others: list[Path]):
    """``path`` changed; afterwards it is as before."""
    kept = path.with_name("kept-for-the-test")
    path.rename(kept)
    try:
        _change(kept, path, mutation, others)
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        kept.rename(path)


def _change(kept: Path, path: Path, mutation: Mutation, others: list[Path]) -> None:
    how, where = mutation.how, mutation.where
    match how:
        case "link":
            path.symlink_to(kept)
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "dangling link":
            path.symlink_to("/nowhere/at/all")
        case "link to itself":
            path.symlink_to(path.name)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "other":
            others = [one for one in others if one != path] or [kept]
            path.write_bytes(others[min(int(where[0] * len(others)), len(others) - 1)].read_bytes())
        case "missing":
            pass
        case "bytes":
            path.write_bytes(mutation.what)
        case _ if how.startswith("json"):
            path.write_bytes(_json(json.loads(kept.read_bytes()), how, where, mutation.what))
        case _:
            path.write_bytes(_bytes(kept.read_bytes(), how, where, mutation.what))


def _bytes(data: bytes, how: str, where: tuple[float, ...], what: Any) -> bytes:
    at = [min(int(share * len(data)), max(0, len(data) - 1)) for share in where]
    if how == "empty" or not data:
        return b""
    if how == "cut":
        return data[: at[0]]
    if how == "flip":
        changed = bytearray(data)
        for place in at:
            changed[place] ^= 1 << what
        return bytes(changed)
    if how == "overwrite":
        return data[: at[0]] + what + data[at[0] + len(what) :]
    low, high = sorted(at)
    return data[:high] + data[low:]


def _json(value: Any, how: str, where: tuple[float, ...], what: Any) -> bytes:
    places = list(_places(value))
    if not places:
        return json.dumps(what if how == "json value" else None).encode()
    holder, key = places[min(int(where[0] * len(places)), len(places) - 1)]
    if how == "json value":
        holder[key] = what
    elif how == "json delete":
        del holder[key]
    elif how == "json swap":
        other, other_key = places[min(int(where[1] * len(places)), len(places) - 1)]
        try:
            holder[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(holder[key])
        except (KeyError, IndexError):
            pass
    elif how == "json key":
        if isinstance(holder, dict):
            holder[what] = holder.pop(key)
        else:
            holder.append(what)
    text = json.dumps(value, default=str)
    if how == "json nest":
        holder[key] = "HERE"
        text = json.dumps(value).replace('"HERE"', "[" * what + "]" * what, 1)
    return text.encode()


def _places(value: Any):
    """(holder, key) of every value within."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)
