"""``python -m core prevalence``: how frequent landslides are where a run, or every run on a dataset, is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints, print_result
from core.errors import ConfigError, DataError
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, open_run


def prevalence(
    target: Annotated[str, typer.Argument(help="Name of a run folder, or a dataset file (.h5).")],
    share: Annotated[float | None, typer.Argument(help="Share of landslides, such as 0.02; none: show it.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the statement back.")] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """State how frequent landslides are where the model is used; summaries, alarms and predictions then say so."""
    from core.runs.prevalence import prevalence_of, prevalence_of_dataset, state_prevalence

    if clear and share is not None:
        raise ConfigError("--clear takes the statement back, and a share makes one: give one of them.")
    of: RunFolder | Path
    if target.endswith(".h5"):
        of = Path(target)
        if not of.is_file():
            raise DataError(f"There is no dataset file {target}.")
    else:
        of = open_run(checkpoints, target)
    if clear or share is not None:
        state_prevalence(of, share)
    found = prevalence_of(of) if isinstance(of, RunFolder) else prevalence_of_dataset(of)
    text = "None stated: numbers are those of the data's own share." if found is None else f"{found.words()}."
    value = {"target": target, "share": None if found is None else found.share}
    print_result(value | {"source": None if found is None else found.source}, as_json, text)
