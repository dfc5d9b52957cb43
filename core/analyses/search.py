"""A search for better settings (``core.experiments.search``): trials, and the judgement of the best of them.

What is finished is kept: a search that was broken off goes on, and one that is asked again with more trials goes on
from those that it has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from core.analyses.base import Analysis, Options, Sets
from core.config import RunConfig, preset
from core.errors import RunError
from core.experiments.search.record import SAMPLERS, SEARCH, settings_words, short_name, told, trials_of
from core.experiments.search.space import Space, space_of, usual
from core.experiments.search.study import best_of
from core.progress import Steps
from core.runs.registry.run_set import RunSet
from core.runs.targets import DatasetTarget

NAME, WORD = "search", "Search"
CHOSEN = "search_chosen"  # the name in the URL of the one that the page shows


class SearchOptions(Options):
    """What is searched, how, and what judges the winner."""

    trials: int = Field(
        20,
        ge=1,
        le=1000,
        title="Trials",
        description="Settings to try, beside the settings as they are. Asked again with more, it goes on.",
    )
    preset: str = Field("small", title="Preset", description="Settings that the search starts from.")
    settings: str = Field(
        "",
        title="Settings",
        description="Settings of every trial that differ from the preset: section.key=value, with semicolons between.",
    )
    vary: str = Field(
        "",
        title="What to vary",
        description="section.key=low..high, section.key=log:low..high or section.key=a,b,c, with semicolons between. "
        "Empty: what matters most in this preset (learning rate, weight decay, mixing, SMOTE, the SVM's C).",
    )
    sampler: Literal["tpe", "random", "pso"] = Field(
        "tpe",
        title="Sampler",
        description="How the next settings are chosen. tpe: Tree-structured Parzen Estimator. random: at random. pso: "
        "Particle Swarm Optimisation.",
    )
    metric: Literal["f1", "auc"] = Field(
        "f1", title="Score", description="What is searched for: the highest cross-validated f1 or auc."
    )
    prune: bool = Field(
        True,
        title="Stop hopeless trials",
        description="A trial in the lower half of those before it, after the same folds, does not train the others.",
    )
    judge: Literal["held_back", "nested"] = Field(
        "held_back",
        title="Judgement",
        description="held_back: a part of the patches is in no trial, and the winner is judged on it. nested: several "
        "searches, each judged on another part, so that every patch judges once.",
    )
    share: float = Field(
        0.25, ge=0.05, le=0.5, title="Held back", description="Share of the patches that is in no trial."
    )
    outer_folds: int = Field(
        3, ge=2, le=10, title="Outer folds", description="How many searches a nested judgement makes."
    )
    seed: int = Field(0, ge=0, title="Seed", description="Of the sampler; the trials keep the preset's.")

    @property
    def device(self) -> str:
        """The device of the trials, whose lane the job waits in."""
        named = [item.partition("=")[2].strip() for item in listed(self.settings) if item.startswith("device=")]
        return named[-1] if named else "auto"

    @property
    def base(self) -> RunConfig:
        """The settings as they are. Raises ConfigError for those that cannot be used."""
        return preset(self.preset).with_overrides(listed(self.settings))


def listed(text: str) -> tuple[str, ...]:
    """Settings that are written with semicolons between them."""
    return tuple(filter(None, map(str.strip, text.split(";"))))


def name_of(options: Mapping[str, Any]) -> str:
    """What a search with these options is called: ``tpe-1a2b3c4d``; one with more trials is the same search."""
    found = ANALYSIS.options(options).model_dump(mode="json", exclude={"trials"})
    text = json.dumps(found, sort_keys=True)
    return f"{found['sampler']}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def space(options: SearchOptions, base: RunConfig | None = None) -> Space:
    """What is searched, around the settings as a trial trains them. Raises ConfigError, see ``space_of``.

    base: the settings as they are, where something was added to those of the options.
    """
    from core.experiments.search.plan import lean

    base = base or options.base
    vary = listed(options.vary) or usual(base)
    names = tuple(item.partition("=")[0].strip() for item in vary)
    space_of(base, vary)  # what is said of a setting is said of the settings that were asked for
    return space_of(lean(base, names), vary)


def check(target: DatasetTarget, options: SearchOptions) -> None:
    """Raises ConfigError, before anything waits, for what cannot be searched."""
    from core.config.packaged_weights import require

    require(space(options).base.model)


def analyse(target: DatasetTarget, options: SearchOptions) -> Steps[dict[str, Any]]:
    """Do the trials that are missing and judge the best. Raises as ``core.experiments.search.searching.search``."""
    from core.config.packaged_weights import require
    from core.data.exclusions import without_excluded
    from core.data.label_versions import with_version_named
    from core.data.store import open_dataset
    from core.experiments.search.plan import Plan
    from core.experiments.search.searching import search
    from core.runs.store import specification

    dataset = open_dataset(target.path)
    base, _ = with_version_named(options.base, dataset.path)
    require(base.model)
    base, _ = without_excluded(base, dataset)
    of = space(options, base)
    plan = Plan(
        dataset, of, options.metric, options.sampler, options.trials, options.seed, options.prune, options.judge,
        options.share, options.outer_folds,
    )  # fmt: skip
    name = name_of(options.model_dump(mode="json"))
    facts = {
        "name": name, "title": f"{SAMPLERS[options.sampler]} from {options.preset}", "preset": options.preset,
        "settings": list(listed(options.settings)), "space": [one.to_dict() for one in of.parameters],
        "metric": options.metric, "sampler": options.sampler, "asked": options.trials, "seed": options.seed,
        "prune": options.prune, "judge": options.judge, "share": options.share, "outer_folds": options.outer_folds,
        "head": of.base.heads.head, "folds": of.base.folds.words, "epochs": of.base.train.epochs,
        "dataset": str(dataset.path), "dataset_name": dataset.name, "positive": dataset.positive,
        "grouped": dataset.groups is not None, "spec": specification(dataset.path, of.base),
    }  # fmt: skip
    record = yield from search(plan, target.results(NAME).part(name), facts)
    values = record.to_dict()
    return {"message": told(values), "search": name, **values}


def names(target: DatasetTarget) -> list[str]:
    """The searches that have begun on this dataset, in alphabetical order."""
    return target.results(NAME).parts(having=SEARCH)


def read(target: DatasetTarget, name: str | None = None) -> dict[str, Any] | None:
    """A search as far as it has come (``core.experiments.search.record``), or None. name: none is the first one."""
    known = names(target)
    name = name or (known[0] if known else None)
    return target.results(NAME).part(name).json(SEARCH) if name in known else None


def as_row(target: DatasetTarget, name: str) -> RunSet:
    """A search as a row of the list of runs. Raises RunError for a damaged record."""
    record = target.results(NAME).part(name).json(SEARCH)
    try:
        trials = [one for part in record["parts"] for one in trials_of(part)]
        best = best_of(trials)
        numbers: dict[str, Any] = {}
        if best is not None:
            numbers = {"best": settings_words(dict(best.settings)), record["metric"]: best.value}
        if judged := record["judgement"]:
            outer = judged["outer"]
            numbers |= {record["metric"]: outer["value"]}
            numbers |= {"f1_low": outer["lo"], "f1_high": outer["hi"]} if record["metric"] == "f1" else {}
        ended = [one for one in trials if one.state != "running"]
        return RunSet(
            name=name, word=WORD, title=record["title"], dataset=record["dataset_name"], sentence=told(record),
            rows=max(len(record["parts"]) * (record["asked"] + 1), len(trials)), ended=len(ended),
            failed=sum(one.state == "failed" for one in trials), seconds=sum(one.seconds for one in trials),
            varies=", ".join(short_name(one["name"]) for one in record["space"]), **numbers,
        )  # fmt: skip
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"The record of the search {name} is damaged. Ask for it again.") from error


ANALYSIS = Analysis(
    name=NAME,
    title="Search for settings",
    summary="Tries settings one after the other, each chosen by the scores before it, and judges the best on patches "
    "that no trial has seen.",
    page="train",
    view="search",
    Options=SearchOptions,
    run=analyse,
    read=read,
    target="dataset",
    check=check,
    sets=Sets(WORD, CHOSEN, name_of, names, as_row),
)
