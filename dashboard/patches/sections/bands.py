"""Every band of a patch in greys, with how its values lie among those of the whole dataset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from core.data.bands import Band, Composite
from dashboard import cache, theme
from dashboard.patches import render
from dashboard.patches.sections.opened import Opened
from dashboard.ui.formatting import escape_markdown

BAND_PX, LEAST_PX = 192, 100  # drawn side of a band; its least width on the page, CSS pixels
STRIP_PX, BINS = 52, 48  # height of a histogram; its bars
GROUND, DATASET = (38, 43, 50), (112, 121, 132)  # of a histogram; of the dataset's values in it
_PERCENTS = {"q01": 1, "q05": 5, "q25": 25, "q50": 50, "q75": 75, "q95": 95, "q99": 99}


def draw(opened: Opened) -> None:
    """Every band with its histogram."""
    data, look = opened.data, opened.look
    image = cache.images(data, [opened.row])[0]
    limits = render.patch_limits(image) if look.stretch == "patch" else render.dataset_limits(data.statistics)
    with st.grid(6, min_column_width=LEAST_PX, gap="small", key="card_bands"):
        for band, values, facts in zip(data.bands, image, data.statistics, strict=True):
            grey = render.picture(image, data.band_names, Composite(band.title, (band.name,)), limits, BAND_PX)
            shown = np.concatenate([grey, histogram(values, facts, grey.shape[1])])
            with st.container(gap=None):
                st.image(shown, width="stretch", alt=f"Band {band.title} and its histogram", output_format="PNG")
                st.caption(words(band, values, facts))
    st.caption(
        "Below each band: how often each value occurs, in this patch (orange; the line is its median) and in the whole "
        "dataset (grey, from its quantiles). Usual: from the 5th to the 95th percentile of the dataset's pixels."
    )


def words(band: Band, values: np.ndarray, facts: Mapping) -> str:
    """A band's name and unit, the patch's median, and what is usual, as Markdown."""
    known = values[np.isfinite(values)]
    name = escape_markdown(band.label)
    if not known.size:
        return f"{name}  \nno data"
    middle, (low, high) = float(np.median(known)), (_or_nan(facts.get(key)) for key in ("q05", "q95"))
    if not np.isfinite([low, high]).all():
        return f"{name}  \nmedian {value_text(middle)}"
    odd = " · **low**" if middle < low else " · **high**" if middle > high else ""
    return f"{name}  \nmedian {value_text(middle)}{odd}  \nusual {value_text(low)} to {value_text(high)}"


def histogram(values: np.ndarray, facts: Mapping, width: int, height: int = STRIP_PX) -> np.ndarray:
    """How often values occur in a band of a patch, over how often in the dataset: (height, width, 3) uint8.

    values: of the patch, nan where missing. facts: the band's statistics, whose quantiles give the dataset's share
    between each two. The axis reaches from the lower 1st to the higher 99th percentile of the two; what lies beyond is
    counted at its end.
    """
    picture = np.full((height, width, 3), GROUND, np.uint8)
    known = values[np.isfinite(values)].astype(np.float64)
    percents = [p for key, p in _PERCENTS.items() if np.isfinite(_or_nan(facts.get(key)))]
    stops = np.array([_or_nan(facts.get(key)) for key, p in _PERCENTS.items() if p in percents])
    ends = [*stops[[0, -1]]] if len(stops) > 1 else []
    if known.size:
        ends += np.percentile(known, [1, 99]).tolist()
    if not ends:
        return picture
    low, high = min(ends), max(ends)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bar_of = np.minimum(np.arange(width) * BINS // width, BINS - 1)
    rows = np.arange(height)[::-1, None]
    if len(stops) > 1:
        share = np.interp(np.linspace(low, high, BINS + 1), stops, percents)
        picture[rows < _heights(np.diff(share), height)[bar_of]] = DATASET
    if known.size:
        counts = np.histogram(np.clip(known, low, high), BINS, (low, high))[0]
        inside = rows < _heights(counts, height)[bar_of]
        colour = np.array(_rgb(theme.SYNTHETIC), float)
        picture[inside] = np.round(0.35 * picture[inside] + 0.65 * colour).astype(np.uint8)
        at = int(np.clip((np.median(known) - low) / (high - low) * (width - 1), 0, width - 2))
        picture[:, at : at + 2] = (255, 255, 255)
    return picture


def value_text(value: float) -> str:
    """A value of a band, short."""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:,.{decimals}f}".replace("-", "−")


def _heights(counts: np.ndarray, height: int) -> np.ndarray:
    """In pixels, the highest at nine tenths; a bar that holds anything is seen."""
    top = counts.max(initial=0)
    if not top:
        return np.zeros(len(counts))
    return np.where(counts > 0, np.maximum(1, np.round(0.9 * height * counts / top)), 0)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _or_nan(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]
