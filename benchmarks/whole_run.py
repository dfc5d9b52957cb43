"""A whole run for a benchmark: the product's own flow (plan, folds, heads, judging) in a folder that goes away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import RunConfig

if TYPE_CHECKING:
    from core.flow.run_context import RunContext
    from core.runs.store import RunFolder


@contextmanager
def whole_run(dataset: Path, config: RunConfig) -> Iterator[tuple[RunFolder, RunContext]]:
    """The judged run and its plan; no maps and no explanations."""
    from core.data.store import open_dataset
    from core.flow.fold import train_fold
    from core.flow.run_context import prepare
    from core.flow.scoring import judge
    from core.runs.store import create_run

    with tempfile.TemporaryDirectory() as checkpoints:
        run = create_run(Path(checkpoints), config, open_dataset(dataset).path, config.hash())
        plan = prepare(run)
        for fold in range(plan.folds.n_splits):
            for _ in train_fold(plan, fold):
                pass
        judge(plan)
        yield run, plan
