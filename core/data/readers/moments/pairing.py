"""Which pictures show the same patch before and after the event, by the names of folders and files. None is opened.

Folders (``before/a.png`` with ``after/a.png``, ``A`` with ``B``) or words in front of or behind a name (``a_pre.png``
with ``a_post.png``) say the moment.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.data.readers.pairs import IMAGES

_EVENT = r"(?:[_\- ]?(?:event|disaster|landslide|slide))?"
_BEFORE, _AFTER = rf"(?:pre|before|prior){_EVENT}", rf"(?:post|after){_EVENT}"
PLAIN = {"before": re.compile(_BEFORE, re.I), "after": re.compile(_AFTER, re.I)}
# Words that may as well mean something else: only where the user says that the source is of pairs.
LOOSE = {
    "before": re.compile(rf"{_BEFORE}|a|t1|time1|im1", re.I),
    "after": re.compile(rf"{_AFTER}|b|t2|time2|im2", re.I),
}


@dataclass(frozen=True)
class Paired:
    """before_of: picture after the event -> the one before. shared: picture after -> what both names have in common.

    alone: file -> why it has no partner. neither: files whose names say no moment.
    """

    before_of: dict[Path, Path]
    shared: dict[Path, str]
    alone: dict[Path, str]
    neither: tuple[Path, ...]


def paired(source: Path, files: Iterable[Path], loose: bool = False) -> Paired:
    """The pairs among ``files`` below ``source``, in their order."""
    words = LOOSE if loose else PLAIN
    by_key: dict[tuple, dict[str, list[Path]]] = defaultdict(lambda: {"before": [], "after": []})
    neither, name_of = [], {}
    for path in files:
        moment, folders, name_of[path] = _moment(source, path, words)
        if moment is None:
            neither.append(path)
        else:
            by_key[(*folders, name_of[path].casefold())][moment].append(path)
    before_of, alone = {}, {}
    for found in by_key.values():
        before, after = found["before"], found["after"]
        if len(before) == len(after) == 1:
            before_of[after[0]] = before[0]
            continue
        for path in (*before, *after):
            other = "after" if path in before else "before"
            why = f"There is no picture of the same name {other} the event."
            if found[other]:
                why = "Several pictures of this name are of one moment, so that its partner cannot be told."
            alone[path] = why
    return Paired(before_of, {path: name_of[path] for path in before_of}, alone, tuple(neither))


def _moment(source: Path, path: Path, words: dict[str, re.Pattern]) -> tuple[str | None, tuple[str, ...], str]:
    """Of a file: "before", "after" or None, and what it shares with its partner: folders, and the name."""
    folders = [unicodedata.normalize("NFC", part) for part in path.relative_to(source).parts[:-1]]
    stem = unicodedata.normalize("NFC", path.stem)
    said = [next((moment for moment, word in words.items() if word.fullmatch(part)), None) for part in folders]
    kept = [part.casefold() for part, moment in zip(folders, said, strict=True) if moment is None]
    kept = [part for part in kept if part not in IMAGES]
    by_folder = next((moment for moment in reversed(said) if moment), None)
    by_name, rest = _name(stem, words if by_folder is None else PLAIN)
    if by_folder is None:
        return by_name, tuple(kept), rest
    return by_folder, tuple(kept), rest if by_name == by_folder else stem


def _name(stem: str, words: dict[str, re.Pattern]) -> tuple[str | None, str]:
    """The moment that the last word of a name says, or else the first, and the name without it."""
    for form in (r"(.+?)[_\-. ]+(?:{})", r"(?:{})[_\-. ]+(.+)"):
        for moment, word in words.items():
            if found := re.fullmatch(form.format(word.pattern), stem, re.I):
                return moment, found[1]
    return None, stem
