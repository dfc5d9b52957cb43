"""What slices are made of: quarters of a number, values of a column, groups of alike patches; and their names.

Facts of patches come in; yes or no of each patch goes out, with the words that people call it by and the numbers
behind them. Nothing here sees a label or an answer, but for the probability that describes a group of alike patches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.data.bands import BYTES
from core.data.tabular.picture_facts import Fact
from core.evaluate.slices import number_bins, slice_names
from core.text import number, percent

TOLD = 0.5  # Cliff's delta from which a number tells a group from the rest of its fold
TOLD_SHARE = 0.6  # share of a group with one value of a column, and at least TOLD_MORE above the rest's, to be told
TOLD_MORE = 0.3
MOST_TOLD = 2
ALIKE = 0.7  # rank correlation from which two numbers say the same
FEWEST = 10  # patches with a known value


@dataclass(frozen=True)
class Clause:
    """words: "low NDVI". numbers: what is behind them, "0.02 to 0.31"; may be empty."""

    words: str
    numbers: str = ""


@dataclass(frozen=True, eq=False)
class Part:
    """fact: what it is a part of. name: for people. clauses: what it says, with numbers. member: (N,) bool.

    place: where a range lies among those of its fact, -1 for what has no order.
    """

    fact: str
    name: str
    clauses: tuple[Clause, ...]
    member: np.ndarray
    place: int = -1


def parts_of_facts(facts: Mapping[str, Fact]) -> list[Part]:
    """Quarters of numbers with more than four values, the values of others, and the 12 commonest of texts."""
    found: list[Part] = []
    for fact, known in facts.items():
        if known.values.dtype.kind in "fiub":
            bins, names = number_bins(known.values)
            made = [(i, bins == i, _clause(known, name, i, len(names))) for i, name in enumerate(names)]
        else:
            of = slice_names(known.values)
            made = [(-1, of == name, Clause(f"{known.title} {name}")) for name in sorted(set(of) - {""})]
        if len(made) > 1:
            found += [Part(fact, _name(known, clause), (clause,), member, i) for i, member, clause in made]
    return found


def parts_of_clusters(
    cluster: np.ndarray, fold_of: np.ndarray, facts: Mapping[str, Fact], answers: Fact | None = None
) -> list[Part]:
    """The clusters of each fold's own space, named by what they share.

    cluster: (N,) from 0 in each fold, -1 in none. answers: the predicted probability, which may describe them.
    """
    found = []
    told = dict(facts) | ({} if answers is None else {"prob": answers})
    for fold in np.unique(fold_of[cluster >= 0]):
        mine = fold_of == fold
        for which in np.unique(cluster[mine & (cluster >= 0)]):
            member = mine & (cluster == which)
            shared = _shared(member, mine & ~member, told)
            name = f"alike patches, fold {fold + 1} group {which + 1}"
            if shared:
                name += f": {', '.join(clause.words for clause in shared)}"
            found.append(Part("cluster", name, tuple(shared), member))
    return found


def _clause(fact: Fact, name: str, place: int, n: int) -> Clause:
    if " to " not in name:
        return Clause(f"{fact.title} {name}{_unit(fact)}")
    if fact.ends is None or n > 4:
        return Clause(fact.title, f"{name}{_unit(fact)}")
    end = fact.ends[int(2 * place >= n)]
    word = end if place in (0, n - 1) else "medium" if n == 3 else f"rather {end}"
    return Clause(f"{word} {fact.title}", f"{name}{_unit(fact)}")


def _name(fact: Fact, clause: Clause) -> str:
    if not clause.numbers:
        return clause.words
    return f"{clause.words} {clause.numbers}" if clause.words == fact.title else f"{clause.words} ({clause.numbers})"


def _unit(fact: Fact) -> str:
    if fact.unit == BYTES:
        return " of 255"
    return f"{'' if fact.unit[:1] in '%°' else ' '}{fact.unit}" if fact.unit else ""


def _shared(member: np.ndarray, rest: np.ndarray, facts: Mapping[str, Fact]) -> list[Clause]:
    """What tells a group from the rest of its fold, the clearest first; no two that say the same."""
    ranked: list[tuple[float, Clause, np.ndarray | None]] = []
    for fact in facts.values():
        found = _shared_text(fact, member, rest) if fact.values.dtype.kind not in "fiub" else None
        if found is not None:
            ranked.append((*found, None))
        elif fact.values.dtype.kind in "fiub":
            values = fact.values.astype(np.float64)
            delta = cliffs_delta(values[member], values[rest])
            if fact.ends is not None and abs(delta) >= TOLD:
                said = f"{fact.ends[int(delta > 0)]} {fact.title}"
                ranked.append((abs(delta), _told(said, fact, values, member, rest), values[member | rest]))
    ranked.sort(key=lambda one: -one[0])
    chosen: list[Clause] = []
    taken: list[np.ndarray] = []
    for _, clause, of_clause in ranked:
        if len(chosen) == MOST_TOLD:
            break
        if of_clause is not None:
            if any(abs(_rank_correlation(of_clause, one)) >= ALIKE for one in taken):
                continue
            taken.append(of_clause)
        chosen.append(clause)
    return chosen


def _told(said: str, fact: Fact, values: np.ndarray, member: np.ndarray, rest: np.ndarray) -> Clause:
    medians = [float(np.nanmedian(values[part])) for part in (member, rest)]
    digits = 0 if min(map(abs, medians)) >= 20 else 1 if min(map(abs, medians)) >= 2 else 2
    inside, beside = (number(value, digits) for value in medians)
    return Clause(said, f"median {inside}{_unit(fact)}, {beside} in the rest of the fold")


def _shared_text(fact: Fact, member: np.ndarray, rest: np.ndarray) -> tuple[float, Clause] | None:
    texts = fact.values.astype(str)
    names, counts = np.unique(texts[member], return_counts=True)
    name, share = str(names[counts.argmax()]), float(counts.max() / member.sum())
    other = float((texts[rest] == name).mean()) if rest.any() else 0.0
    if not name or share < TOLD_SHARE or share - other < TOLD_MORE:
        return None
    numbers = f"{percent(share, 0)}, {percent(other, 0)} in the rest of the fold"
    return share - other, Clause(f"mostly {fact.title} {name}", numbers)


def cliffs_delta(values: np.ndarray, others: np.ndarray) -> float:
    """How much likelier a value is above one of the others than below it, -1 to 1; 0 where few are known."""
    from scipy.stats import rankdata

    values, others = values[np.isfinite(values)], others[np.isfinite(others)]
    n, m = len(values), len(others)
    if min(n, m) < FEWEST:
        return 0.0
    rank_sum = rankdata(np.concatenate([values, others]))[:n].sum()
    return float(2 * (rank_sum - n * (n + 1) / 2) / (n * m) - 1)


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import rankdata

    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < FEWEST:
        return 0.0
    ranks = [rankdata(values[known]) for values in (one, other)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
