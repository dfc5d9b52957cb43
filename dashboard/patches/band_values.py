"""Pixel values of a band, and of the classes, from a sample of the patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from core.data.by_class import ClassPixels, describe_classes
from core.data.store import Dataset
from dashboard import cache
from dashboard.patches import derived_bands, render

BATCH = 64  # patches read at once
LIMIT_PATCHES = 60  # of each class, that the limits of a computed band are taken from


def class_pixels(data: Dataset, per_class: int, seed: int) -> ClassPixels:
    """Quantiles of every band and the mean patch of each class; shared, not to be written to."""
    return _class_pixels(str(data.path), cache.file_version(data.path), per_class, seed)


@st.cache_resource(max_entries=6, show_spinner="Reading patches of each class…")
def _class_pixels(path: str, version: cache.Version, per_class: int, seed: int) -> ClassPixels:
    return describe_classes(cache.dataset(Path(path)), per_class, seed)


def band_values(data: Dataset, band: str, per_class: int = 300) -> dict[int, np.ndarray]:
    """Usable pixel values of one band by label (1, 0, -1), of at most ``per_class`` patches each, drawn evenly."""
    return _band_values(str(data.path), cache.file_version(data.path), band, per_class)


@st.cache_data(max_entries=24, show_spinner="Reading the band…")
def _band_values(path: str, version: cache.Version, band: str, per_class: int) -> dict[int, np.ndarray]:
    data = cache.dataset(Path(path))
    values = {}
    for label in (1, 0, -1):
        rows = np.flatnonzero(data.labels == label)
        if not len(rows):
            continue
        picked = rows[np.unique(np.linspace(0, len(rows) - 1, per_class).astype(int))]
        kept = []
        for start in range(0, len(picked), BATCH):
            images = data.images(picked[start : start + BATCH])
            known, names = derived_bands.with_computed(images, data.bands, [band])
            pixels = known[:, names.index(band)]
            kept.append(pixels[np.isfinite(pixels)])
        values[label] = np.concatenate(kept)
    return values


def computed_limits(data: Dataset, band: str) -> tuple[float, float, float]:
    """Limits of display of a computed band, over some patches of each class."""
    return render.value_limits(np.concatenate(list(band_values(data, band, LIMIT_PATCHES).values())))
