"""The order of the flow, readable aloud, and the only code that wires its stages.

A run folder with a configuration and the path of a dataset file is filled with networks, heads, out-of-fold scores,
maps, attention, occlusion and a summary. Whatever learns sees the training part of its fold only; calibration and
thresholds are cross-fitted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from core.flow.explaining import draw_and_explain
from core.flow.fold_part import train_folds
from core.flow.run_context import prepare
from core.flow.scoring import judge, summarise
from core.flow.shared import Shared
from core.parts import executor
from core.progress import TRAINING, Progress, part
from core.runs.store import RunFolder
from core.runs.summary import headline
from core.train.loop import newest_checkpoint


def train_run(run: RunFolder, shared: Shared | None = None) -> Iterator[Progress]:
    """Do the whole run, or what is left of it after an interruption.

    After each fold comes an event ``fold``: whoever has seen enough may close the steps there, and the run is left as
    if it had been broken off (``core.experiments.search`` does so with trials that will not win).

    shared: what other runs in this process have made.

    Raises DataError, FoldError, ConfigError or TrainingError in plain words when it cannot be done.
    """
    yield Progress(0.0, "Reading the dataset.", fields={"stage": "loading"})
    executor().expect(run.config().folds.n_splits)
    context = prepare(run, shared)
    for note in context.value_notes:
        yield Progress(0.0, f"Warning: {note}", fields={"stage": "loading"})
    yield from part(train_folds(context), 0.0, TRAINING)
    trained = time.monotonic()
    yield Progress(TRAINING, "Judging the out-of-fold scores.", "judging", {"stage": "judging"})
    judged = judge(context)
    yield from part(draw_and_explain(context), TRAINING, 1.0)
    summary = summarise(context, judged, seconds_after_training=time.monotonic() - trained)
    run.write_json("summary.json", summary)
    yield Progress(1.0, headline(summary), "summary", {"stage": "done", **{"oof": summary["oof"]}})


def resume_point(run: RunFolder) -> Progress:
    """Where a run that was broken off goes on: the fold, and the epoch of its newest complete checkpoint."""
    n_folds = run.config().folds.n_splits
    fold = next((k for k in range(n_folds) if not run.fold_is_done(k)), None)
    if fold is None:
        return Progress(
            TRAINING, "Every fold is trained: going on with judging.", "resumed", {"stage": "judging", "epoch": 0}
        )
    checkpoint = newest_checkpoint(run.resume_path(fold))
    epoch = checkpoint.epoch if checkpoint else 0
    if fold == 0 and epoch == 0:
        text = "No checkpoint had been written yet: starting afresh."
    else:
        text = f"Going on in fold {fold + 1} after epoch {epoch}."
    if checkpoint and checkpoint.damaged:
        text += f" The newest checkpoint was damaged and passed over ({', '.join(map(str, checkpoint.damaged))})."
    progress = TRAINING * fold / n_folds
    return Progress(progress, text, "resumed", {"stage": "training", "fold": fold, "n_folds": n_folds, "epoch": epoch})
