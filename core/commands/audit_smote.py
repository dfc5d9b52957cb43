"""``python -m core audit smote RUN``: the audit of a run's synthetic patches and, on demand, how realistic they are."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.console import NOTHING_KEPT, AsJson, Checkpoints, analyse, print_result
from core.errors import LandslideLensError, needed
from core.runs.store import DEFAULT_CHECKPOINTS, open_run
from core.text import tiny


def audit_smote(
    run: Annotated[str, typer.Argument(help="A finished run.")],
    seed: Annotated[int | None, typer.Option("--seed", help="Of the noise experiment.")] = None,
    realism: Annotated[
        bool,
        typer.Option("--realism", help="Also measure how realistic the patches are; this asks the networks."),
    ] = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Whether synthetic patches stayed inside their folds and are what their lineage says; exit status 1 if not."""
    from core.analyses.smote import audit
    from core.analyses.smote import realism as smote_realism

    folder = open_run(checkpoints, run)
    analyse(folder, audit.ANALYSIS.name, None if seed is None else {"seed": seed}, as_json)
    report = needed(audit.read(folder), NOTHING_KEPT)
    text = audit_text(report)
    if realism:
        analyse(folder, smote_realism.ANALYSIS.name, None, as_json)
        measured = needed(smote_realism.read(folder), NOTHING_KEPT).report
        report, text = report | {"realism": measured}, "\n".join([text, *realism_lines(measured)])
    print_result(report, as_json, text)
    if not report["ok"]:
        raise LandslideLensError(f"The synthetic patches of {run} did not pass the audit. See above.")


def audit_text(report: dict) -> str:
    """The report of the audit for people."""
    lines = [
        f"{report['run']}: method {report['method']}, protocol {report['protocol']}",
        f"Synthetic patches with a parent in their fold's validation part: {report['n_leaking']} of "
        f"{report['n_synthetic']}, from the lineage and folds.json",
    ]
    for row in report["pixels"]:
        same = {True: "same draw", False: "another draw than the lineage says", None: row["note"]}[row["same"]]
        error = "" if row["max_error"] is None else f", largest pixel error {tiny(row['max_error'])}"
        lines.append(f"  fold {row['fold'] + 1}: {row['n']} patches, {same}{error}")
    noise = report["noise"]
    scores = ", ".join(f"{name} {value:.2f}" for name, value in noise["f1"].items())
    lines.append(f"F1 on labels of pure noise ({noise['n']} x {noise['n_features']}): {scores}")
    for row in report["twin_difference"]:
        lines.append(
            f"{row['head']} {row['metric']}: {row['leaking']:.4f} before folds, {row['honest']:.4f} inside; "
            f"difference {row['difference']:+.4f} [{row['lo']:+.4f}, {row['hi']:+.4f}], n = {row['n']}"
        )
    if not report["twin"]:
        lines.append("There is no control run (same settings, other smote.protocol). Train one to see what it costs.")
    return "\n".join(lines)


def realism_lines(report: dict) -> list[str]:
    """The report on realism for people."""
    lines = [f"Realism: {report['verdict']['level']} ({report['n']} synthetic patches of {report['folds']} folds)"]
    lines += [f"  {sentence}" for sentence in report["verdict"]["reasons"]]
    for name, test in report["two_sample"].items():
        if test["n"] and test["auc"] is not None:
            lines.append(f"  told apart by {name}: AUC {test['auc']:.3f} [{test['lo']:.3f}, {test['hi']:.3f}]")
    return lines
