"""What a kind of experiment is: one declaration that gives its rows; the mechanism runs, compares and draws them.

A module of ``core.experiments.kinds`` that defines ``KIND = Kind(...)`` is a kind; nothing else has to know it
(``core.experiments.registry``). The dashboard's server reads it too, so it imports torch and its kind inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.config import RunConfig, preset
from core.errors import ConfigError
from core.progress import Steps

if TYPE_CHECKING:
    import pandas as pd

    from core.data.store.dataset import Dataset
    from core.runs.store import RunFolder

Budget = Literal["full", "small"]
Figure = Literal["parameters", "opened", "heads", "rows"]


@dataclass(frozen=True)
class Row:
    """One row: a configuration, and what of its run is judged.

    name: short, unique, for links. title: for people. head: that is judged; none: the run's headline. dataset: another
    file than the experiment's. weights_of: name of an earlier row, from whose run this one starts (``model.weights``).
    facts: plain values that the figure or the table shows beside the numbers. Rows with one configuration share a run.
    """

    name: str
    title: str
    config: RunConfig
    head: str | None = None
    dataset: Path | None = None
    weights_of: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What an experiment is asked of, and with. preset: empty for the kind's own. settings: ``section.key=value``.

    vary: ``section.key=a,b`` of a grid. others: further dataset files, for kinds that need them.
    """

    dataset: Dataset
    checkpoints: Path
    budget: Budget = "full"
    preset: str = ""
    settings: tuple[str, ...] = ()
    vary: tuple[str, ...] = ()
    others: tuple[Path, ...] = ()

    def base(self, own: str) -> RunConfig:
        """The preset that was asked for, or ``own``."""
        return preset(self.preset or own)


@dataclass(frozen=True)
class Kind:
    """One kind of experiment.

    name: what commands call it. title, summary: for people; the summary names its source. rows: in the order in which
    they are trained, at their full budget. shrink: settings that a row's configuration gets with ``budget=small``, on
    top of those that every kind gets. baseline: name of the row that the others are compared with; none: the first.
    figure: what is drawn beside the table. across: title of the figure's axis. answers: what a row is judged by: id,
    label, group, prob, pred of each patch; none: its head's out-of-fold answers. judged_on: the name of the set that
    ``answers`` are of; none: the experiment's dataset. told: what else its run says, by a
    column's title. prepare: what is done before the first row, such as joining datasets. check: raises ConfigError for
    what cannot be asked. needs: what it takes beside the dataset. owns: beginning of the settings that ``rows`` has
    used itself, which are not given to every row again.
    """

    name: str
    title: str
    summary: str
    rows: Callable[[Asked], list[Row]]
    shrink: Callable[[RunConfig], Iterable[str]] = lambda config: ()
    baseline: str = ""
    figure: Figure = "rows"
    across: str = ""
    answers: Callable[[Asked, Row, RunFolder], pd.DataFrame] | None = None
    judged_on: Callable[[Asked], str] | None = None
    told: Callable[[Asked, Row, RunFolder, pd.DataFrame], Mapping[str, Any]] | None = None
    prepare: Callable[[Asked], Steps[None]] | None = None
    check: Callable[[Asked], None] | None = None
    needs: Literal["", "vary", "others"] = ""
    owns: str = ""


def planned(kind: Kind, asked: Asked) -> list[Row]:
    """The rows to train: those of the kind with the budget's settings and then the user's, the baseline first.

    Raises ConfigError for settings that cannot be used, and for rows that would be the same.
    """
    from dataclasses import replace

    from core.experiments.budget import small

    if kind.check is not None:
        kind.check(asked)
    if asked.vary and kind.needs != "vary":
        raise ConfigError(f"--vary belongs to the experiment grid; {kind.name} has its own rows. Use --set instead.")
    if asked.others and kind.needs != "others":
        raise ConfigError(f"The experiment {kind.name} uses one dataset. Leave out the further ones.")
    rows = []
    settings = [item for item in asked.settings if not kind.owns or not item.strip().startswith(kind.owns)]
    for row in kind.rows(asked):
        config = row.config
        if asked.budget == "small":
            config = config.with_overrides([*small(config), *kind.shrink(config)])
        rows.append(replace(row, config=config.with_overrides(settings)))
    _refuse_equal(kind, rows)
    first = baseline_of(kind, rows)
    return sorted(rows, key=lambda row: row.name != first)


def baseline_of(kind: Kind, rows: list[Row]) -> str:
    """Name of the row that the others are compared with."""
    return kind.baseline or rows[0].name


def _refuse_equal(kind: Kind, rows: list[Row]) -> None:
    if len(rows) < 2:
        raise ConfigError(f"The experiment {kind.name} has one row only: there is nothing to compare.")
    seen: dict[tuple, Row] = {}
    for row in rows:
        settings = row.config.model_copy(update={"preset": ""}).hash()
        judged = tuple(sorted(map(str, row.facts.items()))) if kind.answers is not None else ()
        key = settings, row.head, row.dataset, row.weights_of, judged
        if row.name in {other.name for other in seen.values()}:
            raise ConfigError(f"The experiment {kind.name} has two rows named '{row.name}'.")
        if key in seen:
            raise ConfigError(
                f"The rows '{seen[key].title}' and '{row.title}' would be the same run: a setting that was given "
                "(--set, or the budget) overrides what they differ in. Leave that setting out."
            )
        seen[key] = row
