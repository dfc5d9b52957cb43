"""The control run of a run: it differs in ``smote.protocol`` alone, so it shows what the protocol adds to the score."""

from __future__ import annotations

from core.config import RunConfig
from core.errors import LandslideLensError
from core.runs.store import RunFolder, list_runs


def other_protocol(config: RunConfig) -> RunConfig:
    """The same configuration with the other protocol."""
    other = "inside_fold" if config.smote.protocol == "before_folds" else "before_folds"
    return config.model_copy(update={"smote": config.smote.model_copy(update={"protocol": other})})


def find_control_run(run: RunFolder) -> RunFolder | None:
    """The newest finished run on the same dataset that differs in ``smote.protocol`` alone, or None."""
    wanted, data = other_protocol(run.config()).hash(), run.provenance()["dataset"].get("content_hash")
    for other in sorted(list_runs(run.checkpoints), key=lambda folder: folder.name, reverse=True):
        try:
            same = other.config().hash() == wanted and other.status()["state"] == "succeeded"
            if same and other.provenance()["dataset"].get("content_hash") == data:
                return other
        except LandslideLensError:
            continue  # of another version, or broken
    return None
