"""Pictures on a page, drawn and written as PNG files once, however often the page is drawn again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.data.store import Dataset
from dashboard import cache
from dashboard.patches import gallery, render


def image(rgb: np.ndarray, alt: str) -> None:
    """A picture (H, W, 3) uint8 as wide as its column. Told from others by all its pixels: Streamlit looks at some."""
    name = hashlib.blake2b(np.ascontiguousarray(rgb), digest_size=16).hexdigest()
    st.image(_png(name, rgb.shape, rgb), width="stretch", alt=alt, output_format="PNG")


@st.cache_data(max_entries=256, show_spinner=False)
def _png(name: str, shape: tuple[int, ...], _rgb: np.ndarray) -> bytes:
    return render.png(_rgb)


def mapped(
    data: Dataset, ids: Sequence[str], look: gallery.Look, cams: gallery.Cams, side: int = render.PICTURE_PX
) -> list[np.ndarray]:
    """``gallery.pictures`` with these maps, drawn once; shared between sessions, not to be written to."""
    version = cache.file_version(data.path)
    return _mapped(str(data.path), version, tuple(map(str, ids)), look, side, cams.maps, data, cams)[1]


# The maps of a file are one array for as long as it is kept, and the entry keeps it: no other has its id.
@st.cache_resource(max_entries=96, show_spinner=False, hash_funcs={np.ndarray: id})
def _mapped(
    path: str, version: cache.Version, ids: tuple[str, ...], look: gallery.Look, side: int, maps: np.ndarray,
    _data: Dataset, _cams: gallery.Cams,
) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
    return maps, gallery.pictures(_data, list(ids), look, _cams, side)
