"""What is kept of a search: one file, written anew after every fold, from which it goes on and pages draw it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from core.experiments.search.study import AS_THEY_ARE, Trial, best_of
from core.runs.plain_files import to_json_value
from core.runs.results import ResultFolder
from core.text import count, difference, interval, number

SEARCH = "search.json"
NAMES = {"f1": "F1", "auc": "AUC"}
SAMPLERS = {"tpe": "TPE", "random": "Random", "pso": "Particle swarm"}


@dataclass
class Record:
    """Filled trial by trial.

    facts: what was asked for; ``spec`` among them names the settings as they are and the data. parts: one a search
    (several where it is nested): n_search, n_outer, positives, trials (``Trial.to_dict``), importance. judgement: of
    ``core.experiments.search.inflation``.
    """

    folder: ResultFolder
    facts: dict[str, Any]
    parts: list[dict[str, Any]] = field(default_factory=list)
    judgement: dict[str, Any] | None = None

    @classmethod
    def opened(cls, folder: ResultFolder, facts: dict[str, Any]) -> Record:
        """With the trials that are there from before, unless they were made on other patches or labels (``spec``)."""
        found = cls(folder, facts)
        if folder.has(SEARCH) and (before := folder.json(SEARCH)).get("spec") == facts["spec"]:
            found.parts = before["parts"]
        return found

    def trials(self, part: int) -> list[Trial]:
        """Those of one part, in their order."""
        return [Trial.from_dict(one) for one in self.parts[part]["trials"]]

    def put(self, part: int, trial: Trial) -> None:
        """A new trial, or what is known of one by now; written at once."""
        listed = self.parts[part]["trials"]
        place = next((i for i, one in enumerate(listed) if one["number"] == trial.number), len(listed))
        listed[place : place + 1] = [trial.to_dict()]
        self.save()

    def change(self, part: int, trial: Trial, **fields: Any) -> Trial:
        """As :meth:`put`, with some fields replaced."""
        trial = replace(trial, **fields)
        self.put(part, trial)
        return trial

    def save(self) -> None:
        """Write the file."""
        self.folder.write_json(SEARCH, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return to_json_value({**self.facts, "parts": self.parts, "judgement": self.judgement})


def trials_of(part: dict[str, Any]) -> list[Trial]:
    """The trials of one part of a record."""
    return [Trial.from_dict(one) for one in part["trials"]]


def told(record: dict[str, Any]) -> str:
    """What the search found, for people."""
    metric, judged = NAMES[record["metric"]], record["judgement"]
    if judged is None:
        return so_far(record)
    best = judged["best"]
    words = (
        f"The best {metric} inside the search is {number(judged['inner'])}; on {count(judged['n'])} patches that no "
        f"trial saw, these settings reach {number(judged['outer']['value'])} (95% interval "
        f"{interval(_ends(judged['outer']))}): the search's own number is {_by(judged['inflation'])}."
    )
    if set(best) == {AS_THEY_ARE}:
        return f"{words} No trial was better than the settings as they are."
    kept = judged["kept"]
    sure = "" if kept["lo"] > 0 or kept["hi"] < 0 else ", which may be chance"
    return (
        f"{words} Over the settings as they are it promised {difference(judged['promised']['value'])}; "
        f"{difference(kept['value'])} [{interval(_ends(kept), signed=True)}] is left{sure}."
    )


def so_far(record: dict[str, Any]) -> str:
    """How far it is: trials, the best of them, and how many were stopped early."""
    metric = NAMES[record["metric"]]
    trials = [one for part in record["parts"] for one in trials_of(part)]
    done = [one for one in trials if one.state != "running"]
    bests = [best for part in record["parts"] if (best := best_of(trials_of(part))) is not None]
    if not bests:
        return "No trial has ended yet."
    stopped = sum(one.state == "pruned" for one in done)
    best = max(bests, key=lambda one: -math.inf if one.value is None else one.value)
    return (
        f"{count(len(done))} trials so far, {count(stopped)} of them stopped early. Highest {metric} inside the "
        f"search: {number(best.value)}; it is chosen by, so that it is too high until it is judged."
    )


def settings_words(settings: dict[str, Any]) -> str:
    """A trial's settings in one line."""
    return ", ".join(f"{short_name(name)} {_short(value)}" for name, value in settings.items())


def short_name(name: str) -> str:
    """A setting without its section, where that says enough: "lr", but "smote.enabled"."""
    leaf = name.rpartition(".")[2]
    return name if leaf in ("enabled", "method", "protocol") else leaf


def _short(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _by(inflation: dict[str, float]) -> str:
    value, words = inflation["value"], f"[{interval(_ends(inflation), signed=True)}]"
    if value >= 0:
        return f"{number(value)} higher {words}"
    return f"{number(-value)} lower ({difference(value)} {words})"


def _ends(values: dict[str, float]) -> tuple[float, float]:
    return values["lo"], values["hi"]
