"""``python -m core ensemble`` and ``ensemble-predict``: several models' answers combined into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Checkpoints, analyse, print_result
from core.errors import ConfigError
from core.runs.store import DEFAULT_CHECKPOINTS


def ensemble(
    members: Annotated[
        list[str], typer.Argument(help="RUN, RUN:HEAD, FILE.csv or FILE.csv:COLUMN (out-of-fold probabilities).")
    ],
    out: Annotated[str, typer.Option("--out", help="What it is called; otherwise the moment it is made.")] = "",
    method: Annotated[
        str, typer.Option("--method", help="stack: weights learnt on the other folds; or average.")
    ] = "stack",
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="Whose labels count; otherwise the first run's or CSV's.")
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Combine heads of runs and anybody's out-of-fold probabilities, and compare the result with its members."""
    from core.analyses.ensemble import ANALYSIS
    from core.data.readers import must_exist
    from core.ensembles.folder import open_ensemble
    from core.ensembles.make import sentence
    from core.runs.targets import CheckpointsTarget

    options = {"members": members, "title": out, "method": method, "dataset": None if dataset is None else str(dataset)}
    checked = ANALYSIS.options(options)
    for one in checked.members:
        if one.lower().endswith(".csv"):
            must_exist(Path(one))  # before a job is made of it
    done = analyse(CheckpointsTarget(checkpoints), ANALYSIS.name, checked.model_dump(mode="json"), as_json)
    found = open_ensemble(checkpoints, done["ensemble"])
    card, summary = found.card(), found.summary()
    value = {"ensemble": found.name, "path": str(found.path.resolve()), "method": card["method"], "oof": summary["oof"]}
    value |= {"heads": summary["heads"], "members": card["members"], "differences": card["differences"]}
    value |= {"best_member": card["best_member"], "folds_of": card["folds_of"], "notes": card["notes"]}
    lines = [f"Ensemble {found.name}", sentence(found), TITLE, *(_line(row) for row in _rows(card, summary))]
    print_result(value, as_json, "\n".join([*lines, *(f"Note: {note}" for note in card["notes"])]))


TITLE = f"{'F1 and 95 % interval':24s} {'AUC':6s} {'weight':7s} {'of each fold':22s} member"


def _rows(card: dict[str, Any], summary: dict[str, Any]) -> list[dict[str, Any]]:
    heads = summary["heads"]
    combined = [{"title": name, **heads[name]} for name in card["combinations"]]
    return combined + [{**one, **heads[one["key"]]} for one in card["members"]]


def _line(row: dict[str, Any]) -> str:
    from core.text import interval, number

    f1 = f"{number(row['f1'])} [{interval(row['intervals']['f1'])}]"
    share = f"{row['share']:.0%}" if "share" in row else ""
    folds = " ".join(f"{one:.0%}" for one in row.get("fold_shares", ()))
    name = f"{row['key']} ({row['title']})" if "key" in row else row["title"]
    return f"{f1:24s} {number(row['auc']):6s} {share:7s} {folds:22s} {name}".rstrip()


def ensemble_predict(
    name: Annotated[str, typer.Argument(metavar="ENSEMBLE", help="Name of an ensemble.")],
    answers: Annotated[
        list[str],
        typer.Argument(
            metavar="MEMBER=FILE.csv...",
            help="Each member's answers for the new patches: its name or its number from 1, =, the CSV, and after a "
            "colon the column of the probabilities where it is not the usual one.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The CSV to write.")],
    submission: Annotated[
        Path | None,
        typer.Option("--submission", help="Write ID,label for Zindi instead; Test.csv, or what holds it."),
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """An ensemble's answers for new patches: its members' answers (as `predict` writes them) with its weights."""
    from core.data.readers import must_exist
    from core.ensembles.answers import combine, read_given
    from core.ensembles.folder import open_ensemble
    from core.predict.submission import write_predictions, write_submission

    found = open_ensemble(checkpoints, name)
    keys = [str(one["key"]) for one in found.card()["members"]]
    combined = combine(found, read_given(found, dict(_given(text, keys) for text in answers)))
    if submission is None:
        write_predictions(out, combined.table())
    else:
        must_exist(submission)
        write_submission(out, combined, submission)
    n, n_positive, n_empty = len(combined.ids), int((combined.pred == 1).sum()), int((combined.pred < 0).sum())
    value = {"ensemble": found.name, "out": str(out), "n": n, "n_positive": n_positive, "n_no_answer": n_empty}
    said = f"{n:,} patches, {n_positive:,} of them called {found.summary()['positive']}, in {out}"
    said += f"\n{n_empty:,} have no answer, because a member has none." if n_empty else ""
    print_result(value | {"threshold": combined.threshold}, as_json, said)


def _given(text: str, keys: list[str]) -> tuple[str, tuple[Path, str | None]]:
    """Which member, which file, and which of its columns or None."""
    member, sign, file = text.partition("=")
    if not sign or not file:
        raise ConfigError(f"'{text}' does not say whose answers these are: write MEMBER=FILE.csv, or 1=FILE.csv.")
    if member.isdigit() and 1 <= int(member) <= len(keys):
        member = keys[int(member) - 1]
    before, colon, column = file.rpartition(":")
    path, column = (Path(before), column) if colon and before.lower().endswith(".csv") else (Path(file), None)
    return member, (path, column)
