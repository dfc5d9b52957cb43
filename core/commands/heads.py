"""``python -m core heads``: Table 3 of a run, and any further head on its stored embeddings."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.commands.console import NOTHING_KEPT, AsJson, Checkpoints, Run, analyse, print_result
from core.errors import ConfigError, needed
from core.runs.store import DEFAULT_CHECKPOINTS, open_run

WANTED = "Heads to fit on the run's stored embeddings; no network is trained"

TITLE = (
    "F1 and 95 % interval, n = {}\n"
    f"{'head':18s} {'on training patches':23s} {'out of fold':23s} {'gap':24s} gap by fold"
)


def heads(
    run: Run,
    C: Annotated[
        list[float] | None, typer.Option("--C", help="An RBF-SVM's C. May be repeated.", rich_help_panel=WANTED)
    ] = None,
    gamma: Annotated[
        list[str] | None,
        typer.Option("--gamma", help="Its gamma: scale, or a number. May be repeated.", rich_help_panel=WANTED),
    ] = None,
    lgbm: Annotated[bool, typer.Option("--lgbm", help="Boosted trees.", rich_help_panel=WANTED)] = False,
    logreg: Annotated[bool, typer.Option("--logreg", help="Logistic regression.", rich_help_panel=WANTED)] = False,
    table3: Annotated[
        bool, typer.Option("--table3", help="Paper A's: C 1, 0.75, 0.5, 0.1, boosted trees.", rich_help_panel=WANTED)
    ] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Every head of a run on the same folds: F1 on training and on unseen patches, and the gap between them."""
    from core.analyses.heads import ANALYSIS, read

    folder = open_run(checkpoints, run)
    summary = folder.summary()
    if gamma and not C:
        raise ConfigError("A gamma needs a C to go with it, for example: --C 1 --gamma 0.001.")
    wanted: list[dict] = [{}] if table3 else []  # the options' defaults are Table 3
    if C or (not table3 and (lgbm or logreg or read(folder) is None)):
        wanted.append({"Cs": C or [], "gammas": gamma or ["scale"], "lgbm": lgbm, "logreg": logreg})
    for options in wanted:
        analyse(folder, ANALYSIS.name, options, as_json)
    table = needed(read(folder), NOTHING_KEPT)
    value = {"run": summary["run"], "heads": summary["heads"], "differences": summary["differences"]}
    value |= {"table": table.rows, "left_out": table.left_out, "notes": table.notes}
    lines = [TITLE.format(summary["oof"]["n"]), *map(_line, table.rows)]
    lines += [f"Left out: {reason}" for reason in table.left_out.values()] + [f"Note: {note}" for note in table.notes]
    print_result(value, as_json, "\n".join(lines))


def _line(row: dict[str, Any]) -> str:
    from core.text import number

    def with_interval(value: float | None, bounds: list[float | None]) -> str:
        return f"{number(value)} [{number(bounds[0])}, {number(bounds[1])}]".replace("undefined", "-")

    train, oof, gap = row["train"], row["oof"], row["gap"]
    cells = [with_interval(part["f1"], part["interval"]) for part in (train, oof, gap)]
    by_fold = " ".join(number(fold["gap"], 2).replace("undefined", "-") for fold in row["folds"])
    return f"{row['head']:18s} {cells[0]:23s} {cells[1]:23s} {cells[2]:24s} {by_fold}"
