"""What a label's text means: 1 for the positive class, 0 for the other, -1 for none.

Which class is positive is never guessed: 0 and 1 mean what they say, the name 'landslide' says it, and for everything
else it has to be named. Every value of a column has a meaning, or the whole column is refused: no class is lost row by
row.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.data.readers.base import Aside, some
from core.data.readers.tables.numbers import as_number, is_empty
from core.errors import Asks, LabelError

LANDSLIDE = ("landslide", "landslides")  # the only names that say by themselves which class is positive
DEFAULT_CLASSES = ("non_landslide", "landslide")
UNKNOWN = ("unknown", "unlabelled", "unlabeled", "unlabel", "?", "-")  # words that say that nobody labelled a patch
SAYS_NOTHING = ("none", "null", "na", "n/a", "#n/a", "<na>", "nat", "-")  # or is it the name of the other class?
MOST_CLASSES = 20  # values; more are measurements or names
TRUTH = {"true": 1, "yes": 1, "false": 0, "no": 0}  # in a column that is called landslide

_Key = float | str


def label_key(text: str) -> _Key:
    """What equal labels have in common: the number, or the text whatever its case, blanks and Unicode form."""
    number = as_number(text.strip())
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()) if number is None else number


@dataclass(frozen=True)
class LabelRule:
    """What a label's text means. classes: (negative, positive) names; meaning: 1, 0 or -1 by :func:`label_key`."""

    classes: tuple[str, str]
    meaning: Mapping[_Key, int]

    def label(self, text: str) -> int:
        """1, 0, or -1 for no label. Raises LabelError for text that this rule does not know."""
        key = label_key(text)
        if key in self.meaning:
            return self.meaning[key]
        if is_empty(text):
            return -1
        known = (
            "neither 0 nor 1"
            if {k for k, v in self.meaning.items() if v >= 0} <= {0.0, 1.0}
            else "not one of the column's"
        )
        raise LabelError(f"The label '{text[:40]}' is {known}.")


NO_LABELS = LabelRule(DEFAULT_CLASSES, {})


def label_rule(texts: Sequence[str], positive: str | None, aside: Aside, column: str = "label") -> LabelRule:
    """The rule for the labels of a table.

    Numbers 0 and 1 mean what they say, -1 beside both is no label, and 'landslide' or 'landslides' is the positive
    class. Otherwise ``positive`` names the value that is; all other values then are the other class, which is warned
    of where they are several. In a ``column`` that is itself called landslide, yes and true are positive.
    Raises LabelError listing the values that were found where that does not decide it.
    """
    counts = Counter(texts)
    words: dict[_Key, str] = {}  # the way in which a value is written first
    n_of: Counter[_Key] = Counter()
    for text, n in counts.items():
        words.setdefault(label_key(text), text)
        n_of[label_key(text)] += n
    empty = {key for key, text in words.items() if is_empty(text) or key in UNKNOWN}
    wanted = None if positive is None else label_key(positive)
    if wanted not in ("", "nan"):
        empty.discard(wanted)
    values = sorted((key for key in words if key not in empty), key=_in_order)
    if not values:
        raise LabelError("The label column is empty. Fill in 0 and 1, or class names.")
    numeric = all(isinstance(key, float) for key in values)
    if len(values) == 1 and not numeric:
        values = _with_the_other_word(values, empty, words, wanted)
    if wanted is None and set(values) == {-1.0}:
        raise LabelError("All labels are -1: no patch is labelled. Fill in 0 and 1, or class names.")
    if {-1.0, 0.0, 1.0} == set(values):
        values = [0.0, 1.0]
        empty.add(-1.0)
    _refuse_shares(values, words)
    named, chosen = _chosen(values, words, positive, wanted, column)
    others = [key for key in values if key != chosen]
    if len(others) > 1:
        aside.warn(f"The labels {some([words[key] for key in others], 20)} are all taken as not '{named}'.")
    _tell_unlabelled(empty, words, n_of, aside)
    meaning = {key: int(key == chosen) for key in values} | dict.fromkeys(empty, -1)
    return LabelRule((_negative(others, words, named), named), meaning)


def positive_name(names: Sequence[str], positive: str | None, what: str) -> str:
    """Which of ``names`` is the positive class: the one asked for, or the only one that is exactly 'landslide(s)'.

    Raises LabelError listing the names; alphabetical order decides nothing.
    """
    if positive is not None:
        same = [name for name in names if name == positive] or [
            name for name in names if label_key(name) == label_key(positive)
        ]
        if not same:
            raise LabelError(f"None of the {what} is called '{positive}'. Found: {some(list(names), 20)}.")
        return same[0]
    known = [name for name in names if label_key(name) in LANDSLIDE]
    if len({label_key(name) for name in known}) != 1:
        raise LabelError(
            f"Which of the {what} is the positive class? Found: {some(list(names), 20)}. Say --positive NAME.",
            Asks("positive", tuple(names)),
        )
    return known[0]


def _in_order(key: _Key) -> tuple[bool, _Key]:
    return isinstance(key, str), key


def _with_the_other_word(values: list, empty: set, words: Mapping[_Key, str], wanted: _Key | None) -> list:
    """With one class and a word like 'none' beside it, which may be the other class or no label, that is asked for."""
    doubtful = sorted(key for key in empty if key in SAYS_NOTHING)
    if not doubtful:
        return values
    if wanted is None:
        raise LabelError(
            f"The labels are '{words[values[0]]}' and '{words[doubtful[0]]}'. Is the second a class, or no label? Say "
            f"--positive '{words[values[0]]}' if it is the other class; otherwise leave those cells empty.",
            Asks("positive", (words[values[0]],)),
        )
    empty.difference_update(doubtful)
    return values + doubtful


def _refuse_shares(values: Sequence[_Key], words: Mapping[_Key, str]) -> None:
    numbers = [key for key in values if isinstance(key, float)]
    if len(numbers) > 2 and any(number != int(number) for number in numbers):
        raise LabelError(
            f"The labels hold {len(numbers)} different numbers from {min(numbers):g} to {max(numbers):g}: these are "
            "shares or probabilities, not classes. Add a column 'label' with 1 for a landslide and 0 for none."
        )
    if len(values) > MOST_CLASSES:
        raise LabelError(
            f"The labels hold {len(values)} different values ({some([words[key] for key in values])}): these are no "
            "classes. Add a column 'label' with 1 for a landslide and 0 for none."
        )


def _chosen(
    values: Sequence[_Key],
    words: Mapping[_Key, str],
    positive: str | None,
    wanted: _Key | None,
    column: str,
) -> tuple[str, _Key]:
    """The name of the positive class, and the value that stands for it."""
    found = some([words[key] for key in values], 20)
    zero_one = set(values) <= {0.0, 1.0}
    truth = column.casefold().removeprefix("is_") in LANDSLIDE and all(key in TRUTH for key in values)
    if positive is not None:
        if wanted is not None and (wanted in values or (zero_one and wanted in (0.0, 1.0))):
            plain = isinstance(wanted, float) or wanted in TRUTH  # a value, and no name for a class
            return (DEFAULT_CLASSES[1] if plain else words[wanted]), wanted
        if zero_one and isinstance(wanted, str):
            return positive, 1.0
        if isinstance(wanted, str):
            raise LabelError(f"None of the labels is called '{positive}'. Found: {found}.")
        raise LabelError(f"The positive value '{positive}' is not among the labels: {found}.")
    if zero_one:
        return DEFAULT_CLASSES[1], 1.0
    if truth:
        return DEFAULT_CLASSES[1], next((key for key in values if TRUTH[str(key)]), "true")
    known = [key for key in values if key in LANDSLIDE]
    if len(known) == 1:
        return words[known[0]], known[0]
    example = words[values[-1]]
    rest = (
        "the other value then is the other class" if len(values) == 2 else "all other values then are the other class"
    )
    hint = " Where -1 means no label, leave those cells empty (nan) instead." if -1.0 in values else ""
    raise LabelError(
        f"Which of the labels is the positive class? Found: {found}. Say --positive VALUE, as in --positive "
        f"'{example}'; {rest}.{hint}",
        Asks("positive", tuple(words[key] for key in values)),
    )


def _negative(others: Sequence[_Key], words: Mapping[_Key, str], named: str) -> str:
    if len(others) == 1 and isinstance(others[0], str) and others[0] not in TRUTH:
        return words[others[0]]
    return DEFAULT_CLASSES[0] if named == DEFAULT_CLASSES[1] else f"not {named}"


def _tell_unlabelled(empty: set, words: Mapping[_Key, str], n_of: Mapping[_Key, int], aside: Aside) -> None:
    said = [
        f"{words[key]} ({n_of[key]})" for key in sorted(empty, key=_in_order) if words[key].lower() not in ("", "nan")
    ]
    if said:
        aside.warn(f"These labels are taken as no label: {some(said)}.")


def refuse_lost_class(before: Iterable[int], after: Iterable[int], classes: tuple[str, str], aside: Aside) -> None:
    """Raise LabelError when patches of both classes were found and those of one are all set aside."""
    before, after = Counter(before), Counter(after)
    lost = [label for label in (0, 1) if before[label] and not after[label]]
    if not lost or not (before[0] and before[1]):
        return
    first = f" The first reason: {aside.rejected[0].file}: {aside.rejected[0].reason}" if aside.rejected else ""
    raise LabelError(
        f"All {before[lost[0]]} patches of the class '{classes[lost[0]]}' were set aside, so only one class is left."
        f"{first} Mend that, or leave the other class out on purpose."
    )
