"""``python -m core search``: a search for better settings, as one job that the dashboard shows too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from core.commands.console import AsJson, Checkpoints, DatasetFile, Detach, Overrides, print_result, submit
from core.config import PRESETS
from core.runs.store import DEFAULT_CHECKPOINTS
from core.text import duration, interval, number


def search(
    dataset: DatasetFile,
    trials: Annotated[int, typer.Option("--trials", min=1, max=1000, help="Settings to try.")] = 20,
    preset_name: Annotated[
        str, typer.Option("--preset", help=f"What the search starts from. One of: {', '.join(PRESETS)}.")
    ] = "small",
    overrides: Overrides = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            help="section.key=low..high, section.key=log:low..high or section.key=a,b. May be repeated. "
            "Without it: what matters most in the preset.",
        ),
    ] = None,
    sampler: Annotated[
        Literal["tpe", "random", "pso"], typer.Option("--sampler", help="How the next settings are chosen.")
    ] = "tpe",
    metric: Annotated[Literal["f1", "auc"], typer.Option("--metric", help="What is searched for.")] = "f1",
    prune: Annotated[
        bool, typer.Option("--prune/--no-prune", help="Stop a trial in the lower half after the same folds.")
    ] = True,
    judge: Annotated[
        Literal["held_back", "nested"],
        typer.Option("--judge", help="held_back: a part is in no trial. nested: several searches, each patch judges."),
    ] = "held_back",
    share: Annotated[float, typer.Option("--share", min=0.05, max=0.5, help="Share of the patches held back.")] = 0.25,
    outer_folds: Annotated[int, typer.Option("--outer-folds", min=2, max=10, help="Searches of --judge nested.")] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the sampler.")] = 0,
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Search for better settings, and judge the best on patches that no trial saw. Asked again, it goes on."""
    from core.data.store import open_dataset
    from core.runs.targets import DatasetTarget

    target = DatasetTarget(open_dataset(dataset).path, checkpoints)
    options = {
        "trials": trials, "preset": preset_name, "settings": "; ".join(overrides or ()), "vary": "; ".join(vary or ()),
        "sampler": sampler, "metric": metric, "prune": prune, "judge": judge, "share": share,
        "outer_folds": outer_folds, "seed": seed,
    }  # fmt: skip
    result = submit(target, "search", options, detach, as_json)
    if result is not None:
        print_result(result, as_json, "\n".join([*lines(result), result["message"]]))


def lines(record: dict[str, Any]) -> list[str]:
    """The trials as text, a line each; the winner is marked."""
    from core.experiments.search.record import NAMES, settings_words, trials_of

    found, several = [], len(record["parts"]) > 1
    judged = record["judgement"] or {}
    for i, part in enumerate(record["parts"]):
        if several:
            found.append(f"Search {i + 1} of {len(record['parts'])}, {part['n_search']:,} patches")
        best = judged["best"][i] if judged else None
        rows = [("", "trial", NAMES[record["metric"]], "state", "time", "settings")]
        for one in trials_of(part):
            score = number(one.value) if one.value is not None else number(one.folds[-1]) + "*" if one.folds else ""
            mark, name = ("best" if one.number == best else ""), str(one.number) if one.number else "as they are"
            words = settings_words(dict(one.settings))
            rows.append((mark, name, score, one.state, duration(one.seconds), words))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        found += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                  for row in rows]  # fmt: skip
        if any(one.state == "pruned" for one in trials_of(part)):
            found.append("* of the folds before it was stopped")
    if judged:
        for words, values in (("best", judged), ("as they are", judged["as_they_are"])):
            outer, deployed = values["outer"], values["deployed"]
            found.append(
                f"{words}: {number(values['inner'])} inside, {number(outer['value'])} "
                f"[{interval((outer['lo'], outer['hi']))}] outside; {judged['networks']} networks together "
                f"{number(deployed['value'])} [{interval((deployed['lo'], deployed['hi']))}]"
            )
    return found
