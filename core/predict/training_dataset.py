"""The dataset that a finished run was trained on, as it was then.

Whatever looks again at a run's patches begins here.
"""

from __future__ import annotations

from core.data.label_versions import with_labels
from core.data.store import Dataset, open_dataset
from core.errors import RunError
from core.runs.store import RunFolder


def training_dataset(run: RunFolder) -> Dataset:
    """The file's patches with the labels that the run was trained with (``data.labels``).

    Raises RunError when the run has not finished, or its dataset has changed since it was trained on, and DataError
    where its version of the labels is not there any more.
    """
    run.require_finished()
    dataset = open_dataset(run.dataset_path())
    if reason := changed(run, dataset):
        raise RunError(reason)
    return with_labels(dataset, run.config().data.labels)


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
