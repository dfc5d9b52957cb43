"""``python -m core explain``: what is known of why a run decides as it does, and on request more of it.

``--checks`` says whether its attention maps can be trusted; ``--occlusion`` and ``--robustness`` which bands it needs.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Checkpoints, Run, analyse, print_result
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, open_run

BANDS = "Which bands does it need? (importance and robustness)"
CHECKS = "Can its attention maps be trusted? (sanity checks)"


def explain(
    run: Run,
    checks: Annotated[bool, typer.Option("--checks", help="Check the maps now.", rich_help_panel=CHECKS)] = False,
    layer: Annotated[
        str | None, typer.Option("--layer", help="At this layer; the run's own by default.", rich_help_panel=CHECKS)
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help="gradcam, gradcam++, xgradcam or layercam.", rich_help_panel=CHECKS),
    ] = None,
    patches: Annotated[
        int | None, typer.Option("--patches", help="Patches to test, over all folds.", rich_help_panel=CHECKS)
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="List the layers to choose from.", rich_help_panel=CHECKS)
    ] = False,
    occlusion: Annotated[
        bool,
        typer.Option("--occlusion", help="Replace bands in every way, alone and in groups.", rich_help_panel=BANDS),
    ] = False,
    spatial: Annotated[
        int | None,
        typer.Option("--spatial", help="The same, and windows of this many patches.", rich_help_panel=BANDS),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option("--robustness", help="Clouds, lost sensors and orbits, noise.", rich_help_panel=BANDS),
    ] = False,
    retrained: Annotated[
        str | None,
        typer.Option(
            "--retrained", help="Compare with this run, trained on the bands that a loss leaves.", rich_help_panel=BANDS
        ),
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """What losing each band costs on out-of-fold landslides, where the attention maps come from, and their checks."""
    from core.analyses.attention.checks import reports
    from core.commands import bands
    from core.explain.bands.tables import occlusion_summary

    folder = open_run(checkpoints, run)
    if checks:
        chosen = {"layer": layer, "method": method, "patches": patches}
        analyse(folder, "attention_checks", {k: v for k, v in chosen.items() if v is not None}, as_json)
    if occlusion or spatial:
        analyse(folder, "band_importance", {"spatial": spatial} if spatial else {}, as_json)
    if robustness:
        analyse(folder, "robustness", None, as_json)
    rows = occlusion_summary(folder.occlusion(), folder.oof())
    _, maps, card = folder.cams()
    checked = reports(folder)
    lines = [
        f"{row['head']:10s} {row['baseline']:9s} {row['band']:10s} mean drop {row['drop_mean']:+.4f} "
        f"[{row['lo']:+.4f}, {row['hi']:+.4f}]  n = {row['n']}"
        for row in rows
    ]
    of_bands, more = bands.report(folder, open_run(checkpoints, retrained) if retrained else None)
    lines += more
    told = [f"Attention: {len(maps)} maps by {card.get('method', 'gradcam')} at {card['layer']}, out of fold."]
    told += [f"Checked: {report['verdict']['sentence']}" for report in checked.values()]
    if not checked:
        told.append(f"Not checked yet: python -m core explain {folder.name} --checks")
    lines = told + lines
    value: dict[str, Any] = {"run": folder.name, "occlusion": rows, "cam": {**card, "n": len(maps)}, "checks": checked}
    value |= of_bands
    if layers:
        value["layers"] = listed = _layers(folder)
        lines += [
            f"{one['name']}: {one['rows']}x{one['columns']} cells{'' if one['alive'] else ', dead'}" for one in listed
        ]
    print_result(value, as_json, "\n".join(lines))


def _layers(folder: RunFolder) -> list[dict[str, Any]]:
    from core.analyses.attention.checks import layers_of

    return [one._asdict() for one in layers_of(folder)]
