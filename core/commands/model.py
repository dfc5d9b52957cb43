"""``python -m core model``: what a network is made of and what it costs, before it is trained.

One backbone is described by its stages and bands, several are compared in a table of costs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.console import AsJson, Checkpoints, Detach, print_result, submit
from core.runs.store import DEFAULT_CHECKPOINTS


def model(
    backbones: Annotated[list[str], typer.Argument(help="Backbones: one is described, several are compared.")],
    dataset: Annotated[Path | None, typer.Option("--dataset", help="Take bands and size from this file (.h5).")] = None,
    bands: Annotated[
        str | None, typer.Option("--bands", help="Names of bands or subsets: a,b,c. None: Zindi's twelve.")
    ] = None,
    size: Annotated[int | None, typer.Option("--size", help="Side of a patch in pixels; 64 without a dataset.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the network: model.key=value. May be repeated.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Where one pass is timed.")] = "auto",
    detach: Detach = False,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Parameters, megabytes, depth, latency, stages, and which filter each band starts from."""
    from core.runs.targets import CheckpointsTarget

    options = {
        "backbones": backbones,
        "dataset": None if dataset is None else str(dataset),
        "bands": bands or (),
        "size": size,
        "settings": overrides or (),
        "device": device,
    }
    result = submit(CheckpointsTarget(checkpoints), "model_cost", options, detach, as_json)
    if result is None:
        return
    result.pop("message")
    lines = _comparison(result) if "rows" in result else _description(result)
    print_result(result, as_json, "\n".join(lines))


_TITLE = f"{'backbone':44s} {'parameters':>12s} {'MB':>8s} {'depth':>6s} {'features':>9s} {'ms':>9s}"


def _row(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['backbone']:44s} {row['error']}"
    numbers = (
        f"{row['parameters']:12,d} {row['megabytes']:8.1f} {row['depth']:6d} {row['features']:9d} {row['ms']:9.1f}"
    )
    return f"{row['backbone']:44s} {numbers}"


def _stage_cells(stage: dict[str, Any]) -> tuple[str, ...]:
    """Operator, kernel, expansion, SE, stride, channels, layers and rows of a stage, as paper A's Table 1 writes."""
    expansion, stride = ("" if stage[name] is None else f"{stage[name]:.3g}" for name in ("expansion", "stride"))
    squeeze = "yes" if stage["squeeze"] else ""
    counts = (str(stage[name]) for name in ("channels", "layers", "rows"))
    return (stage["operator"], stage["kernel"], expansion, squeeze, stride, *counts)


def _stage_row(cells: tuple[object, ...]) -> str:
    number, operator, kernel, *others, name = map(str, cells)
    return f"{number:>5s}  {operator:34s} {kernel:10s}" + "".join(f"{cell:>9s}" for cell in others) + f"  {name}"


def _comparison(value: dict[str, Any]) -> list[str]:
    side = "x".join(map(str, value["size"]))
    return [_TITLE, *map(_row, value["rows"]), f"One patch of {side} pixels on {value['device']}."]


def _description(value: dict[str, Any]) -> list[str]:
    lines = [_TITLE, _row({"backbone": value["backbone"], **value["facts"]}), f"timed on {value['device']}", ""]
    lines += [_stage_row(("stage", "operator", "kernel", "expand", "SE", "stride", "channels", "layers", "rows", "in"))]
    for number, stage in enumerate(value["stages"]):
        lines.append(_stage_row((number, *_stage_cells(stage), stage["name"])))
    weights = value["weights"]
    lines += ["", f"weights: {weights['source']}" + (f" ({weights['licence']})" if weights["licence"] else "")]
    lines += [f"{row['input']:20s} {row['branch']:8s} {row['starts_from']}" for row in value["inputs"]]
    return [*lines, f"Attention maps read {value['cam_layer']}"]
