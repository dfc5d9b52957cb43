"""Thumbnails of patches: drawn, encoded and kept under a name that tells any two of them apart."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from core.arrays import Whole
from core.data.bands import Composite
from core.data.pictures.computed import with_computed
from core.data.pictures.drawing import PICTURE_PX, outline, patch_limits, picture
from core.data.pictures.kept import KeptPictures
from core.data.store.content_hash import file_version
from core.data.store.dataset import Dataset
from core.errors import DataError

VERSION = 1  # of how they are drawn and encoded: what was drawn otherwise is not found any more
QUALITY = 88
LOOKED_UP = 256  # whether they are kept, at a time
AT_ONCE = 8  # drawn and kept together: whoever asks meanwhile waits no longer than for these


@dataclass(frozen=True)
class Style:
    """How a patch becomes a picture.

    bands: one (greys) or three (red, green, blue), also computed ones. limits: low (black), middle and high (white) of
    each band; None: of the patch itself. side: height in pixels. smooth: between pixels. mask: with its outline.
    """

    bands: tuple[str, ...]
    limits: tuple[tuple[float, float, float], ...] | None
    side: int = PICTURE_PX
    smooth: bool = False
    mask: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Style:
        """What :meth:`to_json` gave. Raises DataError for anything else."""
        try:
            limits = said["limits"] and tuple(tuple(map(float, row)) for row in said["limits"])
            bands, side = tuple(map(str, said["bands"])), int(said["side"])
            style = cls(bands, limits, side, bool(said["smooth"]), bool(said["mask"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"That does not say how thumbnails are drawn ({error!r}).") from error
        if (
            len(bands) not in (1, 3)
            or not 1 <= side <= 4096
            or (limits and [len(r) for r in limits] != [3] * len(bands))
        ):
            raise DataError("Thumbnails are drawn of one band or three, each with three limits, 1 to 4096 pixels high.")
        return style


def draw(data: Dataset, rows: Whole, style: Style) -> list[np.ndarray]:
    """Each patch as an RGB picture (side, side x W/H, 3) uint8. Raises DataError for a file that has changed."""
    rows = np.asarray(rows, np.int64)
    images, names = with_computed(data.images(rows), data.bands, style.bands)
    shown = [names.index(name) for name in style.bands]
    masks = data.masks(rows) if style.mask and data.has_masks else [None] * len(rows)
    names = tuple(map(str, range(len(shown))))  # a composite may show one band twice
    given = None if style.limits is None else np.array(style.limits)
    drawn = []
    for image, mask in zip(images[:, shown], masks, strict=True):
        limits = patch_limits(image) if given is None else given
        rgb = picture(image, names, Composite("", names), limits, style.side, style.smooth)
        drawn.append(rgb if mask is None else outline(rgb, mask))
    return drawn


def encoded(rgb: np.ndarray) -> bytes:
    """A picture (H, W, 3) uint8 as a WebP file."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="WEBP", quality=QUALITY, method=1)
    return buffer.getvalue()


def keys(data: Dataset, ids: Sequence[str], style: Style) -> list[bytes]:
    """Under which the thumbnails are kept: of this very file, patch and style, and of nothing else."""
    what = [VERSION, QUALITY, data.card_hash, file_version(data.path), style.to_json()]
    begun = hashlib.blake2b(json.dumps(what).encode(), digest_size=16)
    found = []
    for patch_id in ids:
        one = begun.copy()
        one.update(patch_id.encode("utf-8", "surrogatepass"))
        found.append(one.digest())
    return found


def thumbnails(data: Dataset, ids: Sequence[str], style: Style, kept: KeptPictures) -> list[bytes]:
    """A WebP file of each patch: as kept, or drawn now and kept. Raises DataError for unknown ids or a changed file."""
    rows, names = data.index_of(ids), keys(data, ids, style)
    known = kept.get(names)
    missing = [place for place, name in enumerate(names) if name not in known]
    new = {}
    for place, rgb in zip(missing, draw(data, rows[missing], style) if missing else (), strict=True):
        new[names[place]] = encoded(rgb)
    if new:
        kept.put(new)
    return [known.get(name) or new[name] for name in names]


def keep_all(data: Dataset, ids: Sequence[str], style: Style, kept: KeptPictures) -> Iterator[int]:
    """Keep the thumbnails of these patches that are not kept yet, some at a time; yields how many are drawn with each.

    Ends early where nothing more can be kept.
    """
    for start in range(0, len(ids), LOOKED_UP):
        some = list(ids[start : start + LOOKED_UP])
        names = keys(data, some, style)
        known = kept.known(names)
        missing = [place for place, name in enumerate(names) if name not in known]
        yield 0
        for begun in range(0, len(missing), AT_ONCE):
            part = missing[begun : begun + AT_ONCE]
            rows = data.index_of([some[place] for place in part])
            new = {names[place]: encoded(rgb) for place, rgb in zip(part, draw(data, rows, style), strict=True)}
            if not kept.put(new):
                return
            yield len(new)
