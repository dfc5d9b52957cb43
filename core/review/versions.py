"""From judgements to a version of the labels: several people's words become one label, or the old one stays.

Decisions on groups of patches that belong together leave patches out, or keep them in one fold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar, get_args

from core.data.label_versions import LEFT_OUT, Change, LabelVersion, Together, labels_hash, write_version
from core.data.store.dataset import Dataset
from core.errors import DataError
from core.review.entry import LABELS, Entry, person
from core.review.groups import APART, GROUP, TOGETHER, kept_by, members
from core.review.judgements import Judgements, Key
from core.text import list_names

Rule = Literal["agreed", "majority", "latest"]
RULES = get_args(Rule)
Vote = TypeVar("Vote", int, str)


@dataclass(frozen=True)
class Draft:
    """What the judgements change. contested: ids on which people differ under the rule: their labels stay.

    confirmed: ids whose label was judged right. unknown: judged names that the dataset does not have. together: groups
    that no fold will divide. groups_contested: first patches of groups on which people differ: nothing is done to
    them. groups_replaced: of groups about some of whose patches something else was decided later. groups_emptied: of
    groups whose kept patch was itself judged a bad image or a duplicate, so that nothing remains.
    unusable: ids without a label that stay without one: bad images and duplicates.
    """

    changes: tuple[Change, ...]
    contested: tuple[str, ...]
    confirmed: tuple[str, ...]
    unknown: tuple[str, ...]
    together: tuple[Together, ...] = ()
    groups_contested: tuple[str, ...] = ()
    groups_replaced: tuple[str, ...] = ()
    groups_emptied: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether a version made now would say anything."""
        return bool(self.changes or self.together)

    @property
    def notes(self) -> list[str]:
        """For people: what was judged and changes nothing."""
        found = [f"{len(self.confirmed):,} judged labels were right."] if self.confirmed else []
        if self.contested:
            found.append(f"People differ on {len(self.contested):,} ({list_names(self.contested)}): these labels stay.")
        if self.groups_contested:
            n, names = len(self.groups_contested), list_names(self.groups_contested)
            found.append(f"People differ on {n:,} groups of duplicates (of {names}): nothing is done to them.")
        if self.groups_replaced:
            n, names = len(self.groups_replaced), list_names(self.groups_replaced)
            found.append(f"{n:,} decisions on groups (of {names}) gave way to later ones on the same patches.")
        if self.groups_emptied:
            n, names = len(self.groups_emptied), list_names(self.groups_emptied)
            found.append(f"Of {n:,} groups (of {names}) nothing remains: the patch to keep was judged out as well.")
        if self.unusable:
            found.append(f"{len(self.unusable):,} without a label stay so: bad images or duplicates.")
        if self.unknown:
            found.append(f"{len(self.unknown):,} judged names are not in this dataset: {list_names(self.unknown)}.")
        return found


def draft(dataset: Dataset, judgements: Judgements, rule: Rule = "agreed") -> Draft:
    """What a version made now would change in the dataset's labels and folds.

    "unsure" is no vote. agreed: all who were sure say the same. majority: more than half of them. latest: the last
    word. "bad image" and "duplicate" leave the patch out, and so does a group of which another patch is kept, whatever
    its label is judged to be. A group that is to stay together stays in one fold.
    """
    if rule not in RULES:
        raise DataError(f"There is no rule '{rule}'. Accepted: {', '.join(RULES)}.")
    known = dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True))
    changes: dict[str, Change] = {}
    contested: list[str] = []
    confirmed: list[str] = []
    unknown: list[str] = []
    unusable: list[str] = []
    for (_, name), said in judgements.by_subject("patch").items():
        sure = [entry for entry in said if entry.verdict != "unsure"]
        if name not in known:
            unknown.append(name)
        elif sure:
            after = decided(sure, rule)
            if after is None:
                contested.append(name)
            elif after == known[name]:
                (unusable if after == LEFT_OUT else confirmed).append(name)
            else:
                changes[name] = _change(name, known[name], after, sure)
    together, groups_contested, emptied = [], [], []
    standing, replaced = newest_of_each(judgements.by_subject(GROUP))
    for subject, entries in standing:
        inside = members(subject)
        if missing := [name for name in inside if name not in known]:
            unknown += missing
            continue
        verdict = agreed_verdict(entries, rule)
        if verdict is None:
            groups_contested.append(inside[0])
        elif verdict == TOGETHER:
            together.append(Together(inside, *_who(entries, verdict)))
        elif verdict != APART:
            by, at, why = _who(entries, verdict)
            kept = kept_by(verdict)
            if kept in changes and changes[kept].after == LEFT_OUT:
                emptied.append(inside[0])
            for name in inside:
                if name != kept and known[name] != LEFT_OUT:
                    changes[name] = Change(name, known[name], LEFT_OUT, by, at, why)
    return Draft(
        tuple(sorted(changes.values(), key=lambda c: c.id)),
        tuple(sorted(set(contested) - set(changes))),
        tuple(sorted(set(confirmed) - set(changes))),
        tuple(sorted(set(unknown))),
        tuple(sorted(together, key=lambda group: group.ids)),
        tuple(sorted(groups_contested)),
        tuple(sorted(members(subject)[0] for subject in replaced)),
        tuple(sorted(emptied)),
        tuple(sorted(unusable)),
    )


def newest_of_each(said: Mapping[Key, Sequence[Entry]]) -> tuple[list[tuple[str, Sequence[Entry]]], list[str]]:
    """Groups with what stands of them, and those that give way to a group about which something was said later.

    Two searches may find different groups of the same patches. The later one counts then, lest one decision keeps what
    another drops and nothing remains.
    """
    newest = sorted(said.items(), key=lambda item: max((e.at, e.key) for e in item[1]), reverse=True)
    taken: set[str] = set()
    standing, replaced = [], []
    for (_, subject), entries in newest:
        inside = members(subject)
        if taken.isdisjoint(inside):
            standing.append((subject, entries))
            taken.update(inside)
        else:
            replaced.append(subject)
    return standing, replaced


def agreed_verdict(said: Sequence[Entry], rule: Rule = "agreed") -> str | None:
    """What these people decide of one group under the rule; None where they decide nothing."""
    return _ruled([entry.verdict for entry in said], rule)


def decided(sure: Sequence[Entry], rule: Rule) -> int | None:
    """The label that these judgements of one patch give it, -1 to leave it out; None where they decide nothing."""
    return _ruled([LABELS.get(entry.verdict, LEFT_OUT) for entry in sure], rule)


def _ruled(votes: Sequence[Vote], rule: Rule) -> Vote | None:
    """What votes, oldest first, come to; None where they decide nothing."""
    if rule == "latest":
        return votes[-1]
    vote, n = Counter(votes).most_common(1)[0]
    return vote if n == len(votes) or (rule == "majority" and 2 * n > len(votes)) else None


def make_version(dataset: Dataset, judgements: Judgements, by: str, why: str, rule: Rule = "agreed") -> LabelVersion:
    """Keep a version of the labels made from the judgements as they stand.

    by: who makes it. why: what for. Raises DataError when the judgements change no label and keep nothing together.
    """
    name, reason = person(by), why.strip()
    if not reason:
        raise DataError("Say what the new version of the labels is for.")
    found = draft(dataset, judgements, rule)
    if not found.changes_something:
        raise DataError(f"The judgements change no label of {dataset.path.name}. {' '.join(found.notes)}".rstrip())
    made = datetime.now(UTC).isoformat(timespec="seconds")
    of = labels_hash(dataset.ids, dataset.labels)
    return write_version(dataset.path, LabelVersion(0, of, made, name, reason, rule, found.changes, found.together))


def _change(name: str, before: int, after: int, sure: Sequence[Entry]) -> Change:
    """With the names and notes of those who said so."""
    said = [entry for entry in sure if LABELS.get(entry.verdict, LEFT_OUT) == after]
    notes = dict.fromkeys([entry.verdict for entry in said if after == LEFT_OUT] + [e.note for e in said if e.note])
    by = ", ".join(sorted({entry.by for entry in said}))
    return Change(name, before, after, by, max(entry.at for entry in said), "; ".join(notes))


def _who(said: Sequence[Entry], verdict: str) -> tuple[str, str, str]:
    """Who decided it of a group, when, and why."""
    mine = [entry for entry in said if entry.verdict == verdict]
    by = ", ".join(sorted({entry.by for entry in mine}))
    return by, max(entry.at for entry in mine), "; ".join(dict.fromkeys([verdict, *(e.note for e in mine if e.note)]))
