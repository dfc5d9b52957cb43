"""``python -m core ablate``: a set of runs that answers one question, as one job that the dashboard shows too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from core.commands.console import AsJson, Checkpoints, DatasetFile, Detach, Overrides, print_result, submit
from core.config import PRESETS
from core.experiments.registry import kinds
from core.runs.store import DEFAULT_CHECKPOINTS
from core.text import difference, interval, number

KINDS = "; ".join(f"{one.name}: {one.title}" for one in kinds().values())


def ablate(
    dataset: DatasetFile,
    kind: Annotated[str, typer.Argument(help=f"{KINDS}.")],
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"Instead of the experiment's own. One of: {', '.join(PRESETS)}.")
    ] = "",
    overrides: Overrides = None,
    vary: Annotated[
        list[str] | None, typer.Option("--vary", help="Of a grid: section.key=a,b. May be repeated.")
    ] = None,
    others: Annotated[
        list[str] | None, typer.Option("--with", help="A further dataset file (.h5). May be repeated.")
    ] = None,
    budget: Annotated[
        Literal["full", "small"],
        typer.Option("--budget", help="small: 2 folds, at most 5 epochs, smaller patches and networks."),
    ] = "full",
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=20, help="Trainings of each row, by their seeds.")] = 1,
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Train the rows of an experiment and compare them. Asked again, it goes on with what is missing."""
    from core.data.store import open_dataset
    from core.runs.targets import DatasetTarget

    target = DatasetTarget(open_dataset(dataset).path, checkpoints)
    options = {
        "kind": kind, "preset": preset_name, "settings": "; ".join(overrides or ()), "vary": "; ".join(vary or ()),
        "others": others or [], "budget": budget, "seeds": seeds,
    }  # fmt: skip
    result = submit(target, "ablate", options, detach, as_json)
    if result is not None:
        print_result(result, as_json, "\n".join([*lines(result), result["message"]]))


def lines(table: dict[str, Any]) -> list[str]:
    """The table as text: a line a row, with its intervals and its difference to the baseline."""
    from core.experiments.results import f1_words

    head = (
        "row",
        "train F1",
        f"{f1_words(table)} (95%)",
        "AUC (95%)",
        "F1 to baseline (95%)",
        "p, Holm",
        "minutes",
        "M",
    )
    rows = [_line(row, table["baseline"]) for row in table["rows"]]
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    found = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (head, *rows)]
    more = [table["reduced"], table["full"].get("sentence", "")]
    return [line.rstrip() for line in found] + [text for text in more if text]


def _line(row: dict[str, Any], baseline: str) -> tuple[str, ...]:
    if row["state"] != "succeeded":
        return (row["title"], row["state"], str(row.get("reason", ""))[:60], "", "", "", "", "")
    oof, found = row["oof"], row.get("difference", {}).get("f1")
    size = "baseline" if row["name"] == baseline else ""
    if found:
        size = f"{difference(found['difference'])} [{interval((found['lo'], found['hi']), signed=True)}]"
    parameters = row["parameters"]
    return (
        row["title"],
        number(row["train"]["f1"]) if row["train"] else "",
        f"{number(oof['f1'])} [{interval(oof['f1_interval'])}]",
        f"{number(oof['auc'])} [{interval(oof['auc_interval'])}]",
        size,
        number(found["p_holm"]) if found else "",
        number(row["minutes"], 1),
        "" if parameters is None else number(parameters / 1e6, 2),
    )
