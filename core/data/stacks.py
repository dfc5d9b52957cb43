"""The stacks of paper A: 12, 20 and 28 channels, each channel with its formula, unit and what it comes from.

Computed bands stand behind the images' own. Paper A does not itemise its 20 and 28 channels; these lists are ours and
say so (FACTS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from core.data.bands import ZINDI_BANDS, Band
from core.data.indices import INDICES, automatic, compute, indices_named
from core.errors import ConfigError

_TO_20 = ("ndvi", "evi2", "vari", "redr", "sobel", "canny", "desc_vv_minus_vh", "asc_vv_minus_vh")
_TO_28 = (
    "desc_vv_pre", "desc_vh_pre", "asc_vv_pre", "asc_vh_pre", "desc_vv_sobel", "asc_vv_sobel", "gndvi", "ndwi",
)  # fmt: skip
STACKS: dict[str, tuple[str, ...]] = {"stack12": (), "stack20": _TO_20, "stack28": (*_TO_20, *_TO_28)}
_OF_THE_HOST = "measured; Zindi's array"


@dataclass(frozen=True)
class Channel:
    """One channel of a stack. ``formula`` is empty for a measured band; ``needs`` names the bands it is made of."""

    name: str
    title: str
    formula: str
    unit: str
    modality: str
    orbit: str
    needs: tuple[str, ...]
    source: str


def manifest(stack: str) -> tuple[Channel, ...]:
    """The channels of "stack12", "stack20" or "stack28", in the order in which a network sees them."""
    measured = (
        Channel(band.name, band.title, "", band.unit, band.modality, band.orbit, (band.name,), _OF_THE_HOST)
        for band in ZINDI_BANDS
    )
    computed = (
        Channel(i.name, i.title, i.text, i.unit, i.modality, i.orbit, i.needs, i.source)
        for i in (INDICES[name] for name in _computed(stack))
    )
    return (*measured, *computed)


def table(stack: str) -> list[dict[str, str]]:
    """The manifest as rows to show: one dict a channel, its number first, every value text."""
    rows = []
    for number, channel in enumerate(manifest(stack), start=1):
        facts = asdict(channel) | {"needs": ", ".join(channel.needs), "formula": channel.formula or "as measured"}
        rows.append({"channel": str(number), **facts})
    return rows


def markdown(stack: str) -> str:
    """The table of a stack for a page or a document."""
    columns = ("channel", "name", "formula", "unit", "modality", "orbit", "needs", "source")
    rows = [columns, ("---",) * len(columns), *([row[column] for column in columns] for row in table(stack))]
    return "\n".join("| " + " | ".join(cell or "-" for cell in row) + " |" for row in rows)


def choose_indices(wanted: str | Sequence[str], bands: Sequence[Band]) -> tuple:
    """The indices that ``model.indices`` asks for on these bands: names, "auto", or a stack's name.

    Raises ConfigError for what is unknown or cannot be made of these bands; for a stack also when one of its measured
    bands is not among them.
    """
    if not isinstance(wanted, str):
        return indices_named(wanted, bands)
    if wanted == "auto":
        return indices_named(automatic(bands), bands)
    missing = [band.name for band in ZINDI_BANDS if band.name not in {b.name for b in bands}]
    if missing:
        raise ConfigError(
            f"'{wanted}' begins with Zindi's 12 bands; {', '.join(missing)} are not among those chosen "
            f"({', '.join(band.name for band in bands)}). Choose all of them, or name single indices in model.indices."
        )
    return indices_named(_computed(wanted), bands)


def extended(images: np.ndarray, bands: Sequence[Band], names: Sequence[str]) -> tuple[np.ndarray, tuple[Band, ...]]:
    """Images with the named indices as further bands: (N, C + I, H, W) float32, and the bands of all.

    images: (N, C, H, W) in the bands' units; where a band is not finite, so is what is computed from it, as nan (an
    edge needs whole patches: there such a value counts as 0). Raises ConfigError as :func:`choose_indices` does.
    """
    indices, records = indices_named(names, bands), {band.name: band for band in bands}
    images = np.asarray(images, np.float32)
    missing = ~np.isfinite(images)
    clean = dict(zip(records, np.where(missing, np.float32(0), images).swapaxes(0, 1), strict=True))
    values = compute(indices, clean, records)
    lost = dict(zip(records, missing.swapaxes(0, 1), strict=True))
    for value, index in zip(values, indices, strict=True):
        if index.family != "edge":
            value[np.logical_or.reduce([lost[name] for name in index.needs])] = np.nan
    stacked = [images, *(value[:, None].astype(np.float32) for value in values)]
    return np.concatenate(stacked, axis=1), (*bands, *(index.band for index in indices))


def _computed(stack: str) -> tuple[str, ...]:
    if stack not in STACKS:
        raise ConfigError(f"There is no stack '{stack}'. Known: {', '.join(STACKS)}.")
    return STACKS[stack]
