"""Spectral indices: bands computed from other bands, pixel by pixel.

Comes in: bands by name, in their unit, as numpy arrays or torch tensors alike. Goes out: one array an index. It knows
nothing of files or networks. Ratios of bands cancel brightness, so DN, reflectance and 8-bit values give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import ConfigError

Array = Any  # numpy array or torch tensor: only operators that both have are used


@dataclass(frozen=True)
class Index:
    """One index: its ``formula`` over the bands it ``needs``, dimensionless, within ``usual``."""

    name: str
    title: str
    needs: tuple[str, ...]
    formula: Callable[..., Array]
    usual: tuple[float, float]
    source: str


def ratio(numerator: Array, denominator: Array) -> Array:
    """Quotient, and 0 where the denominator is 0."""
    zero = denominator == 0
    return numerator * ~zero / (denominator + zero)


def _difference(a: Array, b: Array) -> Array:
    return ratio(a - b, a + b)


INDICES: dict[str, Index] = {
    index.name: index
    for index in (
        Index(
            "redr", "Red share", ("red", "green", "blue"), lambda r, g, b: ratio(r, r + g + b), (0.0, 1.0),
            "ours for paper A's undefined REDR: R / (R + G + B)",
        ),
        Index(
            "greenr", "Green share", ("red", "green", "blue"), lambda r, g, b: ratio(g, r + g + b), (0.0, 1.0),
            "green chromatic coordinate, G / (R + G + B): Gillespie et al. 1987",
        ),
        Index("ngrdi", "Green-red difference", ("green", "red"), _difference, (-1.0, 1.0),
              "normalised green-red difference, (G - R) / (G + R): Tucker 1979"),
        Index("nrbdi", "Red-blue difference", ("red", "blue"), _difference, (-1.0, 1.0),
              "normalised red-blue difference, (R - B) / (R + B)"),
    )
}  # fmt: skip


def indices_named(names: Sequence[str], band_names: Sequence[str]) -> tuple[Index, ...]:
    """The indices of these names. Raises ConfigError for an unknown one, or one whose bands are not there."""
    unknown = [name for name in names if name not in INDICES]
    if unknown:
        raise ConfigError(f"There is no index {', '.join(unknown)}. Known: {', '.join(INDICES)}.")
    for name in names:
        missing = [band for band in INDICES[name].needs if band not in band_names]
        if missing:
            raise ConfigError(
                f"The index '{name}' needs the band {', '.join(missing)}; there are only {', '.join(band_names)}. "
                "Leave the index out, or name the bands."
            )
    return tuple(INDICES[name] for name in names)


def possible(band_names: Sequence[str]) -> tuple[str, ...]:
    """Names of the indices that these bands allow."""
    return tuple(name for name, index in INDICES.items() if set(index.needs) <= set(band_names))


def compute(indices: Sequence[Index], bands: Mapping[str, Array]) -> list[Array]:
    """Each index over bands of one shape, in their unit."""
    return [index.formula(*(bands[name] for name in index.needs)) for index in indices]
