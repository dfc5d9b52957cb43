"""What an analysis is: one declaration that the command line, the queue, the pages and the links all read.

A module of ``core.analyses`` that defines ``ANALYSIS = Analysis(...)`` is an analysis; nothing else has to know it
(``core.analyses.registry``). Such a module is read by the dashboard's server too, so it imports torch, scikit-learn
and their kind inside its functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from core.config.sections import Section, explain_validation
from core.errors import ConfigError
from core.progress import Steps
from core.runs.registry.run_set import RunSet
from core.runs.targets import DatasetTarget, Target

Kind = Literal["run", "dataset", "checkpoints"]


class Options(Section):
    """The options of an analysis: bounds, defaults, titles and descriptions stand here and nowhere else."""


class NoOptions(Options):
    """Nothing to choose."""


@dataclass(frozen=True)
class Sets:
    """What an analysis of a dataset declares that trains sets of runs: an experiment, a search.

    word: what people call one. chosen: the name in the URL under which its view chooses one. name_of: the name of the
    set that these options make, which the runs it trains carry as ``experiment`` in their ``job.json``. names: of the
    sets that have begun on a dataset. told: one of them as a row of the registry, its state and start aside; raises
    LandslideLensError for a damaged one.
    """

    word: str
    chosen: str
    name_of: Callable[[Mapping[str, Any]], str]
    names: Callable[[DatasetTarget], list[str]]
    told: Callable[[DatasetTarget, str], RunSet]


@dataclass(frozen=True)
class Analysis:
    """One analysis.

    name: what commands and folders call it, ``snake_case``. title: what people call it. summary: one sentence, what it
    tells. target: what it is asked of. page, view: where its results are shown and it is followed. Options: what can be
    chosen.

    run: does it, yields Progress, writes what it found into ``target.results(name)`` and returns plain values that JSON
    can hold, ``message`` (a sentence) among them. read: what was found, or None before; ``None`` where the job's own
    result is all there is. on_patch: the same question for one patch, at once, by a warm process: takes the run, the
    request (plain values) and the process's loaded models (``core.workers.model_server.ModelCache``), and returns
    plain values.

    check: called with target and options when it is asked for, not when what was broken off goes on; raises
    LandslideLensError for what is not to be begun.

    needs_device: it computes with networks, so it waits for the device; others wait only for each other.

    sets: what it makes are sets of runs; each is a row of the list of runs (``core.jobs.run_sets``).
    """

    name: str
    title: str
    summary: str
    page: str
    run: Callable[[Any, Any], Steps[dict[str, Any]]]
    view: str | None = None
    Options: type[Options] = NoOptions
    read: Callable[[Any], Any] | None = None
    on_patch: Callable[[Any, Mapping[str, Any], Any], dict[str, Any]] | None = None
    target: Kind = "run"
    check: Callable[[Any, Any], None] | None = None
    needs_device: bool = True
    sets: Sets | None = None

    def options(self, given: Mapping[str, Any] | None = None) -> Any:
        """Its ``Options``, checked. Raises ConfigError in plain words for those that it does not take."""
        try:
            return self.Options.model_validate(dict(given or {}))
        except ValidationError as error:
            raise ConfigError(f"{self.title}: {explain_validation(error)}") from error

    def start(self, target: Target, given: Mapping[str, Any] | None = None) -> Steps[dict[str, Any]]:
        """Begin it on ``target``. Raises ConfigError for options that it does not take."""
        return self.run(target, self.options(given))
