"""A finished run judged on the part of its own dataset that was held back, which is recorded each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.data.folds import all_ids
from core.data.held_back.openings import read_openings, record_opening, set_hash
from core.data.held_back.split_parts import split_parts
from core.errors import DataError, RunError
from core.progress import Progress, Steps, part
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, now
from core.text import interval, number

PARTS = {"test": "test", "val": "validation"}  # as the dataset's own split calls them
OPTION = {"test": "folds.use_split=true", "val": "folds.hold_out_val=true"}


class LockedTestOptions(Options):
    """Which part is judged."""

    part: Literal["test", "val"] = Field(
        "test",
        title="Part",
        description="The part of the dataset's own split: test, or val where the run held that back too "
        "(folds.hold_out_val).",
    )


@dataclass(frozen=True)
class LockedTest:
    """One part, judged by a run.

    report: every metric with intervals, confusion, threshold, n, head; oof (the run's own out-of-fold metrics),
    n_sharing (of these patches, how many show ground of the training part), earlier (openings of this very set before
    this one, the first one first), made, notes.
    """

    part: str
    report: dict[str, Any]
    results: ResultFolder

    def patches(self) -> pd.DataFrame:
        """Its patches: id, label, prob, pred."""
        return self.results.table("patches")


def analyse(run: RunFolder, options: LockedTestOptions) -> Steps[dict[str, Any]]:
    """Judge the held-back part with the mean of the run's folds at the run's own threshold, and record the opening.

    Raises RunError for a run that has not finished or has learnt from this part, DataError where there is no such part
    or its opening cannot be recorded.
    """
    from core.evaluate.judge import judge_answer
    from core.predict.known_patches import known_from_weights
    from core.predict.patches import Ensemble, answer
    from core.predict.sources import batches_of
    from core.predict.training_dataset import training_dataset

    yield Progress(0.0, "Opening the dataset.")
    dataset = training_dataset(run)
    rows = _rows(run, dataset, options.part)
    known = yield from part(known_from_weights(run, dataset, rows, dataset.band_names), 0.0, 0.05)
    if known.any.any():
        raise RunError(
            f"The weights that run '{run.name}' started from learnt from {int(known.any.sum()):,} of these "
            f"{len(rows):,} patches ({known.words()}), so they cannot test it. Train from other weights."
        )
    name = set_hash(dataset, rows)
    earlier = [one for one in read_openings(dataset.path, options.part) if one["set"] == name]
    batches = batches_of(dataset, rows)
    answered = yield from part(
        answer(run, batches, dataset.bands, Ensemble.load(run), dataset, n=len(rows)), 0.05, 0.95
    )
    labels = dataset.labels[rows]
    groups = None if dataset.groups is None else dataset.groups[rows]
    judged = judge_answer(labels, answered.probs, answered.threshold, groups)
    measured = {key: judged[key] for key in ("n", "f1", "f1_interval", "auc")}
    facts = {"run": run.name, "part": options.part, "set": name, "head": answered.head, "threshold": answered.threshold}
    record_opening(dataset.path, facts | measured)
    results = run.results(ANALYSIS.name).part(options.part)
    results.write_table(
        "patches", pd.DataFrame({"id": answered.ids, "label": labels, "prob": answered.probs, "pred": answered.pred})
    )
    sharing = _sharing(run, dataset.ids[rows])
    report = judged | {
        "run": run.name, "part": options.part, "set": name, "dataset_name": dataset.name, "head": answered.head,
        "positive": dataset.positive, "oof": run.summary()["heads"][answered.head], "n_sharing": sharing,
        "earlier": earlier, "made": now(), "grouped": groups is not None,
    }  # fmt: skip
    results.write_json("report.json", report | {"notes": _notes(report)})
    low, high = judged["f1_interval"]
    said = (
        f"F1 {number(judged['f1'])} (95% interval {interval((low, high))}), AUC {number(judged['auc'])} on "
        f"the {len(rows):,} held-back {PARTS[options.part]} patches of {dataset.name}. {opened_before(earlier)}"
    )
    keys = ("f1", "f1_interval", "auc", "precision", "recall", "specificity", "accuracy", "n", "threshold", "confusion")
    return {"message": said, "part": options.part, "opened_before": len(earlier), **{key: judged[key] for key in keys}}


def read(run: RunFolder) -> dict[str, LockedTest] | None:
    """What was judged, by part; None before the first."""
    results = run.results(ANALYSIS.name)
    parts = {name: results.part(name) for name in results.parts()}
    return {name: LockedTest(name, one.json("report.json"), one) for name, one in parts.items()} or None


def opened_before(earlier: list[dict[str, Any]]) -> str:
    """How often this set had been opened before, and by which runs, for people."""
    if not earlier:
        return "It had not been opened before."
    runs = list(dict.fromkeys(str(one["run"]) for one in earlier))
    times = "once" if len(earlier) == 1 else f"{len(earlier)} times"
    return f"It had been opened {times} before, by {', '.join(runs)}."


def _rows(run: RunFolder, dataset: Any, wanted: str) -> np.ndarray:
    """Rows of the labelled patches of that part, none of which the run knows."""
    from core.data.selection import select

    config, parts, what = run.config(), split_parts(dataset), PARTS[wanted]
    everything = config.folds.model_copy(update={"use_split": False})
    labels = select(dataset, config.data, everything).labels  # without what the run leaves out anyway
    rows = np.empty(0, int) if parts is None else np.flatnonzero((parts == wanted) & (labels >= 0))
    if not len(rows):
        raise DataError(
            f"{dataset.name} has no labelled {what} part in its own split. Evaluate the run on another dataset instead."
        )
    in_folds = all_ids(run.folds())
    if known := sum(name in in_folds for name in dataset.ids[rows].tolist()):
        raise RunError(
            f"Run '{run.name}' was trained on {known:,} of the {len(rows):,} {what} patches of {dataset.name}, so that "
            f"they cannot test it. Train again with {OPTION[wanted]}."
        )
    return rows


def _sharing(run: RunFolder, ids: np.ndarray) -> int:
    """How many of these patches show ground that a patch of the folds shows."""
    pairs = run.leaks()
    if pairs is None or not len(pairs):
        return 0
    mine, learnt = set(ids.tolist()), all_ids(run.folds())
    both = zip(pairs["a"].astype(str), pairs["b"].astype(str), strict=True)
    return len({one for a, b in both for one, other in ((a, b), (b, a)) if one in mine and other in learnt})


def _notes(report: dict[str, Any]) -> list[str]:
    notes = []
    if report["n_sharing"]:
        notes.append(
            f"{report['n_sharing']:,} of these {report['n']:,} patches show ground that a training patch shows too, by "
            "the dataset's own split: that part of the score is remembered."
        )
    if report["earlier"]:
        notes.append(
            "A test that has been looked at before may have been chosen by. Take the first opening as the result, or "
            "say how often it was opened."
        )
    return notes


ANALYSIS = Analysis(
    name="locked_test",
    title="Locked test",
    summary="The run evaluated on the held-back test part of its own dataset; every opening is recorded.",
    page="results",
    view="locked_test",
    Options=LockedTestOptions,
    run=analyse,
    read=read,
)
