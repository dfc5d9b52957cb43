"""``python -m core bands`` and ``layouts``: what the import understands of other people's files."""

from __future__ import annotations

from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints
from core.runs.store import DEFAULT_CHECKPOINTS


def bands(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names as a file gives them: B2 B3 B4 B8. None: the whole table.")
    ] = None,
    sensor: Annotated[
        str | None, typer.Option("--sensor", help="Whose bands the numbers are; default: as the names together say.")
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Show which names of bands are understood, or what the names of one file are taken for."""
    from core.commands.console import print_result
    from core.data.bands import bands_named
    from core.data.names.reading import SENSORS, aliases, read_names

    if names:
        reading = read_names(names, sensor)
        found = bands_named(reading.names, reading.sensor, reading.units)
        rows = [{"given": given, **band.to_dict()} for given, band in zip(names, found, strict=True)]
        lines = [f"{row['given']:16s} {row['name']:16s} {row['sensor']:14s} {row['unit']}".rstrip() for row in rows]
        value = {"bands": rows, "sensor": reading.sensor, "note": reading.note}
        print_result(value, as_json, "\n".join([*lines, *([reading.note] if reading.note else [])]))
        return
    table = aliases()
    sensors = {key: one["title"] for key, one in SENSORS.items()}
    lines = ["Understood anywhere, in any case, with - _ or spaces, and behind the name of a sensor (S2_, SR_, LC08_):"]
    lines += [f"  {row['band']:16s} {row['written']}" for row in table if row["sensor"] == "any"]
    for key, title in sensors.items():
        codes = [f"{row['written']} {row['band']}" for row in table if row["sensor"] == key]
        lines += [f"{title} (--sensor {key}):", f"  {', '.join(codes)}"]
    lines += ["Radar: vv_dsc or desc_vv, pre_VV (before), diff_VV (change); Sigma0_VV is power, Sigma0_VV_db is dB."]
    print_result({"aliases": table, "sensors": sensors}, as_json, "\n".join(lines))


def layouts(checkpoints: Checkpoints = DEFAULT_CHECKPOINTS, as_json: AsJson = False) -> None:
    """Show how published sets are laid out that the import recognises, with the command for each."""
    from core.commands.console import print_result
    from core.data.readers.layouts.published import LAYOUTS, text

    print_result({"layouts": [layout.to_dict() for layout in LAYOUTS]}, as_json, text())
