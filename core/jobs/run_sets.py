"""The sets of runs of a checkpoints folder (experiments, searches), with the state of the job that makes each.

Which analyses train sets is what they declare (``core.analyses.base.Analysis.sets``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.analyses.base import Analysis
from core.analyses.registry import analyses
from core.errors import LandslideLensError, needed
from core.jobs.analysis_folder import AnalysisFolder, jobs_of_datasets
from core.runs.registry.run_set import RunSet
from core.runs.targets import DatasetTarget


@dataclass(frozen=True)
class Listed:
    """A set, what made it and of which dataset, by that file's place: where it is shown follows from these."""

    facts: RunSet
    analysis: Analysis
    path: Path


def run_sets(
    checkpoints: Path,
    datasets: Mapping[str, Path],
    target: Callable[[Path, Path], DatasetTarget] = DatasetTarget,
) -> list[Listed]:
    """Every set on these datasets, newest first, those whose folder says no time last.

    datasets: name for people -> file. target: what reads a dataset's results (a page's reads them from its cache). A
    set that cannot be read has its name and its state.
    """
    declared = [one for one in analyses().values() if one.sets is not None]
    jobs = _jobs(checkpoints, declared)
    found = []
    for dataset, path in datasets.items():
        asked = target(path, Path(checkpoints))
        for analysis in declared:
            mine = (asked.place, analysis.name)
            own = {name: job for (*where, name), job in jobs.items() if tuple(where) == mine}
            for name in dict.fromkeys([*own, *_names(analysis, asked)]):
                facts = _told(analysis, asked, name, own.get(name))
                found.append(Listed(replace(facts, dataset=dataset), analysis, path))
    return sorted(found, key=lambda one: (one.facts.started, one.facts.name), reverse=True)


def _jobs(checkpoints: Path, declared: Iterable[Analysis]) -> dict[tuple[str, str, str], AnalysisFolder]:
    """(place of the dataset, analysis, name of the set) -> its newest job."""
    known = {one.name: one.sets for one in declared}
    found: dict[tuple[str, str, str], AnalysisFolder] = {}
    for job in jobs_of_datasets(checkpoints):
        try:
            asked = job.target()
            if isinstance(asked, DatasetTarget) and (sets := known.get(job.analysis())) is not None:
                found.setdefault((asked.place, job.analysis(), sets.name_of(job.options())), job)
        except (LandslideLensError, LookupError, TypeError, ValueError):
            continue  # of a kind that is not known here
    return found


def _names(analysis: Analysis, target: DatasetTarget) -> list[str]:
    try:
        return analysis.sets.names(target) if analysis.sets else []
    except LandslideLensError:
        return []


def _told(analysis: Analysis, target: DatasetTarget, name: str, job: AnalysisFolder | None) -> RunSet:
    """What the analysis says of it, with the state and the start of its job."""
    sets = needed(analysis.sets, f"{analysis.title} makes no sets of runs.")
    facts = RunSet(name, sets.word, name)
    broken = ""
    try:
        if name in _names(analysis, target):
            facts = sets.told(target, name)
    except LandslideLensError as error:
        broken = str(error)
    if broken:
        facts = replace(facts, sentence=broken, state="failed")
    elif job is None:
        facts = replace(facts, state="succeeded" if facts.ended == facts.rows else "interrupted")
    if job is None:
        return facts
    status = job.known_status()
    started = str(status.get("started") or status.get("created") or "")
    return replace(facts, state=facts.state if broken else str(status["state"]), started=started)
