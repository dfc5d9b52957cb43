"""``python -m core compare`` and ``python -m core doctor``: runs side by side, and what this machine has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Checkpoints, print_result
from core.errors import RunError
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, list_runs, open_run


def compare(
    runs: Annotated[list[str], typer.Argument(help="Names of run folders.")],
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Runs side by side: their headline numbers with intervals, and the first against each other one.

    Other finished trainings of the same recipe count too: whether a difference survives training again can only be told
    with several of each (train --repeats).
    """
    from core.runs.compare import table

    folders = [open_run(checkpoints, name) for name in runs]
    found = table(folders)
    against = [_against(folders[0], other, checkpoints) for other in folders[1:]]
    lines = [found.to_string(index=False), *(row["sentence"] for row in against)]
    print_result({"runs": found.to_dict("records"), "against": against}, as_json, "\n".join(lines))


def _against(run: RunFolder, other: RunFolder, checkpoints: Path) -> dict[str, Any]:
    """The first run's recipe against another's, by F1 and AUC; why not, where they cannot be compared."""
    from core.runs.compare import recipes
    from core.runs.repeats import repeats_of

    row: dict[str, Any] = {"run": run.name, "other": other.name}
    try:
        everything = list_runs(checkpoints)
        sides = repeats_of(run, everything), repeats_of(other, everything)
        if other.name in {one.name for one in sides[0]}:
            sentence = f"{run.name} and {other.name} are trainings of one recipe: they differ by their seeds alone."
            return row | {"sentence": sentence, "same_recipe": True}
        found = {metric: recipes(*sides, metric=metric) for metric in ("f1", "auc")}
    except RunError as error:
        return row | {"sentence": f"{run.name} and {other.name} cannot be compared: {error}", "reason": str(error)}
    words = " ".join(one.sentence(run.name, other.name, metric.upper()) for metric, one in found.items())
    return row | {metric: one.to_dict() for metric, one in found.items()} | {"sentence": words}


def doctor(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Device, versions, what is missing and how to get it."""
    from core.doctor import examine

    found = examine(checkpoints)
    lines = [
        f"{'ok  ' if row['ok'] else 'MISSING'} {row['what']}: {row['found']} {row['advice']}".rstrip()
        for row in found["rows"]
    ]
    print_result(found, as_json, "\n".join(lines))
