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
    trained_on = run.provenance()["dataset"].get("content_hash")
    if trained_on and trained_on != dataset.content_hash:
        raise RunError(
            f"'{dataset.name}' has changed since run '{run.name}' was trained on it. Restore the dataset file, or "
            "train again."
        )
    return dataset
