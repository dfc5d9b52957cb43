"""``python -m core compare`` and ``python -m core doctor``: runs side by side, and what this machine has."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints, print_result
from core.runs.store import DEFAULT_CHECKPOINTS, open_run


def compare(
    runs: Annotated[list[str], typer.Argument(help="Names of run folders.")],
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Runs side by side: their headline numbers with intervals, and the first against each other one.

    Other finished trainings of the same recipe count too: whether a difference survives training again can only be told
    with several of each (train --repeats).
    """
    from core.runs.compare import recipe_against, table

    folders = [open_run(checkpoints, name) for name in runs]
    found = table(folders)
    against = [recipe_against(folders[0], other) for other in folders[1:]]
    lines = [found.to_string(index=False), *(row["sentence"] for row in against)]
    print_result({"runs": found.to_dict("records"), "against": against}, as_json, "\n".join(lines))


def doctor(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Device, versions, what is missing and how to get it."""
    from core.doctor import examine

    found = examine(checkpoints)
    lines = [
        f"{'ok  ' if row['ok'] else 'MISSING'} {row['what']}: {row['found']} {row['advice']}".rstrip()
        for row in found["rows"]
    ]
    print_result(found, as_json, "\n".join(lines))
