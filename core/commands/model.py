"""``python -m core model``: what a network is made of and what it costs, before it is trained.

Comes in: backbones, bands and the size of a patch. Goes out: for one backbone its stages and bands, for several a table
of costs; lines for people, or one JSON object. It computes nothing itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import ConfigError

_PREFIX = "model."


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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Parameters, megabytes, depth, latency, stages, and which filter each band starts from."""
    from core.commands.console import print_progress, print_result
    from core.preflight.architecture import compare_row, describe, device_words

    found, hw = _inputs(dataset, bands, size)
    settings = [_of_model(backbone, overrides or ()) for backbone in backbones]
    if len(settings) == 1:
        value = describe(settings[0], found, hw, device)
        print_result(value, as_json, "\n".join(_description(value)))
        return
    from core.device import choose_device

    rows = []
    for number, one in enumerate(settings, start=1):
        print_progress(f"{number} of {len(settings)}: {one.backbone}", as_json)
        rows.append(compare_row(one, found, hw, device))
    value = {"rows": rows, "device": device_words(choose_device(device)), "size": list(hw), "n_bands": len(found)}
    lines = [_row(row) for row in rows]
    print_result(
        value, as_json, "\n".join([_TITLE, *lines, f"One patch of {hw[0]}x{hw[1]} pixels on {value['device']}."])
    )


def _inputs(dataset: Path | None, bands: str | None, size: int | None) -> tuple[tuple, tuple[int, int]]:
    from core.data.bands import ZINDI_BANDS, bands_named, choose_bands
    from core.data.store import open_dataset

    names = tuple(name.strip() for name in bands.split(",") if name.strip()) if bands else None
    if dataset is None:
        try:
            found = choose_bands(names, ZINDI_BANDS)
        except ConfigError:  # not Zindi's: bands of any name
            found = bands_named(names)
        return found, (size or 64, size or 64)
    opened = open_dataset(dataset)
    hw = (size, size) if size else opened.shape[1:]
    return choose_bands(names, opened.bands), (int(hw[0]), int(hw[1]))


def _of_model(backbone: str, overrides: list[str]) -> Any:
    from core.config import RunConfig

    if wrong := [text for text in overrides if not text.startswith(_PREFIX)]:
        raise ConfigError(f"'{wrong[0]}' is no setting of the network. Settings here begin with {_PREFIX}")
    return RunConfig().with_overrides([*overrides, f"{_PREFIX}backbone={backbone}"]).model


_TITLE = f"{'backbone':44s} {'parameters':>12s} {'MB':>8s} {'depth':>6s} {'features':>9s} {'ms':>9s}"


def _row(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['backbone']:44s} {row['error']}"
    numbers = (
        f"{row['parameters']:12,d} {row['megabytes']:8.1f} {row['depth']:6d} {row['features']:9d} {row['ms']:9.1f}"
    )
    return f"{row['backbone']:44s} {numbers}"


def _description(value: dict[str, Any]) -> list[str]:
    lines = [_TITLE, _row({"backbone": value["backbone"], **value["facts"]}), f"timed on {value['device']}", ""]
    lines += [f"{'stage':32s} {'operator':32s} {'stride':>6s} {'channels':>9s} {'layers':>7s} {'rows':>5s}"]
    for stage in value["stages"]:
        numbers = f"{stage['stride']:6g} {stage['channels']:9d} {stage['layers']:7d} {stage['rows']:5d}"
        lines.append(f"{stage['name']:32s} {stage['operator']:32s} {numbers}")
    weights = value["weights"]
    lines += ["", f"weights: {weights['source']}" + (f" ({weights['licence']})" if weights["licence"] else "")]
    lines += [f"{row['input']:20s} {row['branch']:8s} {row['starts_from']}" for row in value["inputs"]]
    return [*lines, f"Grad-CAM reads {value['cam_layer']}"]
