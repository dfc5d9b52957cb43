"""``python -m core ingest``: a folder or an archive of somebody's patches becomes a dataset file.

Comes in: a format, a source and how to read it. Goes out: a few lines for people, or one JSON object. It computes
nothing itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import ConfigError

FORMAT = (
    "Format of the source: zindi, landslide4sense, geotiff, cas, hdf5, folders, one of the named sets set1 to set7, "
    "or auto."
)
READING = "How it is read"
TABLES = "Labels and groups"
TILES = "Tiles, and labels from masks"


def ingest(
    format: Annotated[str, typer.Argument(help=FORMAT)],
    source: Annotated[Path, typer.Argument(help="The folder or HDF5 file to read, or a .zip, .tar or .tar.gz of it.")],
    out: Annotated[Path, typer.Option("--out", help="The dataset file to write (.h5).")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unusable file.", rich_help_panel=READING)
    ] = False,
    bands: Annotated[
        str | None,
        typer.Option("--bands", help="Names of the bands in their order: a,b,c.", rich_help_panel=READING),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", help="Unit of the optical bands: DN, reflectance or 0-255.", rich_help_panel=READING),
    ] = None,
    nodata: Annotated[
        float | None,
        typer.Option(
            "--nodata",
            help="A pixel with this value in all bands holds no data (255: white).",
            rich_help_panel=READING,
        ),
    ] = None,
    resize: Annotated[
        int | None,
        typer.Option("--resize", help="Stretch every image to so many pixels a side.", rich_help_panel=READING),
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option("--keys", help="Arrays of an HDF5 file: images=X,labels=Y.", rich_help_panel=READING),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="Axes of its images: NCHW, NHWC or NHW.", rich_help_panel=READING),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option("--positive", help="Name or value of the landslide class.", rich_help_panel=TABLES),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="A CSV with labels or groups.", rich_help_panel=TABLES)
    ] = None,
    id_column: Annotated[
        str | None, typer.Option("--id-column", help="Its column of names or paths.", rich_help_panel=TABLES)
    ] = None,
    group_column: Annotated[
        str | None, typer.Option("--group-column", help="Its column of groups.", rich_help_panel=TABLES)
    ] = None,
    masks: Annotated[
        Path | None, typer.Option("--masks", help="Folder of landslide masks.", rich_help_panel=TABLES)
    ] = None,
    mask_value: Annotated[
        float | None,
        typer.Option(
            "--mask-value",
            help="Value in masks that means landslide; default: everything but 0.",
            rich_help_panel=TILES,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            help="Of a named set: the files it was built from before; each must be there unchanged.",
            rich_help_panel=TABLES,
        ),
    ] = None,
    tile: Annotated[
        int | None, typer.Option("--tile", help="Cut images into tiles of this side, px.", rich_help_panel=TILES)
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option("--stride", help="From one tile to the next, px; default: the side.", rich_help_panel=TILES),
    ] = None,
    edge: Annotated[
        str,
        typer.Option(
            "--edge",
            help="shift: the last tile ends at the border; drop: what is left over is left out.",
            rich_help_panel=TILES,
        ),
    ] = "shift",
    mask_threshold: Annotated[
        float,
        typer.Option(
            "--mask-threshold", help="Share of the area from which a mask means landslide.", rich_help_panel=TILES
        ),
    ] = 0.01,
    between: Annotated[
        str,
        typer.Option(
            "--between",
            help="Patches whose mask covers less, but not nothing: drop, unlabelled or negative.",
            rich_help_panel=TILES,
        ),
    ] = "drop",
    max_nodata: Annotated[
        float,
        typer.Option("--max-nodata", help="Drop tiles with a larger share without data.", rich_help_panel=TILES),
    ] = 0.5,
    checkpoints: Annotated[Path, typer.Option("--checkpoints", help="Where runs live.")] = Path("checkpoints"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Build a dataset file from a folder or an archive; unusable files are set aside with the reason.

    An ingest that was killed goes on where it stopped when the same command is given again.
    """
    from core.commands.console import print_result
    from core.data.readers import ReaderOptions
    from core.data.readers import ingest as read

    options = ReaderOptions(
        strict=strict,
        positive=positive,
        bands=tuple(bands.split(",")) if bands else None,
        unit=unit,
        labels=labels,
        id_column=id_column,
        group_column=group_column,
        masks=masks,
        mask_value=mask_value,
        nodata=nodata,
        resize=resize,
        tile=tile,
        stride=stride,
        edge=edge,
        mask_threshold=mask_threshold,
        between=between,
        max_nodata=max_nodata,
        manifest=manifest,
        keys=_pairs(keys),
        layout=layout,
    )
    steps = read(None if format == "auto" else format, source, out, options)
    report = finish(steps, lambda p: f"{p.done} of {p.total} {p.what}", as_json)
    value = {
        "dataset": report.dataset.resolve(),
        "n": report.n,
        "n_positive": report.n_positive,
        "n_unlabelled": report.n_unlabelled,
        "rejected": [{"file": item.file, "reason": item.reason} for item in report.rejected],
        "warnings": list(report.warnings),
    }
    lines = [f"{report.n} patches ({report.n_positive} landslides, {report.n_unlabelled} unlabelled) in {out}"]
    lines += [f"Warning: {text}" for text in report.warnings]
    lines += [f"Set aside: {item.file}: {item.reason}" for item in report.rejected]
    print_result(value, as_json, "\n".join(lines))


def _pairs(text: str | None) -> dict[str, str] | None:
    """``images=X,labels=Y`` as a mapping. Raises ConfigError for text of another form."""
    if not text:
        return None
    parts = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and key.strip() for name, _, key in parts):
        raise ConfigError(f"--keys is written images=NAME,labels=NAME; given: {text}")
    return {name.strip(): key.strip() for name, _, key in parts}
