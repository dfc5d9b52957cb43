"""The folds of a run as parts of its job: each reads the dataset and writes into its own folder of the run.

In this process they share what has been read; in another one the run folder and the dataset are all that is needed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from core.errors import TrainingError
from core.flow.fold import train_fold
from core.flow.run_context import RunContext, prepare
from core.flow.shared import Shared
from core.parts import Done, Part, executor
from core.progress import Progress, Steps
from core.runs.plain_files import read_text
from core.runs.store import RunFolder
from core.train.loop import newest_checkpoint

WORK = "core.flow.fold_part:train"
_KEPT = Shared()  # of a process that does one fold after another for somebody else


def train_folds(context: RunContext) -> Steps[None]:
    """Train every fold, and tell an event ``fold`` for each, in their order, when it and those before it are trained.

    Raises the first error of a fold, and the others are stopped.
    """
    parts = fold_parts(context)
    shares, ended, next_fold = [0.0] * len(parts), set(), 0
    told = executor().map(parts)
    try:
        for k, said in told:
            if not isinstance(said, Done):
                shares[k] = said.share
                yield replace(said, share=sum(shares) / len(parts))
                continue
            if said.error is not None:
                raise said.error
            shares[k] = 1.0
            ended.add(k)
            while next_fold in ended:
                next_fold += 1
                fields = {"stage": "training", "fold": next_fold - 1, "n_folds": len(parts)}
                text = f"Fold {next_fold} of {len(parts)} is trained."
                yield Progress(sum(shares) / len(parts), text, "fold", fields)
    finally:
        told.close()


def fold_parts(context: RunContext) -> list[Part]:
    """Every fold; one that was done before ends at once."""
    run = context.run
    needs = (run.path.resolve(), run.dataset_path().resolve())
    return [
        Part(
            f"Fold {fold + 1}",
            partial(_here, context, fold),
            WORK,
            {"run": str(needs[0]), "fold": fold},
            needs,
            shared=True,
        )
        for fold in range(context.folds.n_splits)
    ]


def train(run: str, fold: int) -> Steps[None]:
    """Train one fold of a run that was prepared elsewhere, going on from its checkpoint where there is one.

    Raises TrainingError as :func:`prepared_elsewhere`.
    """
    folder = RunFolder(Path(run))
    if folder.fold_is_done(fold):
        folder.forget_checkpoints(fold)
        yield Progress(1.0, f"Fold {fold + 1} was done before.", fields={"stage": "training", "fold": fold})
        return
    yield Progress(0.0, f"Reading the dataset for fold {fold + 1}.", fields={"stage": "loading", "fold": fold})
    context = prepared_elsewhere(folder)
    if (checkpoint := newest_checkpoint(folder.resume_path(fold))) is not None:
        text = f"Fold {fold + 1} goes on after epoch {checkpoint.epoch}."
        yield Progress(0.0, text, "resumed", {"stage": "training", "fold": fold, "epoch": checkpoint.epoch})
    yield from train_fold(context, fold)


def prepared_elsewhere(run: RunFolder) -> RunContext:
    """What a run's stages share, in a process that does a part of a run that another one has prepared.

    Raises TrainingError where the folds that are drawn here are not those of the run.
    """
    context = prepare(run, _KEPT, record=False)
    if context.folds.to_json(context.dataset.ids) != read_text(run.path / "folds.json"):
        raise TrainingError(
            "The folds that are drawn on this node differ from those of the run: its dataset or its libraries are "
            "others. Install the same requirements on every node, and let all see the same files."
        )
    return context


def _here(context: RunContext, fold: int) -> Steps[None]:
    yield from train_fold(context, fold)
