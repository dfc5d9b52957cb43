"""The simulated demo dataset, made in the background: a newcomer's first patches."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.analyses.base import Analysis, Options
from core.progress import Steps
from core.runs.store import datasets_path
from core.runs.targets import CheckpointsTarget

PATCHES = 1200  # with seed 0 the dataset is called "demo"


class DemoOptions(Options):
    """How many patches, and which."""

    n: int = Field(PATCHES, ge=60, le=20_000, title="Patches", description="Number of simulated patches.")
    seed: int = Field(0, ge=0, title="Seed", description="The same seed gives the same patches.")

    pairs: bool = Field(
        False,
        title="Before and after",
        description="Pairs of pictures (red, green, blue) before and after the event, in place of Sentinel-1 and 2.",
    )

    @property
    def name(self) -> str:
        """What the dataset is called."""
        kind = "demo-pairs" if self.pairs else "demo"
        return kind if (self.n, self.seed) == (PATCHES, 0) else f"{kind}-{self.n}-seed{self.seed}"


def analyse(target: CheckpointsTarget, options: DemoOptions) -> Steps[dict[str, Any]]:
    """Write the dataset file among the checkpoints folder's datasets, unless it is there."""
    from core.data.demo import demo_steps  # here: every worker loads this module, and its filters take a while

    path = datasets_path(target.checkpoints) / f"{options.name}.h5"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        yield from demo_steps(path, options.n, options.seed, options.pairs)
    return {"message": f"{options.n:,} patches simulated.", "dataset": str(path.resolve()), "name": options.name}


ANALYSIS = Analysis(
    name="demo_dataset",
    title="Demo dataset",
    summary="Simulated Sentinel-1/2 patches with landslides, of which everything is known.",
    page="dataset",
    view="import",
    target="checkpoints",
    Options=DemoOptions,
    run=analyse,
    needs_device=False,
)
