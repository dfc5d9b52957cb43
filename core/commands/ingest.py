"""``python -m core ingest``: a folder or an archive of somebody's patches becomes a dataset file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.commands.console import AsJson, Checkpoints
from core.runs.store import DEFAULT_CHECKPOINTS

FORMAT = (
    "Format of the source: zindi, landslide4sense, before_after, geotiff, cas, netcdf, hdf5, npy, folders, one of the "
    "named sets set1 to set7, or auto. python -m core layouts shows them."
)
READING = "How it is read"
TABLES = "Labels and groups"
TILES = "Tiles, and labels from masks"


def ingest(
    format: Annotated[str, typer.Argument(help=FORMAT)],
    source: Annotated[Path, typer.Argument(help="The folder or file to read, or a .zip, .tar or .tar.gz of it.")],
    out: Annotated[Path | None, typer.Option("--out", help="The dataset file to write (.h5).")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would be imported and what is left open; write nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first unusable file.", rich_help_panel=READING)
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the dataset file if it is there already.")
    ] = False,
    bands: Annotated[
        str | None,
        typer.Option(
            "--bands", help="Names of the bands in their order, or those to take: a,b,c.", rich_help_panel=READING
        ),
    ] = None,
    sensor: Annotated[
        str | None,
        typer.Option(
            "--sensor", help="Whose bands numbers such as B4 are; see python -m core bands.", rich_help_panel=READING
        ),
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
    date: Annotated[
        str | None,
        typer.Option(
            "--date",
            help="Of images over time: post, pre, both, first, last, a number, or a day (2023-05-16).",
            rich_help_panel=READING,
        ),
    ] = None,
    pixel_m: Annotated[
        float | None,
        typer.Option(
            "--pixel-m", help="Side of a pixel on the ground, metres, if the files do not say.", rich_help_panel=READING
        ),
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option("--keys", help="Arrays of an HDF5 file: images=X,labels=Y.", rich_help_panel=READING),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="Axes of HDF5 and .npy images: NCHW, NHWC or NHW.", rich_help_panel=READING),
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
    label_column: Annotated[
        str | None, typer.Option("--label-column", help="Its column of labels.", rich_help_panel=TABLES)
    ] = None,
    group_column: Annotated[
        str | None, typer.Option("--group-column", help="Its column of groups.", rich_help_panel=TABLES)
    ] = None,
    masks: Annotated[
        Path | None, typer.Option("--masks", help="Folder of landslide masks.", rich_help_panel=TABLES)
    ] = None,
    mask_value: Annotated[
        str | None,
        typer.Option(
            "--mask-value",
            help="What means landslide in masks: a value, or a colour (#ff0000, 255,0,0, red); default: all but 0.",
            rich_help_panel=TILES,
        ),
    ] = None,
    mask_at_least: Annotated[
        float | None,
        typer.Option(
            "--mask-at-least",
            help="In masks of shades or probabilities: landslide from here on; below 1 a share of their full scale.",
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
        str | None,
        typer.Option(
            "--edge",
            help="shift: the last tile ends at the border; drop: what is left over is left out.",
            rich_help_panel=TILES,
        ),
    ] = None,
    mask_threshold: Annotated[
        float | None,
        typer.Option(
            "--mask-threshold", help="Share of the area from which a mask means landslide.", rich_help_panel=TILES
        ),
    ] = None,
    between: Annotated[
        str | None,
        typer.Option(
            "--between",
            help="Patches whose mask covers less, but not nothing: drop, unlabelled or negative.",
            rich_help_panel=TILES,
        ),
    ] = None,
    max_nodata: Annotated[
        float | None,
        typer.Option("--max-nodata", help="Drop tiles with a larger share without data.", rich_help_panel=TILES),
    ] = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    as_json: AsJson = False,
) -> None:
    """Build a dataset file from a folder or an archive; unusable files are set aside with the reason.

    --preview looks at the listing and some patches only.

    An ingest that was killed continues where it stopped when the same command is given again.
    """
    from core.analyses.datasets import preview as look
    from core.analyses.datasets.importing import ANALYSIS
    from core.commands.console import analyse, print_result
    from core.data.readers import must_exist
    from core.runs.targets import CheckpointsTarget

    given = {
        "format": format, "source": source, "out": out, "strict": strict, "replace": replace, "bands": bands,
        "sensor": sensor, "unit": unit, "nodata": nodata, "resize": resize, "pixel_m": pixel_m, "date": date,
        "keys": keys, "layout": layout, "positive": positive, "labels": labels, "id_column": id_column,
        "label_column": label_column,
        "group_column": group_column,
        "masks": masks, "mask_value": mask_value, "mask_at_least": mask_at_least, "manifest": manifest, "tile": tile,
        "stride": stride, "edge": edge, "mask_threshold": mask_threshold, "between": between, "max_nodata": max_nodata,
    }  # fmt: skip
    must_exist(source)  # before a job is made of it
    options = {name: value for name, value in given.items() if value is not None}
    if preview:
        asked = {name: value for name, value in options.items() if name not in ("out", "replace")}
        value = analyse(CheckpointsTarget(checkpoints), look.ANALYSIS.name, asked, as_json)
        print_result({name: value[name] for name in value if name != "pictures"}, as_json, look.text(value))
        return
    if out is None:
        raise typer.BadParameter("Name the dataset file to write.", param_hint="--out")
    value = analyse(CheckpointsTarget(checkpoints), ANALYSIS.name, options, as_json)
    keys_shown = ("dataset", "n", "n_positive", "n_unlabelled", "rejected", "warnings")
    counts = f"{value['n']} patches ({value['n_positive']} landslides, {value['n_unlabelled']} unlabelled)"
    lines = [f"{counts} in {out}", *(f"Warning: {text}" for text in value["warnings"])]
    lines += [f"Set aside: {item['file']}: {item['reason']}" for item in value["rejected"]]
    print_result({name: value[name] for name in keys_shown}, as_json, "\n".join(lines))
