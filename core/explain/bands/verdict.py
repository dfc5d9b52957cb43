"""What a figure of band occlusion supports, in a sentence, and what it does not (does SAR matter more than optical).

The Shapley shares of the groups of bands on out-of-fold landslides give an answer (yes, no, undecided) with the
interval of the difference behind it. An answer counts only where every replacement of bands gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from core.explain.bands.replacements import BASELINES
from core.explain.bands.tables import group_table
from core.stats.grouped_means import mean_of
from core.stats.intervals import Interval
from core.text import difference, interval, number

Answer = Literal["yes", "no", "undecided", "cannot be asked"]
LIMITS = (
    "This is about what this model leans on for these patches. It does not say that the other bands know less of "
    "landslides: bands that say the same stand in for each other, and only a model trained without some of them shows "
    "what they were worth (see Robustness)."
)
PLAIN = {"sar": "SAR", "optical": "optical", "terrain": "terrain", "other": "other bands"}


@dataclass(frozen=True)
class BaselineVerdict:
    """One replacement's answer: ``difference`` of the two modalities' shares, each one's ``shares``, and the first.

    shares: modality -> mean of the sum of its groups' Shapley values. total: mean drop without any band. first: the
    group with the largest share, and in which share of resamples it leads.
    """

    baseline: str
    answer: Answer
    difference: Interval | None
    shares: Mapping[str, Interval]
    total: Interval
    first: str
    first_share: float
    n: int
    n_groups: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "baseline": self.baseline,
            "answer": self.answer,
            "difference": self.difference.to_dict() if self.difference else None,
            "shares": {name: share.to_dict() for name, share in self.shares.items()},
            "total": self.total.to_dict(),
            "first": self.first,
            "first_share": self.first_share,
            "n": self.n,
            "n_groups": self.n_groups,
        }


@dataclass(frozen=True)
class BandVerdict:
    """The answer over all replacements; ``supports`` is what the figure shows in words, ``limits`` what it does not."""

    question: str
    answer: Answer
    supports: str
    limits: str
    by_baseline: tuple[BaselineVerdict, ...]

    @property
    def sentence(self) -> str:
        """Both together."""
        return f"{self.supports} {self.limits}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question,
            "answer": self.answer,
            "supports": self.supports,
            "limits": self.limits,
            "by_baseline": [one.to_dict() for one in self.by_baseline],
        }


def band_verdict(
    table: pd.DataFrame,
    head: str,
    groups: Mapping[str, str] | None = None,
    asked: tuple[str, str] = ("sar", "optical"),
    positive: str = "landslide",
) -> BandVerdict:
    """Does the first modality of ``asked`` matter more than the second? Raises LabelError without landslides.

    table: ``RunFolder.band_groups()``. groups: id -> group, resampled whole.
    """
    names = list(dict.fromkeys(table.loc[table["head"] == head, "baseline"]))
    found = tuple(_one(table, head, name, groups, asked) for name in names)
    answers = {one.answer for one in found}
    answer = answers.pop() if len(answers) == 1 else "undecided"
    a, b = (PLAIN[name] for name in asked)
    question = f"{a[0].upper()}{a[1:]} matters more than {b}?"
    return BandVerdict(question, answer, _supports(found, answer, (a, b), asked, positive), LIMITS, found)


def _one(
    table: pd.DataFrame, head: str, baseline: str, groups: Mapping[str, str] | None, asked: tuple[str, str]
) -> BaselineVerdict:
    mine = table[(table["head"] == head) & (table["baseline"] == baseline)]
    shown = group_table(mine, head, baseline, groups)
    landslides = mine[mine["label"] == 1]
    by = landslides.pivot_table(index="id", columns="modality", values="shapley", aggfunc="sum")  # (n, modalities)
    of = None if groups is None else by.index.astype(str).map(lambda i: groups.get(i, i)).to_numpy()
    shares = {name: mean_of(by[name].to_numpy(), of) for name in by.columns}
    difference = None
    if set(asked) <= set(by.columns):
        difference = mean_of((by[asked[0]] - by[asked[1]]).to_numpy(), of)
    first = shown.loc[shown["shapley"].idxmax()]
    return BaselineVerdict(
        baseline=baseline,
        answer=_answer(difference),
        difference=difference,
        shares=shares,
        total=mean_of(by.sum(axis=1).to_numpy(), of),
        first=str(first["group"]),
        first_share=float(first["first"]),
        n=len(by),
        n_groups=int(first["n_groups"]),
    )


def _answer(difference: Interval | None) -> Answer:
    if difference is None:
        return "cannot be asked"
    if difference.lo > 0:
        return "yes"
    return "no" if difference.hi < 0 else "undecided"


def _supports(
    found: tuple[BaselineVerdict, ...], answer: Answer, words: tuple[str, str], asked: tuple[str, str], positive: str
) -> str:
    one = next((each for each in found if each.baseline == "mean"), found[0])
    stands = f"{one.n:,} out-of-fold patches labelled {positive}"
    stands += f" in {one.n_groups:,} groups" if one.n_groups != one.n else ""
    lead = f"{one.first} carries the largest share, and does so in {one.first_share:.0%} of resamples"
    lead = f"Of {_said(one.total)} lost without any band, {lead} ({_replaced(one.baseline)})."
    if answer == "cannot be asked":
        only = ", ".join(PLAIN[name] for name in one.shares)
        asked_of = f"{words[0]} matters more than {words[1]} cannot be asked of these bands ({only})"
        return f"Whether {asked_of}. On {stands}: {lead[0].lower()}{lead[1:]}"
    shares = " and ".join(f"{_said(one.shares[name])} to {word}" for name, word in zip(asked, words, strict=True))
    text = f"{words[0][0].upper()}{words[0][1:]} matters more than {words[1]}: {answer}. On {stands}, the drop of the "
    text += f"probability is owed {shares}, {words[0]} minus {words[1]} {_said(one.difference, True)} "
    text += f"({_replaced(one.baseline)}). {lead}"
    others = [each for each in found if each is not one]
    if others:
        said = ", ".join(f"{each.baseline} {_said(each.difference, True)}: {each.answer}" for each in others)
        text += f" The same difference under other replacements: {said}."
        if answer == "undecided" and len({each.answer for each in found}) > 1:
            text += " The answer changes with what replaces the bands, so the figure settles nothing."
    return text


def _replaced(baseline: str) -> str:
    return f"bands replaced by {BASELINES.get(baseline, baseline)}"


def _said(found: Interval | None, signed: bool = False) -> str:
    if found is None:
        return "undefined"
    value = difference(found.value) if signed else number(found.value)
    return f"{value} (95% {interval((found.lo, found.hi), signed=signed)})"
