"""``python -m core review``: likely wrong labels or duplicates as a table, a review in and out, what labels change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.commands.console import NOTHING_KEPT, AsJson, Checkpoints, Run, analyse, print_result
from core.commands.review.against import against
from core.errors import ConfigError, DataError, needed
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, open_run
from core.text import interval, list_names, number

VERSIONS = "Versions of the labels"
REVIEW = "A review as a file"
AGAINST = "A against B"
MOST_CSV = 64 * 2**20


def review(
    run: Run,
    top: Annotated[int, typer.Option("--top", min=1, help="How many patches to list.")] = 30,
    runs: Annotated[
        list[str] | None, typer.Option("--also", help="Another run whose answers count too. May be repeated.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write all judgements as CSV.", rich_help_panel=REVIEW)
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Add the judgements of such a CSV.", rich_help_panel=REVIEW)
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="Write the listed patches as a CSV to fill in.", rich_help_panel=REVIEW),
    ] = None,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="List groups of patches of the same ground, the most harmful first.")
    ] = False,
    make: Annotated[
        str | None,
        typer.Option("--make-version", help="Make one of the judgements; say what for.", rich_help_panel=VERSIONS),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who makes it.", rich_help_panel=VERSIONS)] = None,
    rule: Annotated[
        Literal["agreed", "majority", "latest"],
        typer.Option("--rule", help="How several people's judgements become one.", rich_help_panel=VERSIONS),
    ] = "agreed",
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Judge the run by this version: a name, v2, latest.", rich_help_panel=VERSIONS),
    ] = None,
    against_: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="What the run has right that another run, or head of it, has wrong.",
            rich_help_panel=AGAINST,
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="With --against: write every patch.", rich_help_panel=AGAINST)
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Labels of a run that are likely wrong, the likeliest first; reviews in and out; what corrected labels change."""
    from core.data.label_versions import version_names
    from core.data.store import open_dataset
    from core.review.judgements import Judgements

    folder = open_run(checkpoints, run)
    if csv is not None and against_ is None:
        raise ConfigError("--csv says where the patches of --against OTHER are written. Name OTHER too.")
    if make is not None and not (by or "").strip():
        raise ConfigError("A version of the labels needs a name behind it: --by NAME.")
    desk = Judgements(folder.dataset_path())
    value: dict[str, Any] = {"run": folder.name, "judgements": str(desk.path)}
    lines: list[str] = []
    if import_ is not None:
        value["imported"] = desk.import_csv(_text(import_), import_.name)
        lines.append(f"{value['imported']:,} new entries from {import_.name}.")
    if duplicates:
        from core.commands.review.duplicates import list_groups

        list_groups(folder, top, desk, sheet, value, lines, as_json)
    elif sheet is not None or not (import_ or export or make or labels or against_):
        _issues(folder, top, tuple(runs or ()), desk, sheet, value, lines, as_json)
    if export is not None:
        from core.io.atomic import write_text

        write_text(export, desk.export_csv())
        value["exported"] = str(export.resolve())
        lines.append(f"Wrote {export}.")
    if make is not None:
        from core.review.versions import draft, make_version

        dataset = open_dataset(folder.dataset_path())
        notes = draft(dataset, desk, rule).notes
        version = make_version(dataset, desk, by or "", make, rule)
        labels = version.name
        value["notes"] = notes
        lines += [version.sentence, *notes]
    if against_ is not None:
        against(folder, against_, labels, csv, value, lines)
    elif labels is not None:
        _judged(folder, labels, value, lines)
    _people(desk, value, lines)
    value["versions"] = version_names(folder.dataset_path())
    if value["versions"]:
        lines.append(f"Versions of the labels: {list_names(value['versions'])}.")
    print_result(value, as_json, "\n".join(lines))


def _text(path: Path) -> str:
    from core.io.plain_file import read_bytes

    try:
        return read_bytes(path, MOST_CSV, follow=True).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is no UTF-8 text. Save it as CSV (UTF-8).") from error


def _issues(
    folder: RunFolder,
    top: int,
    runs: tuple[str, ...],
    desk: Any,
    sheet: Path | None,
    value: dict[str, Any],
    lines: list[str],
    as_json: bool,
) -> None:
    from core.analyses.review.label_issues import NAME, read

    found = read(folder)
    if found is None or (runs and tuple(found.report["runs"]) != runs):
        analyse(folder, NAME, {"runs": runs}, as_json)
        found = needed(read(folder), NOTHING_KEPT)
    table = found.table()
    said = {key[1]: {e.by: e.verdict for e in entries} for key, entries in desk.by_subject("patch").items()}
    rows = [row | {"judged": said.get(row["id"], {})} for row in table.head(top).to_dict("records")]
    value |= {"report": found.report, "issues": rows} | _precision(table, desk)
    lines.append(found.report["message"])
    lines.append(f"{'rank':>4s} {'id':24s} label  prob  score  heads  near  trained  cleanlab  judged")
    lines += map(_line, rows)
    if value["precision"] is not None:
        lines.append(
            f"Of {value['n_judged']:,} judged so far {value['n_wrong']:,} labels were wrong ({value['precision']:.0%})."
        )
    if sheet is not None:
        from core.io.atomic import write_text
        from core.review.entry_csv import sheet as csv_of

        facts = ("label", "suggested", "prob", "score", "rank", "group")
        write_text(sheet, csv_of({"subject": row["id"]} | {name: row[name] for name in facts} for row in rows))
        value["sheet"] = str(sheet.resolve())
        lines.append(f"Wrote {sheet}: fill in verdict and by, then --import it.")


def _precision(table: Any, desk: Any) -> dict[str, Any]:
    """How many of the judged labels were wrong, by the last clear word on each."""
    from core.review.label_issues import precision_as_one_goes

    judged = {key[1]: said[-1].label for key, said in desk.by_subject("patch").items()}
    rows = precision_as_one_goes(table["id"].tolist(), judged, dict(zip(table["id"], table["label"], strict=True)))
    last = rows[-1] if rows else {"n": 0, "wrong": 0, "precision": None}
    return {"n_judged": last["n"], "n_wrong": last["wrong"], "precision": last["precision"]}


def _line(row: dict[str, Any]) -> str:
    near, trained = (number(row[name], 2).replace("undefined", "-") for name in ("neighbours", "trained"))
    flag = "issue" if row["cleanlab_issue"] else ""
    said = ", ".join(f"{who}: {verdict}" for who, verdict in row["judged"].items())
    return (
        f"{row['rank']:4d} {row['id']:24s} {row['label']:5d}  {row['prob']:.2f}  {row['score']:.2f}   "
        f"{row['heads']:.2f}   {near:5s} {trained:7s}  {row['cleanlab']:.2f} {flag:5s}  {said}"
    ).rstrip()


def _judged(folder: RunFolder, labels: str, value: dict[str, Any], lines: list[str]) -> None:
    from core.analyses.review.corrected_labels import NAME, judged, version_of

    report = judged(folder, version_of(folder, labels))
    folder.results(NAME).part(report["version"]["name"]).write_json("report.json", report)
    value["corrected"] = report
    name = report["version"]["name"]
    lines += [report["message"], report["note"], f"Train with them: --set data.labels={name}"]


def _people(desk: Any, value: dict[str, Any], lines: list[str]) -> None:
    from core.review.groups import GROUP

    disagreements, agreement = desk.disagreements("patch"), desk.agreement("patch")
    of_groups = desk.disagreements(GROUP)
    value["disagreements"] = [vars(one) for one in (*disagreements, *of_groups)]
    value["agreement"] = [one.to_dict() for one in agreement]
    lines += [
        f"{one.first} and {one.second}: kappa {number(one.kappa, 2)} [{interval((one.lo, one.hi), 2)}], the same on "
        f"{one.same:.0%} of {one.n:,}."
        for one in agreement
    ]
    if disagreements:
        lines.append(f"People differ on {len(disagreements):,}: {list_names([one.subject for one in disagreements])}.")
    if of_groups:
        named = list_names([one.subject for one in of_groups])
        lines.append(f"People differ on {len(of_groups):,} groups of duplicates: {named}.")
