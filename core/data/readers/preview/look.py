"""What an import would make of a source, from its listing and a bounded number of its files.

The readers collect, as for an import; of what they found, some items are surveyed and read. Where the source leaves
something open, the likely answer is tried (a table or masks beside the images, one size for all), and whatever was
assumed is a :class:`Question`: what was looked at is what an import with these answers makes.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data.readers import FORMATS, looked_at
from core.data.readers.base import Aside, Collection, ReaderOptions, some
from core.data.readers.files import with_axes
from core.data.readers.preview import sample
from core.data.readers.preview.understood import facts_of
from core.data.readers.tables.facts import GROUP_COLUMNS
from core.data.readers.tables.text import key_of
from core.errors import Asks, DataError
from core.progress import Progress, Steps

TRIES = 8  # answers that are tried one after the other
CLASSES_COUNTED = 6  # of candidates for the positive class
TABLES = 5  # beside the images, that are offered
WITH_TABLES = ("folders", "before_after", "geotiff")  # formats whose labels may come from a table that somebody names
TRIED = ("labels", "masks", "group_column")  # answers that change what is read, so that it is looked at again
ASSUMED = ("bands", "tile")  # what a reader has taken already where it suggests an answer
UNTIL_SAID = ("positive", "mask_value", "mask_at_least", "mask_threshold")  # shown with their first choice until then


@dataclass(frozen=True)
class Question:
    """What the source leaves open.

    option: of ``ReaderOptions``. text: what was found. choices: possible answers, () for anything. answer: what was
    taken for this look; None: nothing. must: the import is refused without an answer. meanwhile: what this look was
    made with where no answer is likely, so that there is something to see. counts: patches by choice.
    """

    option: str
    text: str
    choices: tuple[str, ...] = ()
    answer: Any = None
    must: bool = False
    meanwhile: Any = None
    counts: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Preview:
    """facts: plain values (see ``core.data.readers.preview.understood``), questions among them; and pictures.

    images: (n, C, h, w) float32, nan where there is no data. masks: (n, h, w) uint8, or None where there are none.
    """

    facts: dict[str, Any]
    images: np.ndarray
    masks: np.ndarray | None


class _Look:
    """The questions so far, and the options with the answers that are tried."""

    def __init__(self, options: ReaderOptions, declined: Container[str]):
        self.given, self.declined = options, declined
        self.options = options.model_copy(update={"strict": False})
        self.questions: dict[str, Question] = {}
        self.adopted: list[str] = []  # options that were tried, and may have to be taken back

    def is_open(self, option: str) -> bool:
        """Whether nobody has said it, and it was not asked yet."""
        return option not in self.questions and not self.is_said(option)

    def is_said(self, option: str) -> bool:
        """Whether somebody said it: a job's options are all there, so that those unlike their default count."""
        return getattr(self.given, option) != ReaderOptions.model_fields[option].default

    def ask(self, asks: Asks, text: str, answer: Any = None, must: bool = False, meanwhile: Any = None) -> None:
        self.questions[asks.option] = Question(asks.option, text, asks.choices, answer, must, meanwhile)

    def take(self, option: str, answer: Any) -> None:
        values = {name: getattr(self.options, name) for name in self.options.model_fields_set}
        self.options = ReaderOptions(**{**values, option: answer})

    def back(self, error: DataError) -> bool:
        """Take back the answer that was tried last, since with it the source cannot be read."""
        if not self.adopted:
            return False
        option = self.adopted.pop()
        asked = self.questions[option]
        self.questions[option] = replace(asked, answer=None, text=f"{asked.text} It does not fit: {error}")
        self.take(option, None)
        return True


def look(format: str | None, source: Path, options: ReaderOptions, declined: Container[str] = ()) -> Steps[Preview]:
    """Look at ``source``, which is no archive. declined: options whose likely answer is asked for, but not tried.

    Raises DataError where it cannot be used and no answer would help.
    """
    format, folder = looked_at(source, format, options)
    state = _Look(options, declined)
    for _ in range(TRIES):
        yield Progress(0.05, "Listing the files.")
        aside = Aside()
        try:
            collection, used = _collected(format, folder, state.options, aside)
            seen = yield from sample.seen(collection, used, aside)
        except DataError as error:
            asked = error.asks if error.asks and state.is_open(error.asks.option) else None
            if (asked is None or asked.option != "positive") and state.back(error):
                continue
            if asked is None:
                raise
            if not _settled(state, asked, str(error)):
                return _unseen(format, state)
            continue
        if not _adopt(state, format, folder, collection, aside):
            break
    _counted_by_class(state, format, folder)
    questions = [*state.questions.values(), *_from_masks(collection, seen, state)]
    told = {text for text, asks in aside.asked.items() if asks.option in state.questions}
    facts = facts_of(collection, seen, aside, told)
    facts |= {"format": format, "questions": [asdict(question) for question in questions]}
    if any(question.meanwhile is not None for question in questions):
        facts["n"] = facts["n_listed"]  # how many are left depends on the answer
    return Preview(facts, seen.pictures, seen.picture_masks)


def _collected(format: str, folder: Path, options: ReaderOptions, aside: Aside) -> tuple[Collection, ReaderOptions]:
    """What the reader finds, and the options with those that the source needs."""
    reader = FORMATS[format]
    if hasattr(reader, "options_for"):
        options = reader.options_for(folder, options, aside)
    return with_axes(reader.collect(folder, options, aside), options), options


def _settled(state: _Look, asks: Asks, text: str) -> bool:
    """Ask what an error leaves open; whether the look can go on with a likely answer, or one for the time being."""
    meanwhile = None
    if asks.suggested is None and asks.option in UNTIL_SAID:
        meanwhile = next(iter(asks.choices), None)
    state.ask(asks, text, asks.suggested, True, meanwhile)
    taken = meanwhile if asks.suggested is None else asks.suggested
    if taken is None:
        return False
    state.take(asks.option, taken)
    return True


def _adopt(state: _Look, format: str, folder: Path, collection: Collection, aside: Aside) -> bool:
    """Ask what was assumed; whether one of the likely answers changes what is read, so that it is looked at again."""
    for text, asks in (_table_beside(format, folder, collection) | aside.asked | _groups_in(collection)).items():
        if not state.is_open(asks.option):
            continue
        if asks.option == "masks":
            text = f"There is a folder {some(list(asks.choices))}."
        likely = asks.suggested if asks.option in ASSUMED or asks.option not in state.declined else None
        state.ask(asks, text, likely if asks.option in (*TRIED, *ASSUMED) else None)
        if asks.option in TRIED and likely is not None:
            state.take(asks.option, likely)
            state.adopted.append(asks.option)
            return True
    return False


def _table_beside(format: str, folder: Path, collection: Collection) -> dict[str, Asks]:
    """The tables in the folder, if the format takes one, or above it where patches have no labels.

    The only one is likely, unless masks give the labels.
    """
    if format not in WITH_TABLES or not folder.is_dir():
        return {}
    found = _tables(folder)
    if not found and not collection.labels_from_masks and all(item.label < 0 for item in collection.items):
        found = [f"../{name}" for name in _tables(folder.parent)]
    if not found:
        return {}
    likely = found[0] if len(found) == 1 and not collection.labels_from_masks else None
    return {f"There is a table: {some(found)}.": Asks("labels", tuple(found), likely)}


def _tables(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.csv") if not path.name.startswith("."))[:TABLES]


def _groups_in(collection: Collection) -> dict[str, Asks]:
    """The columns of a table that are called as groups are, and whose values several patches share."""
    items = collection.items
    values: dict[str, set[str]] = {}
    if not len(items) or any(item.group is not None for item in items):
        return {}
    for item in items:
        for name, value in item.columns.items():
            if key_of(name) in GROUP_COLUMNS and value:
                values.setdefault(name, set()).add(value)
    found = tuple(name for name, of in values.items() if 2 <= len(of) < len(items))
    return (
        {f"Patches with the same {some(list(found))} stay in one fold.": Asks("group_column", found, found[0])}
        if found
        else {}
    )


def _counted_by_class(state: _Look, format: str, folder: Path) -> None:
    """How many patches each candidate for the positive class has."""
    asked = state.questions.get("positive")
    if asked is None or asked.meanwhile is None or not 1 < len(asked.choices) <= CLASSES_COUNTED:
        return
    counts: dict[str, int] = {}
    for name in asked.choices:
        options = state.options.model_copy(update={"positive": name})
        counts[name] = sum(item.label == 1 for item in _collected(format, folder, options, Aside())[0].items)
    state.questions["positive"] = replace(asked, counts=counts)


def _from_masks(collection: Collection, seen: sample.Seen, state: _Look) -> list[Question]:
    """What becomes of patches with little landslide, where masks give the labels and there are such patches."""
    counts = seen.from_masks
    little = counts.get("dropped_between", 0)
    if not little or not seen.has_masks:
        return []
    share = state.options.mask_threshold
    found = [
        Question(
            "mask_threshold",
            f"Of the patches looked at, {counts.get('positive', 0):,} have a mask that covers {share:.1%} or more, "
            f"{little:,} one that covers less, and {counts.get('negative', 0):,} an empty one.",
            answer=share,
        ),
        Question(
            "between",
            f"{little:,} of the patches looked at have a mask that covers less than {share:.1%}, but not nothing.",
            answer=state.options.between,
        ),
    ]
    return [one for one in found if one.option not in state.questions]


def _unseen(format: str, state: _Look) -> Preview:
    """Nothing can be shown before the last question is answered."""
    questions = [asdict(question) for question in state.questions.values()]
    return Preview({"format": format, "n": None, "questions": questions}, np.empty((0, 1, 1, 1), np.float32), None)
