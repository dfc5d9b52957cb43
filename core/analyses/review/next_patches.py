"""Which of a run's unlabelled patches to label next, so that a batch of labels teaches the most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.errors import DataError, RunError
from core.progress import Progress, Steps
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

NAME = "next_patches"


class NextPatchesOptions(Options):
    """The size of the batch."""

    n: int = Field(20, ge=1, le=5000, title="Patches", description="How many to choose.")


def analyse(run: RunFolder, options: NextPatchesOptions) -> Steps[dict[str, Any]]:
    """Choose the batch from what the run has kept: no network is loaded and no image is read.

    All folds' heads answer (none has learnt from an unlabelled patch); likeness is measured in the first fold's space,
    since folds' spaces do not align. Raises RunError for a run that has not finished or kept no scores, DataError where
    every patch is labelled.
    """
    from core.embed.features import Preparation
    from core.predict.training_dataset import training_dataset
    from core.review.next_patches import next_batch

    dataset, config, summary = training_dataset(run), run.config(), run.summary()
    yield Progress(0.1, "Looking at the unlabelled patches.")
    hidden = _unlabelled(run, dataset)
    head, rule = _head(run, summary["head"])
    probs = np.stack([_probs(run, rule, head, fold)[hidden] for fold in range(config.folds.n_splits)])  # (K, n)
    embeddings, train = run.embeddings(0)["embeddings"], run.head_rows(0)["train"]
    rows = Preparation.fit(embeddings, train, config.embed.metric).rows(embeddings)
    yield Progress(0.5, "Choosing uncertain, novel and unlike ones.")
    learnt = np.concatenate([train, run.head_rows(0)["val"]])
    mean = probs.mean(axis=0)
    batch = next_batch(mean, rows[hidden], rows[learnt], options.n, rule["deployed"], config.seed)
    at = batch.index
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(at) + 1),
            "id": dataset.ids[hidden[at]].astype(str),
            "prob": mean[at],
            "spread": probs.std(axis=0)[at],
            "uncertainty": batch.uncertainty[at],
            "novelty": batch.novelty[at],
        }
    )
    results = run.results(NAME)
    results.write_table("patches", table)
    report = {
        "made": now(),
        "n": len(table),
        "n_unlabelled": len(hidden),
        "head": head,
        "ids": table["id"].tolist(),
        "message": f"{len(table):,} of {len(hidden):,} unlabelled patches chosen; the first is {table['id'][0]}.",
    }
    results.write_json("report.json", report)
    return {"run": run.name, **report}


def read(run: RunFolder) -> tuple[dict[str, Any], ResultFolder] | None:
    """The report and the folder of its table ``patches``; None before the analysis was done."""
    results = run.results(NAME)
    return (results.json("report.json"), results) if results.has("report.json") else None


def _unlabelled(run: RunFolder, dataset: Any) -> np.ndarray:
    """Rows without a label that nobody has left out or held back."""
    from core.data.selection import select

    config = run.config()
    selection = select(dataset, config.data, config.folds)
    free = (dataset.labels < 0) & ~(selection.excluded | selection.cloudy | selection.held_back)
    if not free.any():
        raise DataError(f"Every patch of {dataset.path.name} is labelled already. Import unlabelled ones beside them.")
    return np.flatnonzero(free)


def _head(run: RunFolder, headline: str) -> tuple[str, dict[str, Any]]:
    """The headline's head; of a blend, which keeps no scores of its own, the network's."""
    if not run.has_scores(0) or run.head_rows(0) is None:
        raise RunError(f"Run '{run.name}' was made before scores of unlabelled patches were kept. Train it again.")
    head = headline if headline in run.scores(0) else "fc"
    return head, run.rules()[head]


def _probs(run: RunFolder, rule: dict[str, Any], head: str, fold: int) -> np.ndarray:
    from scipy.special import expit

    from core.evaluate.judge import Rule

    return expit(Rule.from_dict(rule).log_odds(run.scores(fold)[head], fold))


ANALYSIS = Analysis(
    name=NAME,
    title="Patches to label next",
    summary="Unlabelled patches whose labels would teach the run most: uncertain, novel, and unlike each other.",
    page="review",
    Options=NextPatchesOptions,
    run=analyse,
    read=read,
    needs_device=False,
)
