"""Pictures of galleries as they are sent: drawn once, kept beside the runs, those of the pages ahead before they are
asked for."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from core.data.bands import Composite
from core.data.pictures import background
from core.data.pictures import thumbnails as core_thumbnails
from core.data.pictures.kept import KeptPictures
from core.data.pictures.thumbnails import Style
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cache, state
from dashboard.jobs import model_client
from dashboard.patches import band_values, derived_bands, render


def style_of(
    data: Dataset, composite: Composite, each: bool, smooth: bool, mask: bool, side: int = render.PICTURE_PX
) -> Style:
    """How a composite of this dataset is drawn. each: every patch between its own limits, not the dataset's."""
    wanted, limits = composite.bands, None
    if not each:
        names = (*data.band_names, *derived_bands.computed(wanted, data.bands))
        known = derived_bands.with_computed_limits(
            render.dataset_limits(data.statistics), data.bands, wanted,
            lambda name: band_values.computed_limits(data, name),
        )  # fmt: skip
        limits = tuple(tuple(known[names.index(name)].tolist()) for name in wanted)
    return Style(wanted, limits, side, smooth, mask)


def addresses(data: Dataset, ids: Sequence[str], style: Style) -> list[str]:
    """The picture of each patch as a data URL. Raises DataError for unknown ids or a file that has changed."""
    files = core_thumbnails.thumbnails(cache.dataset(data.path), ids, style, KeptPictures(state.checkpoints()))
    return [address(one) for one in files]


def address(webp: bytes) -> str:
    """A WebP file as a data URL."""
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


def ahead(data: Dataset, ids: Sequence[str], style: Style) -> None:
    """Have these drawn, and then the others of the dataset, by a process that gives way to all others; never waits."""
    request = background.request_for(data.path, ids, style, KeptPictures(state.checkpoints()))
    try:
        model_client.thumbnails().later(request)
    except (LandslideLensError, OSError):
        pass  # what is not drawn ahead is drawn when it is looked at, which says what is wrong
