"""``python -m core check`` and ``python -m core audit``: what is wrong with a dataset, and where its splits leak."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.audit_smote import audit_smote
from core.commands.console import NOTHING_KEPT, AsJson, Checkpoints, DatasetFile
from core.errors import LandslideLensError, needed
from core.runs.store import DEFAULT_CHECKPOINTS, open_run

if TYPE_CHECKING:
    from core.runs.targets import DatasetTarget

audit_app = typer.Typer(no_args_is_help=True, help="Where a score may be flattered, and by how much.")

SHOWN = 20  # pairs printed for people


def check(dataset: DatasetFile, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Look for what would spoil training; exit status 1 when something must be mended first."""
    from core.analyses.datasets.check import ANALYSIS, read
    from core.commands.console import analyse, print_result

    target = _dataset_target(dataset, checkpoints)
    analyse(target, ANALYSIS.name, None, as_json)
    report = needed(read(target), NOTHING_KEPT).report
    text = report.to_text()
    if report.ok:
        warnings = sum(row.severity == "warning" for row in report.rows)
        text += f"\n{dataset.name} can be trained on; {warnings or 'no'} warning{'s' * (warnings != 1)}."
    print_result(report.to_dict(), as_json, text)
    if not report.ok:
        raise LandslideLensError(f"{dataset.name} cannot be trained on as it is; see the lines marked 'error'.")


@audit_app.command("splits")
def audit_splits(
    dataset: DatasetFile,
    run: Annotated[str | None, typer.Option("--run", help="Also look at the folds and synthetics of this run.")] = None,
    leaking_run: Annotated[
        str | None, typer.Option("--leaking-run", help="A run whose folds leak: its scores minus those of --run.")
    ] = None,
    group_by: Annotated[
        str | None, typer.Option("--group-by", help="groups, block, duplicates, or a column.", show_default="groups")
    ] = None,
    block_km: Annotated[
        float | None,
        typer.Option(
            "--block-km", help="Side of a block of ground, km.", show_default="5, or less where folds need it"
        ),
    ] = None,
    n_splits: Annotated[int | None, typer.Option("--folds", help="Number of folds.", show_default="5")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the folds.", show_default="0")] = None,
    scores: Annotated[bool, typer.Option(help="Measure what leaking folds add to the scores.")] = True,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Patches of the same ground, those that a split divides, and F1 with and without keeping them together."""
    from core.analyses.datasets.leakage import ANALYSIS, read
    from core.commands.console import analyse, print_result

    given = {"run": run, "leaking_run": leaking_run, "group_by": group_by, "block_km": block_km, "n_splits": n_splits}
    options = {name: value for name, value in {**given, "seed": seed, "scores": scores}.items() if value is not None}
    target = _dataset_target(dataset, checkpoints)
    ANALYSIS.options(options)
    for name in filter(None, (run, leaking_run)):
        open_run(checkpoints, name)  # mistakes are reported at once
    analyse(target, ANALYSIS.name, options, as_json)
    found = needed(read(target), NOTHING_KEPT)
    kept = ("n", "n_pairs", "by_kind", "notes", "inflation", "inflation_note", "run", "lineage")
    value = {"dataset": dataset.resolve(), **{name: found.report[name] for name in kept if name in found.report}}
    value |= {"pairs": found.pairs.to_dict("records"), "torn_apart": found.report["split_pairs"]}
    print_result(value, as_json, _words(value))


audit_app.command("smote")(audit_smote)


def _words(value: dict) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in value["by_kind"].items()) or "none"
    lines = [f"{value['n']} patches; pairs that show the same ground: {kinds}", *value["notes"]]
    for row in value["pairs"][:SHOWN]:
        where = row["turn"]
        if row["kind"] in ("shifted", "overlap"):
            where = f"shift {row['dy']:+d}, {row['dx']:+d} px, {row['overlap']:.0%} shared"
        where = f"{row['weight']:.2f} of it, with {row['partner']}" if row["kind"] == "synthetic" else where
        lines.append(f"  {row['kind']:9s} {row['a']} ~ {row['b']}  {where}".rstrip())
    if value["n_pairs"] > SHOWN:
        lines.append(f"  and {value['n_pairs'] - SHOWN} more (--json lists all)")
    words = {
        "split": "the source's split", "groups": "the dataset's groups", "ungrouped_folds": "folds without groups",
        "folds": "folds as a run draws them", "run": "the folds of the run",
    }  # fmt: skip
    lines += [f"Pairs divided by {words[name]}: {n}" for name, n in value["torn_apart"].items()]
    if "lineage" in value:
        lines.append(f"Synthetic patches whose parent's ground is validated in the same fold: {len(value['lineage'])}")
    for row in value["inflation"]:
        lines.append(
            f"{row['head']:13s} {row['metric']:3s}: {row['leaking']:.4f} with leaking folds, {row['honest']:.4f} "
            f"without; difference {row['difference']:+.4f} [{row['lo']:+.4f}, {row['hi']:+.4f}], "
            f"n = {row['n']}, {row['n_groups']} groups"
        )
    return "\n".join([*lines, *filter(None, [value["inflation_note"]])])


def _dataset_target(dataset: Path, checkpoints: Path) -> DatasetTarget:
    """The dataset file as a target. Raises DataError at once for one that cannot be opened."""
    from core.data.store import open_dataset
    from core.runs.targets import DatasetTarget

    open_dataset(dataset)
    return DatasetTarget(dataset.absolute(), checkpoints)
