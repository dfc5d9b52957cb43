"""Several dataset files joined into one, with the dataset that each patch came from as a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.config.sections import names_of
from core.data.store import open_dataset
from core.data.store.joining import Plan, held_path, join, plan_join
from core.errors import DataError
from core.progress import Progress, Steps
from core.runs.targets import CheckpointsTarget


class JoinOptions(Options):
    """Which datasets, into which file, and how they are brought together."""

    datasets: tuple[str, ...] = Field(min_length=1, title="Datasets", description="Dataset files (.h5) to join.")
    out: Path = Field(title="Dataset file", description="The dataset file to write (.h5).")
    names: tuple[str, ...] = Field(
        (), title="Names", description="What each is called in the column 'source', in their order; none: its file."
    )
    bands: tuple[str, ...] = Field(
        (), title="Bands", description="Bands to keep, by name; none: all that every dataset has."
    )
    unit: str | None = Field(
        None,
        title="Unit of the optical bands",
        description="0-255 draws all as pictures (DN 4,000 is white); none: their units must agree.",
    )
    hold_out: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        title="Held out",
        description="Share of each dataset's patches, in whole groups drawn at random, that goes into a second file, "
        "OUT-held.h5, to evaluate on.",
    )
    most: int | None = Field(
        None, ge=2, title="Most patches", description="Of each dataset, in whole groups drawn at random; none: all."
    )
    seed: int = Field(0, ge=0, title="Seed", description="Of what is drawn at random.")
    replace: bool = Field(False, title="Replace", description="Replace the dataset file if there is one already.")

    @field_validator("datasets", mode="before")
    @classmethod
    def _absolute(cls, value: Any) -> Any:
        return tuple(str(Path(path).expanduser().absolute()) for path in names_of(value) or ())

    @field_validator("out")
    @classmethod
    def _absolute_out(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("names", "bands", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value) or ()

    def plan(self) -> Plan:
        """What would be written. Raises as ``plan_join``, and DataError where the file is there already."""
        written = (self.out, held_path(self.out)) if self.hold_out else (self.out,)
        if not self.replace and (there := [path for path in written if path.exists()]):
            raise DataError(f"{there[0]} is there already, and is left as it is. Give --replace, or another name.")
        opened = [open_dataset(path) for path in self.datasets]
        return plan_join(opened, self.names, self.bands, self.unit, self.hold_out, self.most, self.seed)


def check(target: CheckpointsTarget, options: JoinOptions) -> None:
    """Raises, before anything waits, where the datasets do not fit."""
    options.plan()


def analyse(target: CheckpointsTarget, options: JoinOptions) -> Steps[dict[str, Any]]:
    """Write the joined file; the result has its path, counts and what was left out."""
    yield Progress(0.0, "Opening the datasets.")
    plan = options.plan()
    made = yield from join(plan, options.out)
    joined = made[0]
    return {
        "message": f"{len(joined):,} patches of {len(plan.datasets)} datasets in {joined.path.name}.",
        "dataset": str(joined.path),
        "held": str(made[1].path) if len(made) > 1 else None,
        "n": len(joined),
        "n_held": len(made[1]) if len(made) > 1 else 0,
        "bands": list(joined.band_names),
        "sources": {name: len(rows) for name, rows in zip(plan.names, plan.parts[""], strict=True)},
        "notes": list(plan.notes),
    }


ANALYSIS = Analysis(
    name="join_datasets",
    title="Join datasets",
    summary="Several dataset files as one, the bands matched by name, with the source of each patch as a column.",
    page="dataset",
    view="import",
    target="checkpoints",
    Options=JoinOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
