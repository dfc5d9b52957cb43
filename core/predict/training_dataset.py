"""The dataset that a finished run was trained on, as it was then.

Whatever looks again at a run's patches begins here.
"""

from __future__ import annotations

from core.data.store import Dataset, open_dataset
from core.errors import RunError
from core.runs.store import RunFolder


def training_dataset(run: RunFolder) -> Dataset:
    """Raises RunError when the run has not finished, or its dataset has changed since it was trained on."""
    run.require_finished()
    dataset = open_dataset(run.dataset_path())
    if reason := changed(run, dataset):
        raise RunError(reason)
    return dataset


def changed(run: RunFolder, dataset: Dataset) -> str:
    """A sentence where the file holds other patches or labels than the run was trained on; empty where it does not."""
    try:
        trained_on = run.provenance()["dataset"].get("content_hash")
    except (RunError, KeyError, TypeError, AttributeError):
        return ""  # a run that does not say what it was trained on
    if not trained_on or trained_on == dataset.content_hash:
        return ""
    return (
        f"'{dataset.name}' has changed since run '{run.name}' was trained on it: its scores are of other patches or "
        "labels. Restore the dataset file, or train again."
    )
