"""The run that differs from another in nothing but where SMOTE stood: what the protocol alone adds to the score.

Comes in: a run, its configuration. Goes out: the same specification the other way round, and the run that has it.
"""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.errors import LandslideLensError
from core.runs.store import RunFolder, list_runs


def other_protocol(config: RunConfig) -> RunConfig:
    """The same specification the other way round."""
    other = "inside_fold" if config.smote.protocol == "before_folds" else "before_folds"
    return config.model_copy(update={"smote": config.smote.model_copy(update={"protocol": other})})


def twin_of(run: RunFolder, checkpoints: Path | None = None) -> RunFolder | None:
    """The newest finished run on the same dataset that differs in ``smote.protocol`` alone, or none."""
    wanted, data = other_protocol(run.config()).hash(), run.provenance()["dataset"].get("content_hash")
    for other in sorted(list_runs(checkpoints or run.path.parent), key=lambda one: one.name, reverse=True):
        try:
            same = other.config().hash() == wanted and other.status()["state"] == "succeeded"
            if same and other.provenance()["dataset"].get("content_hash") == data:
                return other
        except LandslideLensError:
            continue  # of another version, or broken
    return None
