"""A patch before and after the event, and what changed between: the SAR bands, and every band that is there twice.

Change is after minus before. Two of the three suffice: the third is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.data.bands import Band, Composite
from core.data.pictures.drawing import NO_DATA_RGB
from dashboard import cache, theme
from dashboard.patches import render
from dashboard.patches.sections.bands import value_text
from dashboard.patches.sections.opened import Opened
from dashboard.ui.formatting import escape_markdown

PICTURE_PX = 224
RGB = ("red", "green", "blue")


@dataclass(frozen=True)
class Moments:
    """Positions of the bands that show the same before, after and as change; at most one is None."""

    title: str
    unit: str
    after: int | None = None
    before: int | None = None
    change: int | None = None

    @property
    def known(self) -> bool:
        """Whether all three are there or can be computed."""
        return (self.after is None) + (self.before is None) + (self.change is None) <= 1


def moments_of(bands: Sequence[Band]) -> list[Moments]:
    """What is there of two moments, in the order of the bands."""
    place = {band.name: i for i, band in enumerate(bands)}
    found: dict[str, Moments] = {}
    for band in bands:
        own, kind = _base(band)
        earlier = found.get(own, Moments(band.title.removesuffix(" change").removesuffix(" before"), band.unit))
        found[own] = replace(earlier, **{kind: place[band.name]})
    return [one for one in found.values() if one.known]


def _base(band: Band) -> tuple[str, str]:
    """The name of the same band after the event, and which of the three this one is."""
    for ending, kind in (("_pre", "before"), ("_change", "change")):
        if band.name.endswith(ending):
            return band.name.removesuffix(ending), kind
    orbit, _, wave = band.name.rpartition("_")
    if band.family == "sar_change" and wave.startswith("d"):
        return f"{orbit}_{wave[1:]}".lstrip("_"), "change"
    return band.name, "after"


def three(image: np.ndarray, one: Moments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Before, after and change of a patch (C, H, W), each (H, W) in the band's unit."""
    before, after, change = (None if i is None else image[i] for i in (one.before, one.after, one.change))
    if after is None:
        after = before + change
    if change is None:
        change = after - before
    return after - change if before is None else before, after, change


def is_there(opened: Opened) -> bool:
    """Whether any band is known of two moments."""
    return bool(moments_of(opened.data.bands))


def draw(opened: Opened) -> None:
    """A row of pictures for each band: before, after and change, with sign and unit."""
    data = opened.data
    image, limits = cache.images(data, [opened.row])[0], render.dataset_limits(data.statistics)
    _colours(opened, image, limits)
    found = moments_of(data.bands)
    columns = st.columns(2, gap="medium") if len(found) > 1 else [st.container()]
    for i, one in enumerate(found):
        with columns[i % len(columns)]:
            _row(opened, image, limits, one)
    st.caption(
        "Change is after minus before: **blue** fell, **orange** rose, grey did not change. Before and after are drawn "
        "between the same limits. Values are means over the patch; of change also the 5th and 95th percentile."
    )


def _row(opened: Opened, image: np.ndarray, limits: np.ndarray, one: Moments) -> None:
    before, after, change = three(image, one)
    scale = limits[one.after if one.after is not None else one.before]
    reach = reach_of(opened, one, change)
    shown = [
        ("Before", _grey(before, scale), _mean(before, one.unit)),
        ("After", _grey(after, scale), _mean(after, one.unit)),
        ("Change", diverging(change, reach), _spread(change, one.unit)),
    ]
    st.markdown(f"**{escape_markdown(one.title)}** · colours reach ±{value_text(reach)} {escape_markdown(one.unit)}")
    with st.grid(3, min_column_width=90, gap="small"):
        for title, rgb, said in shown:
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"{one.title} {title.lower()}", output_format="PNG")
                st.caption(f"{title} {said}")


def _colours(opened: Opened, image: np.ndarray, limits: np.ndarray) -> None:
    """The true colours of both moments, where the dataset has them."""
    names = opened.data.band_names
    if not {*RGB, *(f"{name}_pre" for name in RGB)} <= set(names):
        return
    after = [names.index(name) for name in RGB]
    both = limits.copy()
    both[[names.index(f"{name}_pre") for name in RGB]] = limits[after]  # the same for both, so that they compare
    with st.grid(2, min_column_width=140, gap="small"):
        for title, ending in (("Before", "_pre"), ("After", "")):
            look = Composite(title, tuple(f"{name}{ending}" for name in RGB))
            with st.container(gap=None):
                rgb = render.picture(image, names, look, both, 2 * PICTURE_PX, opened.look.smooth)
                st.image(rgb, width="stretch", alt=f"True colour {title.lower()}", output_format="PNG")
                st.caption(f"{title}, true colour")


def reach_of(opened: Opened, one: Moments, change: np.ndarray) -> float:
    """What the strongest colours of change stand for: the dataset's 1st and 99th percentile, else the patch's own."""
    facts = opened.data.statistics[one.change] if one.change is not None else {}
    ends = [abs(float(facts[key])) for key in ("q01", "q99") if facts.get(key) is not None]
    known = change[np.isfinite(change)]
    if not ends and known.size:
        ends = [float(np.percentile(np.abs(known), 98))]
    return max([end for end in ends if np.isfinite(end)], default=0.0) or 1.0


def diverging(values: np.ndarray, reach: float, side: int = PICTURE_PX) -> np.ndarray:
    """Values (H, W) in blue (-reach) over grey (0) to orange (+reach): (side, side x W/H, 3) uint8."""
    stops = np.array([stop for stop, _ in theme.DIVERGING])
    ends = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in theme.DIVERGING], float)
    at = np.clip(np.nan_to_num(values) / (2 * reach) + 0.5, 0.0, 1.0)
    rgb = np.stack([np.interp(at, stops, ends[:, channel]) for channel in range(3)], axis=-1)
    rgb[~np.isfinite(values)] = NO_DATA_RGB
    return render.enlarge(np.round(rgb).astype(np.uint8), side)


def _grey(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return render.picture(values[None], ("one",), Composite("one", ("one",)), scale[None], PICTURE_PX)


def _mean(values: np.ndarray, unit: str) -> str:
    known = values[np.isfinite(values)]
    return f"{value_text(float(known.mean()))} {escape_markdown(unit)}" if known.size else "no data"


def _spread(values: np.ndarray, unit: str) -> str:
    known = values[np.isfinite(values)].astype(float)
    if not known.size:
        return "no data"
    low, mean, high = np.percentile(known, 5), known.mean(), np.percentile(known, 95)
    return f"**{signed(mean)} {escape_markdown(unit)}** ({signed(low)} to {signed(high)})"


def signed(value: float) -> str:
    """A value of change, always with its sign."""
    return ("+" if value >= 0 else "") + value_text(value)
