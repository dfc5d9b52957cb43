"""What a dataset file of this program holds: checked before its facts are read, so that one that lies is refused.

The structure as HDF5 tells it (``core.data.store.hdf5`` has refused what could reach outside the file), then the card.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Required

import h5py
import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from core.data.bands import Band, Family
from core.errors import FormatError
from core.io.json_text import parse_json

LAYOUT_VERSION = 1
MAX_PATCH = 256 * 2**20  # bytes of one patch
MAX_SIDE = 65_536
MAX_BANDS = 4_096
MAX_TEXT_BYTES = 4 * 500  # of an id, a group or a text in a column (``core.data.store.writer.MAX_TEXT``, UTF-8)
MAX_CARD = 32 * 2**20
# Name -> axes and kinds of numpy's types; N patches along the first axis.
_MEMBERS = {
    "images": (4, "fu"), "labels": (1, "iu"), "ids": (1, "S"), "groups": (1, "S"), "split": (1, "S"),
    "lonlat": (2, "f"), "masks": (3, "u"),
}  # fmt: skip
_NEEDED = ("images", "labels", "ids", "card")

_open = with_config(ConfigDict(extra="allow", strict=True))
Number = float | None
Text = Annotated[str, Field(max_length=500)]
LongText = Annotated[str, Field(max_length=20_000)]


@_open
class BandEntry(TypedDict, total=False):
    """One band, as ``core.data.bands.Band`` has it."""

    name: Required[Annotated[str, Field(min_length=1, max_length=500)]]
    title: Required[Text]
    sensor: Text
    orbit: Text
    unit: Text
    family: Family
    usual: Required[Annotated[list[float], Field(min_length=2, max_length=2)] | None]


@_open
class Row(TypedDict, total=False):
    """The statistics of one band."""

    name: Required[Text]
    min: Number
    max: Number
    mean: Number
    std: Annotated[float, Field(ge=0)] | None
    q01: Number
    q05: Number
    q25: Number
    q50: Number
    q75: Number
    q95: Number
    q99: Number
    plausible: Annotated[list[float], Field(min_length=2, max_length=2)] | None
    n_absurd: Annotated[int, Field(ge=0)] | None
    n_nonfinite: Annotated[int, Field(ge=0)] | None
    n_nodata: Annotated[int, Field(ge=0)] | None


@_open
class Card(TypedDict):
    """The card of a dataset file."""

    layout_version: int
    bands: Annotated[list[BandEntry], Field(min_length=1, max_length=MAX_BANDS)]
    class_names: Annotated[list[Text], Field(min_length=2, max_length=2)]
    statistics: Annotated[list[Row], Field(max_length=MAX_BANDS)]
    nodata: Number
    source: LongText
    licence: LongText
    content_hash: Text
    facts: dict[str, Any]


_CARD, _BAND = TypeAdapter(Card), TypeAdapter(BandEntry)


def band_of(entry: Any) -> Band:
    """The band that a card describes. Raises ValueError or TypeError for anything else."""
    checked = _BAND.validate_python(entry)
    given: dict[str, Any] = dict(checked)
    return Band(**{**given, "usual": tuple(given["usual"]) if given["usual"] else None})


def check_members(file: h5py.File, path: Path) -> None:
    """Raise FormatError unless the file's parts are there and have one shape; nothing of them is read."""
    missing = [name for name in _NEEDED if not isinstance(file.get(name), h5py.Dataset)]
    if missing:
        raise FormatError(
            f"{path} is not a dataset file of this program: it has no {', '.join(missing)}. "
            "Make one with `python -m core ingest FORMAT SOURCE --out F.h5`."
        )
    wrong = [_wrong(file[name], name) for name in _MEMBERS if name in file]
    tables = {place: file[place] for place in ("columns", "files") if place in file}
    for place, table in tables.items():
        if not isinstance(table, h5py.Group):
            wrong.append(f"{place} (no group)")
        else:
            wrong += [_wrong(table[name], f"{place}/{name:.60}", (1, "iufbS")) for name in table]
    wrong = [text for text in wrong if text]
    n = len(file["images"]) if not wrong else 0
    if not wrong:
        members = [(name, file[name]) for name in _MEMBERS if name in file]
        members += [(name, table[name]) for table in tables.values() for name in table]
        wrong = [f"{name:.60} ({len(data):,} rows, not {n:,})" for name, data in members if len(data) != n]
        wrong += _wrong_sides(file)
    card = file["card"]
    if card.ndim != 1 or card.dtype != np.uint8 or card.size > MAX_CARD:
        wrong.append("card (no bytes)")
    if wrong:
        raise _damaged(path, f"{', '.join(wrong[:8])} do not fit")


def _wrong(data: Any, name: str, form: tuple[int, str] | None = None) -> str:
    axes, kinds = form or _MEMBERS[name]
    if not isinstance(data, h5py.Dataset):
        return f"{name} (no dataset)"
    if data.shape is None or data.ndim != axes or data.dtype.kind not in kinds:
        return f"{name} ({data.dtype}, {data.shape})"
    if data.dtype.kind == "S" and data.dtype.itemsize > MAX_TEXT_BYTES:
        return f"{name} (texts of {data.dtype.itemsize:,} bytes)"
    # Bytes that were never written read as zeros, without end: HDF5 says how many there are.
    logical, stored = math.prod(data.shape) * data.dtype.itemsize, data.id.get_storage_size()
    filtered = data.chunks is not None and data.id.get_create_plist().get_nfilters()
    if logical and (stored == 0 if filtered else stored < logical):
        return f"{name} ({logical:,} bytes are claimed and {stored:,} are there)"
    return ""


def _wrong_sides(file: h5py.File) -> list[str]:
    images, wrong = file["images"], []
    n, bands, height, width = images.shape
    if images.dtype not in (np.float32, np.uint8):
        wrong.append("images (neither float32 nor uint8)")
    patch = bands * height * width * images.dtype.itemsize
    if not (n and 1 <= bands <= MAX_BANDS and 1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE) or patch > MAX_PATCH:
        wrong.append(f"images (of {images.shape})")
    if "masks" in file and file["masks"].shape[1:] != images.shape[2:]:
        wrong.append("masks (of another size)")
    if "lonlat" in file and file["lonlat"].shape[1] != 2:
        wrong.append("lonlat (not two numbers)")
    return wrong


def read_card(file: h5py.File, path: Path) -> dict[str, Any]:
    """The card, as plain values. Raises FormatError, saying what is wrong with it or contradicts the file."""
    try:
        card = parse_json(file["card"][()].tobytes())
        version = card.get("layout_version") if isinstance(card, dict) else None
        if isinstance(version, int) and version != LAYOUT_VERSION:
            raise FormatError(f"{path} has layout {version}; this program reads {LAYOUT_VERSION}.")
        _CARD.validate_python(card)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part)[:60] for part in first["loc"]) or "all of it"
        raise _damaged(path, f"its card cannot be used ({where}: {first['msg']})") from error
    except FormatError as error:
        text = str(error)
        raise error if text.startswith(str(path)) else _damaged(path, f"its card cannot be used ({text})") from error
    names = [band["name"] for band in card["bands"]]
    n_bands = file["images"].shape[1]
    lies = []
    if len(names) != n_bands:
        lies.append(f"it names {len(names)} bands and the images have {n_bands}")
    if len(set(names)) != len(names):
        lies.append("it names a band twice")
    if [row["name"] for row in card["statistics"]] != names:
        lies.append("its statistics are of other bands")
    if card["class_names"][0] == card["class_names"][1]:
        lies.append("its two classes have one name")
    if lies:
        raise _damaged(path, f"its card cannot be used ({'; '.join(lies)})")
    return card


def _damaged(path: Path, what: str) -> FormatError:
    return FormatError(f"{path} is damaged: {what}. Ingest the source again.")
