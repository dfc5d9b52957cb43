"""What can happen to a patch after the model was trained: clouds, noise, a sensor or an orbit that is lost.

You get the corrupted patches, and which of their values are missing. Clouds cover optical bands only, radar sees
through them; speckle is drawn before and after the event, so that a change stays after minus before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from core.data.bands import BYTES, DECIBEL, TO_BRIGHTNESS, Band
from core.explain.bands.groups import band_groups

COVERAGES = (0.25, 0.5, 0.75)
LOOKS = 4.0  # of added speckle: 10 log10 of a gamma variable of mean 1, about 2.3 dB
NOISE = 0.25  # of a band's standard deviation, added to optical bands
CLOUD_TOP = (1.0, 2.2)  # brightness of a cloud, 1 being white: DN 4000 to 8800, as the simulated demo has it
KNOWN_CLOUD = 0.1  # opacity from which a cloud mask calls a pixel cloud
Kind = Literal["intact", "cloud", "lost", "noise"]


@dataclass(frozen=True)
class Scenario:
    """One thing that happens. bands: names of those it touches. strength: cloud cover, or the noise's."""

    name: str
    title: str
    kind: Kind
    bands: tuple[str, ...] = ()
    strength: float = 0.0

    def to_dict(self) -> dict:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Damaged:
    """Patches after it. images: (N, C, H, W) float32. missing: the same shape, bool: what a reader would know lost."""

    images: np.ndarray
    missing: np.ndarray


INTACT = Scenario("intact", "Nothing happens", "intact")


def scenarios(bands: Sequence[Band], coverages: Sequence[float] = COVERAGES) -> tuple[Scenario, ...]:
    """What can happen to these bands: intact first, clouds, each loss that leaves something, noise.

    Lost are optical or SAR as a whole and each orbit; of a single sensor each group of its bands.
    """
    optical = tuple(band.name for band in bands if band.modality == "optical")
    radar = tuple(band.name for band in bands if band.modality == "sar")
    found = [INTACT]
    if optical:
        found += [
            Scenario(f"cloud_{cover:.0%}".rstrip("%"), f"Clouds over {cover:.0%}", "cloud", optical, cover)
            for cover in coverages
        ]
    losses = {"optical": optical, "sar": radar}
    for orbit in ("descending", "ascending"):
        losses[orbit] = tuple(band.name for band in bands if band.orbit == orbit)
    titles = {"optical": "Optical", "sar": "SAR", "descending": "Descending orbit", "ascending": "Ascending orbit"}
    lost = {name: members for name, members in losses.items() if 0 < len(members) < len(bands)}
    if not lost:
        groups = band_groups(bands)
        lost = {group.name: group.bands for group in groups} if len(groups) > 1 else {}
    elif lost.get("descending") == lost.get("sar") or lost.get("ascending") == lost.get("sar"):
        lost = {name: members for name, members in lost.items() if name not in ("descending", "ascending")}
    found += [
        Scenario(f"{name.replace(' ', '_')}_lost", f"{titles.get(name, name)} lost", "lost", members)
        for name, members in lost.items()
    ]
    if optical:
        found.append(Scenario("optical_noise", f"Optical noise, {NOISE:g} of a band's spread", "noise", optical, NOISE))
    if radar:
        found.append(Scenario("speckle", f"SAR speckle of {LOOKS:g} looks", "noise", radar, LOOKS))
    return tuple(found)


def damage(images: np.ndarray, bands: Sequence[Band], scenario: Scenario, seed: int) -> Damaged:
    """The patches after the scenario; images: (N, C, H, W) float32 in the bands' units, left as they are."""
    out, missing = np.array(images, np.float32), np.zeros(images.shape, bool)
    rng = np.random.default_rng(seed)
    touched = [i for i, band in enumerate(bands) if band.name in scenario.bands]
    if scenario.kind == "lost":
        missing[:, touched] = True
    elif scenario.kind == "cloud":
        opacity = cloud_opacity(rng, len(images), images.shape[2:], scenario.strength)
        top = rng.uniform(*CLOUD_TOP, size=(len(images), 1, 1)).astype(np.float32)
        for i in touched:
            out[:, i] += opacity * (top * _white(bands[i], images[:, i]) - out[:, i])
            if bands[i].unit == BYTES:
                out[:, i] = np.clip(out[:, i], 0, 255)
            missing[:, i] = opacity >= KNOWN_CLOUD
    elif scenario.kind == "noise" and scenario.name == "speckle":
        _add_speckle(rng, out, bands, touched, scenario.strength)
    elif scenario.kind == "noise":
        for i in touched:
            spread = np.nanstd(np.where(np.isfinite(images[:, i]), images[:, i], np.nan))
            out[:, i] += scenario.strength * spread * rng.standard_normal(out[:, i].shape, np.float32)
    return Damaged(out, missing)


def cloud_opacity(rng: np.random.Generator, n: int, shape_hw: tuple[int, int], cover: float) -> np.ndarray:
    """(n, H, W) float32 opacity of blobs with soft edges, 0 to 1; the mean of each patch is ``cover``, nearly."""
    from scipy.ndimage import gaussian_filter

    height, width = shape_hw
    sigma = max(min(height, width) / 8, 1.0)
    field = gaussian_filter(rng.standard_normal((n, height, width)), (0, sigma, sigma), mode="reflect")
    field /= np.maximum(field.std(axis=(1, 2), keepdims=True), 1e-12)
    level = np.quantile(field, 1 - cover, axis=(1, 2), keepdims=True)
    return np.clip((field - level) / 0.4 + 0.5, 0, 1).astype(np.float32)


def _white(band: Band, values: np.ndarray) -> float:
    """What a cloud of brightness 1 is in this band; of an unknown unit the brightest that the patches show."""
    if band.unit in TO_BRIGHTNESS:
        return 1 / TO_BRIGHTNESS[band.unit]
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, 0.99)) if finite.size else 1.0


def _add_speckle(
    rng: np.random.Generator, out: np.ndarray, bands: Sequence[Band], touched: Sequence[int], looks: float
) -> None:
    def drawn() -> np.ndarray:
        return rng.gamma(looks, 1 / looks, size=(len(out), *out.shape[2:])).astype(np.float32)

    after = {bands[i].name: drawn() for i in touched if bands[i].family != "sar_change"}
    for i in touched:
        band = bands[i]
        if band.family == "sar_change":  # after minus before: the post band's own speckle, less that of before
            factor = after.get(band.name.replace("_dv", "_v"))
            factor = (drawn() if factor is None else factor) / drawn()
        else:
            factor = after[band.name]
        out[:, i] = out[:, i] + 10 * np.log10(factor) if band.unit == DECIBEL else out[:, i] * factor
