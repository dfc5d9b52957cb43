"""The runs of a search: where they lie, and what of them is kept.

They lie in the search's own folder, not among the runs: their scores were chosen by, so that nobody should take one for
a result. Of one that has ended only its answers are kept, not its networks.
"""

from __future__ import annotations

from pathlib import Path

from core.config import RunConfig
from core.errors import LandslideLensError
from core.io.atomic import remove_tree
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, begin_run, specification


def trial_path(folder: ResultFolder, part: int, k: int) -> Path:
    """Of trial ``k`` of a part."""
    return folder.part(f"part-{part}-trial-{k:03d}").path


def judge_path(folder: ResultFolder, part: int, k: int) -> Path:
    """Of the training that judges the settings of trial ``k``."""
    return folder.part(f"part-{part}-judged-{k:03d}").path


def begun(path: Path, config: RunConfig, dataset: Path) -> RunFolder:
    """The run in ``path`` with this configuration: the one that is there, or a new one.

    One of other settings or patches, or that is damaged, makes way.
    """
    spec = specification(dataset, config)
    if path.exists():
        run = RunFolder(path)
        try:
            if run.job()["spec"] == spec and run.config() == config:
                return run
        except LandslideLensError:
            pass
        remove_tree(path)
    return begin_run(path, config, dataset, spec)


def without_networks(run: RunFolder) -> None:
    """Remove what each fold kept: networks, embeddings, scores. The answers of the whole run stay."""
    for fold in run.path.glob("fold_*"):
        remove_tree(fold)
