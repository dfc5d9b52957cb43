"""``python -m core check`` and ``python -m core audit``: what is wrong with a dataset, and what a split tears apart.

Comes in: a dataset file. Goes out: a table for people, or one JSON object. It computes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from core.commands.audit_smote import audit_smote
from core.config import FoldsConfig
from core.errors import LandslideLensError
from core.runs.store import DEFAULT_CHECKPOINTS, open_run

audit_app = typer.Typer(no_args_is_help=True, help="Where a score may be flattered, and by how much.")

DatasetFile = Annotated[Path, typer.Argument(help="A dataset file (.h5).")]
Checkpoints = Annotated[Path, typer.Option("--checkpoints", help="Where runs live.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
SHOWN = 20  # pairs printed for people


def check(dataset: DatasetFile, checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Look for what would spoil training; exit status 1 when something must be mended first."""
    from core.commands.console import print_result
    from core.data.check import check as examine
    from core.data.store import open_dataset

    report = examine(open_dataset(dataset), progress=_teller(as_json))
    rows = [
        {**row, "ids": found.ids, "pairs": found.pairs, "bands": found.bands}
        for row, found in zip(report.to_frame().to_dict("records"), report.rows, strict=True)
    ]
    print_result({"ok": report.ok, "rows": rows}, as_json, report.to_frame().to_string(index=False))
    if not report.ok:
        raise LandslideLensError(f"{dataset.name} cannot be trained on as it is; see the rows marked 'error'.")


@audit_app.command("splits")
def audit_splits(
    dataset: DatasetFile,
    run: Annotated[str | None, typer.Option("--run", help="Also look at the folds and synthetics of this run.")] = None,
    leaking_run: Annotated[
        str | None, typer.Option("--leaking-run", help="A run whose folds leak: its scores minus those of --run.")
    ] = None,
    group_by: Annotated[str, typer.Option("--group-by", help="groups, block, duplicates, or a column.")] = "groups",
    block_km: Annotated[float, typer.Option("--block-km", help="Side of a block of ground, km.")] = 5.0,
    n_splits: Annotated[int, typer.Option("--folds", help="Number of folds.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Of the folds.")] = 0,
    scores: Annotated[bool, typer.Option(help="Measure what leaking folds add to the scores.")] = True,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Patches of the same ground, those that a split tears apart, and F1 with and without keeping them together."""
    from core.analyses import leakage
    from core.commands.console import print_result
    from core.data.leakage.split_audit import leaks_of
    from core.data.store import open_dataset

    if leaking_run and not run:
        raise LandslideLensError("--leaking-run is compared with the run named by --run. Name both.")
    data, tell = open_dataset(dataset), _teller(as_json)
    folder = open_run(checkpoints, run) if run else None
    config = FoldsConfig(n_splits=n_splits, group_by=group_by, block_km=block_km)
    leaks = leaks_of(data, tell)
    torn = leakage.torn_apart(data, leaks.pairs, config, seed)
    value = {
        "dataset": dataset.resolve(),
        "n": len(data),
        "n_pairs": len(leaks.pairs),
        "by_kind": leaks.pairs["kind"].value_counts().to_dict(),
        "pairs": leaks.pairs.to_dict("records"),
        "torn_apart": {name: len(found) for name, found in torn.items()},
        "notes": list(leaks.notes),
        "inflation": [],
        "inflation_note": "",
    }
    if folder:
        value["run"] = folder.name
        value["torn_apart"]["run"] = len(leakage.torn_by_run(folder, leaks.pairs))
        value["lineage"] = leakage.lineage_leaks(folder, leaks.pairs).to_dict("records")
    if folder and leaking_run:
        value["inflation"] = [
            one.to_dict() for one in leakage.inflation_of_runs(open_run(checkpoints, leaking_run), folder)
        ]
    if scores:
        try:
            found = leakage.inflation(data, leaks.pairs, config, seed=seed, progress=tell)
            value["inflation"] += [one.to_dict() for one in found]
        except LandslideLensError as error:
            value["inflation_note"] = str(error)
    print_result(value, as_json, _words(value))


audit_app.command("smote")(audit_smote)


def _words(value: dict) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in value["by_kind"].items()) or "none"
    lines = [f"{value['n']} patches; pairs of the same ground: {kinds}", *value["notes"]]
    for row in value["pairs"][:SHOWN]:
        where = f"shift {row['dy']:+d}, {row['dx']:+d} px" if row["kind"] == "shifted" else row["turn"]
        where = f"{row['weight']:.2f} of it, with {row['partner']}" if row["kind"] == "synthetic" else where
        lines.append(f"  {row['kind']:9s} {row['a']} ~ {row['b']}  {where}".rstrip())
    if value["n_pairs"] > SHOWN:
        lines.append(f"  and {value['n_pairs'] - SHOWN} more (--json lists all)")
    words = {
        "split": "the source's split", "groups": "the dataset's groups", "ungrouped_folds": "folds without groups",
        "folds": "folds as a run draws them", "run": "the folds of the run",
    }  # fmt: skip
    lines += [f"Torn apart by {words[name]}: {n} pairs" for name, n in value["torn_apart"].items()]
    if "lineage" in value:
        lines.append(f"Synthetic patches whose parent's ground is judged in the same fold: {len(value['lineage'])}")
    for row in value["inflation"]:
        lines.append(
            f"{row['head']:13s} {row['metric']:3s}: {row['leaking']:.4f} with leaking folds, {row['honest']:.4f} "
            f"without; difference {row['difference']:+.4f} [{row['lo']:+.4f}, {row['hi']:+.4f}], "
            f"n = {row['n']}, {row['n_groups']} groups"
        )
    return "\n".join([*lines, *filter(None, [value["inflation_note"]])])


def _teller(as_json: bool) -> Callable[[float, str], None]:
    """Progress for people, a line every two seconds at most."""
    import time

    from core.commands.console import print_progress

    told = time.monotonic()

    def tell(share: float, text: str) -> None:
        nonlocal told
        if time.monotonic() - told > 2.0:
            told = time.monotonic()
            print_progress(f"{share:4.0%}  {text}", as_json)

    return tell
