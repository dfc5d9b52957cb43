"""A set of runs that answers one question (an experiment, a search) as a row of the registry: plain values.

What trains such sets declares them (``core.analyses.base.Sets``); nothing here knows which there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.runs.registry.entry import Entry


@dataclass(frozen=True)
class RunSet:
    """One set as far as it has come. Times are ISO texts.

    name: as its runs carry it (``experiment`` of ``job.json``). word: what people call its kind. sentence: what it
    found. rows, ended, failed: of its rows, how many there are, have ended, could not be trained. runs: those that its
    rows stand on, also such as were there before it. best: title of the row with the highest F1, with that F1 (out of
    fold unless the sentence says otherwise), its 95 % interval, AUC and, of several trainings, standard deviation over
    seeds. seconds: of computing, of the rows that have ended. state: of its job; without a job, as its rows tell.
    """

    name: str
    word: str
    title: str
    dataset: str = ""
    sentence: str = ""
    rows: int = 0
    ended: int = 0
    failed: int = 0
    runs: tuple[str, ...] = ()
    best: str = ""
    f1: float | None = None
    f1_low: float | None = None
    f1_high: float | None = None
    auc: float | None = None
    seeds_sd: float | None = None
    seeds: int = 1
    seconds: float | None = None
    varies: str = ""
    state: str = "succeeded"
    started: str = ""

    @property
    def progress(self) -> str:
        """How many of its rows have ended: "6 rows", "2 of 6 rows"."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        return rows if self.ended == self.rows else f"{self.ended:,} of {rows}"


def trained_by(one: RunSet, entries: Sequence[Entry]) -> list[Entry]:
    """The runs that a set has trained itself: what is done with the set is done with these, and with no other."""
    return [entry for entry in entries if entry.experiment == one.name]


def own_runs(one: RunSet, entries: Sequence[Entry]) -> list[Entry]:
    """The runs of a set that are there: those it has trained, and those that its rows stand on, in their order."""
    named = set(one.runs)
    return [entry for entry in entries if entry.experiment == one.name or entry.name in named]


def listed(sets: Sequence[RunSet], entries: Sequence[Entry], archived: bool = False) -> list[RunSet]:
    """The sets that belong in a list of these runs (all there are).

    A set that began has a row as long as one of its runs is there, and is archived with the last of them.
    """
    found = []
    for one in sets:
        own = own_runs(one, entries)
        gone = one.runs and not own
        hidden = own and all(entry.archived for entry in own) and not archived
        if not gone and not hidden:
            found.append(one)
    return found


def folded(entries: Sequence[Entry], sets: Collection[RunSet]) -> list[Entry]:
    """The runs that stand for themselves: those that no listed set has trained."""
    names = {one.name for one in sets}
    return [entry for entry in entries if entry.experiment not in names]
