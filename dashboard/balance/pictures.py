"""Pictures of synthetic patches, of an interpolation's stops and of a graph; the picker of a fold's landslides.

Patches are mixed here in the bands' own units, as they were before normalisation; what the model is asked is mixed
where the model is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.data.bands import Composite
from core.data.folds import training_ids
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.patches import gallery, render

THUMB_PX = 96


def blend(anchors: np.ndarray, neighbours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The synthetic patches of Algorithm 1, (n, C, H, W): weight * anchor + (1 - weight) * neighbour."""
    w = weights[:, None, None, None]
    return w * anchors + (1 - w) * neighbours


def of_stops(data: Dataset, path: dict[str, Any], composite: Composite, stretch: str) -> list[np.ndarray]:
    """Each stop of an interpolation as an RGB picture, all on one scale."""
    ends = cache.images(data, data.index_of(path["ids"]))  # neighbour, anchor, other
    position = np.asarray(path["position"], np.float32)
    far = np.where(position[:, None, None, None] <= 1, ends[0], ends[2])
    weight = np.where(position <= 1, position, 2 - position)
    stops = blend(np.broadcast_to(ends[1], far.shape), far, weight)
    if stretch == "patch":
        limits = render.patch_limits(np.concatenate(list(ends), axis=1))
    else:
        limits = render.dataset_limits(data.statistics)
    return [render.picture(image, data.band_names, composite, limits) for image in stops]


def thumbnails(data: Dataset, ids: Sequence[str], look: gallery.Look) -> dict[str, str]:
    """Id -> a small picture as a data URI, for figures."""
    drawn = gallery.pictures(data, list(ids), look, side=THUMB_PX)
    return {
        name: "data:image/png;base64," + base64.b64encode(render.png(rgb)).decode("ascii")
        for name, rgb in zip(ids, drawn, strict=True)
    }


def landslides_of(run: RunFolder, fold: int) -> list[str]:
    """Ids of the landslides that this fold's synthetic patches can come from."""
    oof, all_folds = run.oof(), run.config().smote.protocol != "inside_fold"
    parents = oof[(oof["label"] == 1) & (oof["id"].astype(str).isin(training_ids(run.folds(), fold)) | all_folds)]
    return parents["id"].astype(str).tolist()


def landslide_picker(run: RunFolder, fold: int, key: str) -> str:
    """A landslide of the fold's training part."""
    ids = landslides_of(run, fold)
    if st.session_state.get(key) not in ids:
        st.session_state[key] = ids[0]
    return str(st.selectbox("Landslide", ids, key=key, width=260))
