"""From judgements to a version of the labels: several people's words become one label, or the old one stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from core.data.label_versions import LEFT_OUT, Change, LabelVersion, labels_hash, write_version
from core.data.store.dataset import Dataset
from core.errors import DataError
from core.review.entry import LABELS, Entry, person
from core.review.judgements import Judgements
from core.text import list_names

Rule = Literal["agreed", "majority", "latest"]
RULES = get_args(Rule)


@dataclass(frozen=True)
class Draft:
    """What the judgements change. contested: ids on which people differ under the rule: their labels stay.

    confirmed: ids whose label was judged right. unknown: judged names that the dataset does not have. unusable: ids
    without a label that stay without one: bad images and duplicates.
    """

    changes: tuple[Change, ...]
    contested: tuple[str, ...]
    confirmed: tuple[str, ...]
    unknown: tuple[str, ...]
    unusable: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """For people: what was judged and changes nothing."""
        found = [f"{len(self.confirmed):,} judged labels were right."] if self.confirmed else []
        if self.contested:
            found.append(f"People differ on {len(self.contested):,} ({list_names(self.contested)}): these labels stay.")
        if self.unusable:
            found.append(f"{len(self.unusable):,} without a label stay so: bad images or duplicates.")
        if self.unknown:
            found.append(f"{len(self.unknown):,} judged names are not in this dataset: {list_names(self.unknown)}.")
        return found


def draft(dataset: Dataset, judgements: Judgements, rule: Rule = "agreed") -> Draft:
    """What a version made now would change in the dataset's labels.

    "unsure" is no vote. agreed: all who were sure say the same. majority: more than half of them. latest: the last
    word. "bad image" and "duplicate" leave the patch out.
    """
    if rule not in RULES:
        raise DataError(f"There is no rule '{rule}'. Accepted: {', '.join(RULES)}.")
    known = dict(zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True))
    changes, contested, confirmed, unknown, unusable = [], [], [], [], []
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
                changes.append(_change(name, known[name], after, sure))
    return Draft(
        tuple(sorted(changes, key=lambda c: c.id)),
        *(tuple(sorted(x)) for x in (contested, confirmed, unknown, unusable)),
    )


def decided(sure: Sequence[Entry], rule: Rule) -> int | None:
    """The label that these judgements of one patch give it, -1 to leave it out; None where they decide nothing."""
    votes = [LABELS.get(entry.verdict, LEFT_OUT) for entry in sure]
    if rule == "latest":
        return votes[-1]
    label, n = Counter(votes).most_common(1)[0]
    return label if n == len(votes) or (rule == "majority" and 2 * n > len(votes)) else None


def make_version(dataset: Dataset, judgements: Judgements, by: str, why: str, rule: Rule = "agreed") -> LabelVersion:
    """Keep a version of the labels made from the judgements as they stand.

    by: who makes it. why: what for. Raises DataError when the judgements change no label.
    """
    name, reason = person(by), why.strip()
    if not reason:
        raise DataError("Say what the new version of the labels is for.")
    found = draft(dataset, judgements, rule)
    if not found.changes:
        raise DataError(f"The judgements change no label of {dataset.path.name}. {' '.join(found.notes)}".rstrip())
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return write_version(
        dataset.path, LabelVersion(0, labels_hash(dataset.ids, dataset.labels), made, name, reason, rule, found.changes)
    )


def _change(name: str, before: int, after: int, sure: Sequence[Entry]) -> Change:
    """With the names and notes of those who said so."""
    said = [entry for entry in sure if LABELS.get(entry.verdict, LEFT_OUT) == after]
    notes = dict.fromkeys([entry.verdict for entry in said if after == LEFT_OUT] + [e.note for e in said if e.note])
    by = ", ".join(sorted({entry.by for entry in said}))
    return Change(name, before, after, by, max(entry.at for entry in said), "; ".join(notes))
