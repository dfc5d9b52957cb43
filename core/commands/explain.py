"""``python -m core explain``: what a run's explanations say, and on demand more of them.

``--checks`` says whether its maps are worth reading, ``--occlusion`` and ``--drill`` which bands it needs.

Comes in: a finished run. Goes out: lines for people, or one JSON object. It computes nothing itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, open_run

BANDS = "Which bands does it need? (occlusion and the drop-out drill)"
CHECKS = "Is the attention worth reading? (lie detector and corner-bias meter)"


def explain(
    run: Annotated[str, typer.Argument(help="Name of a run folder.")],
    checks: Annotated[bool, typer.Option("--checks", help="Check the maps now.", rich_help_panel=CHECKS)] = False,
    layer: Annotated[
        str | None, typer.Option("--layer", help="Of this layer; the run's own by default.", rich_help_panel=CHECKS)
    ] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help="gradcam, gradcam++, xgradcam or layercam.", rich_help_panel=CHECKS),
    ] = None,
    patches: Annotated[
        int, typer.Option("--patches", min=5, help="Patches that are tested, over all folds.", rich_help_panel=CHECKS)
    ] = 100,
    layers: Annotated[
        bool, typer.Option("--layers", help="List the layers to choose from.", rich_help_panel=CHECKS)
    ] = False,
    occlusion: Annotated[
        bool, typer.Option("--occlusion", help="Replace bands in every way, alone and by group.", rich_help_panel=BANDS)
    ] = False,
    spatial: Annotated[
        int, typer.Option("--spatial", min=0, help="Occlude windows of so many patches too.", rich_help_panel=BANDS)
    ] = 0,
    drill: Annotated[
        bool, typer.Option("--drill", help="Clouds, lost sensors and orbits, noise.", rich_help_panel=BANDS)
    ] = False,
    retrained: Annotated[
        str | None,
        typer.Option("--retrained", help="A run trained on what a loss leaves, to compare.", rich_help_panel=BANDS),
    ] = None,
    checkpoints: Annotated[Path, typer.Option("--checkpoints", help="Where runs live.")] = DEFAULT_CHECKPOINTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """What each band's loss costs on out-of-fold landslides, where the attention maps come from, and their checks."""
    from core.commands import bands
    from core.commands.console import print_result
    from core.explain.bands.tables import occlusion_summary

    folder = open_run(checkpoints, run)
    if checks:
        _check(folder, layer, method, patches, as_json)
    bands.compute(folder, occlusion, spatial, drill, as_json)
    rows = occlusion_summary(folder.occlusion(), folder.oof())
    _, maps, card = folder.cams()
    reports = folder.attention_checks()
    lines = [
        f"{row['head']:10s} {row['baseline']:9s} {row['band']:10s} mean drop {row['drop_mean']:+.4f} "
        f"[{row['lo']:+.4f}, {row['hi']:+.4f}]  n = {row['n']}"
        for row in rows
    ]
    of_bands, more = bands.report(folder, open_run(checkpoints, retrained) if retrained else None)
    lines += more
    lines.append(f"Attention: {len(maps)} maps by {card.get('method', 'gradcam')} at {card['layer']}, out of fold.")
    lines += [f"Checked: {report['verdict']['sentence']}" for report in reports.values()]
    if not reports:
        lines.append(f"Not checked yet: python -m core explain {folder.name} --checks")
    value: dict[str, Any] = {"run": folder.name, "occlusion": rows, "cam": {**card, "n": len(maps)}, "checks": reports}
    value |= of_bands
    if layers:
        value["layers"] = found = _layers(folder)
        lines += [
            f"{one['name']}: {one['rows']}x{one['columns']} cells{'' if one['alive'] else ', dead'}" for one in found
        ]
    print_result(value, as_json, "\n".join(lines))


def _check(folder: RunFolder, layer: str | None, method: str | None, patches: int, as_json: bool) -> None:
    """In the foreground, a line a step."""
    from core.analyses.attention.checks import Options, check_attention
    from core.commands.console import print_progress

    for step in check_attention(folder, Options(layer=layer, method=method, patches=patches)):
        if step.stage != "done":
            print_progress(f"{step.progress:4.0%} {step.message}", as_json)


def _layers(folder: RunFolder) -> list[dict[str, Any]]:
    from core.analyses.attention.checks import layers_of

    return [one._asdict() for one in layers_of(folder)]
