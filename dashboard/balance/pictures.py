"""Pictures of synthetic patches, of an interpolation's stops and of a graph; pickers that several views share.

Patches are mixed here in the bands' own units, as they were before normalisation; what the model is asked is mixed
where the model is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import Composite
from core.data.folds import training_ids
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.patches import gallery, render

THUMB_PX = 96
FOLD, CHOSEN = "balance_fold", "balance_synthetic"  # in the URL


# ----------------------------------------------------------------------------------------------------- pickers


def of_chosen_fold(lineage: pd.DataFrame, **look: Any) -> pd.DataFrame:
    """The picker of a fold that has synthetic patches, and their lineage."""
    folds = sorted(int(fold) for fold in lineage["fold"].unique())
    fold = url_state.choose(
        st.selectbox, "Fold", folds, key=FOLD, default=folds[0], format_func=lambda k: theme.fold_title(k).capitalize(),
        help="Each fold has its own network and its own synthetic patches.", width=110, **look,
    )  # fmt: skip
    return lineage[lineage["fold"] == fold]


def stretch_picker(key: str) -> str:
    """What black and white stand for."""
    return url_state.choose(
        st.radio, "Black to white", list(gallery.STRETCHES), key=key, default="dataset",
        format_func=gallery.STRETCHES.get,
        help="From the 2nd to the 98th percentile of the band: over the dataset, or over the patches shown together.",
    )  # fmt: skip


def landslides_of(run: RunFolder, fold: int) -> list[str]:
    """Ids of the landslides that this fold's synthetic patches can come from."""
    folds = run.folds()
    if "only_train" in folds:  # one split: what is learnt from is not judged
        data, labels = cache.dataset(run.dataset_path()), run.head_rows(fold)["labels"]
        rows = data.index_of(training_ids(folds, fold))
        return data.ids[np.sort(rows[labels[rows] == 1])].tolist()
    oof, all_folds = run.oof(), run.config().smote.protocol != "inside_fold"
    parents = oof[(oof["label"] == 1) & (oof["id"].astype(str).isin(training_ids(run.folds(), fold)) | all_folds)]
    return parents["id"].astype(str).tolist()


def landslide_picker(run: RunFolder, fold: int, key: str) -> str:
    """A landslide of the fold's training part."""
    ids = landslides_of(run, fold)
    return url_state.choose(st.selectbox, "Landslide", ids, key=key, default=ids[0], width=220)


# ---------------------------------------------------------------------------------------------------- pictures


def blend(anchors: np.ndarray, neighbours: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The synthetic patches of Algorithm 1, (n, C, H, W): weight * anchor + (1 - weight) * neighbour."""
    w = weights[:, None, None, None]
    return w * anchors + (1 - w) * neighbours


def parents_and_synthetics(data: Dataset, lineage: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Anchors, neighbours and synthetic patches of these rows, (n, C, H, W) each."""
    rows = (data.index_of(lineage[name].astype(str).tolist()) for name in ("anchor", "neighbour"))
    anchors, neighbours = (cache.images(data, some) for some in rows)
    return anchors, neighbours, blend(anchors, neighbours, lineage["anchor_weight"].to_numpy(np.float32))


def of_triplet(data: Dataset, row: pd.Series, composite: Composite, stretch: str, side: int) -> list[np.ndarray]:
    """Anchor, neighbour and synthetic patch of one row of the lineage as RGB pictures, all on one scale."""
    three = [part[0] for part in parents_and_synthetics(data, row.to_frame().T)]
    limits = _limits(data, three, stretch)
    return [render.picture(image, data.band_names, composite, limits, side) for image in three]


def of_synthetics(data: Dataset, lineage: pd.DataFrame, composite: Composite, stretch: str) -> list[np.ndarray]:
    """A small RGB picture of each synthetic patch."""
    made = parents_and_synthetics(data, lineage)[2]
    return [
        render.picture(image, data.band_names, composite, _limits(data, [image], stretch), THUMB_PX) for image in made
    ]


def difference(data: Dataset, row: pd.Series, composite: Composite) -> tuple[np.ndarray, str]:
    """Synthetic patch minus anchor, (H, W), the mean over the bands shown; and its unit.

    Bands that share a unit keep it; others are taken in percent of their range of display.
    """
    anchors, _, made = parents_and_synthetics(data, row.to_frame().T)
    shown = [list(data.band_names).index(name) for name in composite.bands]
    change = (made[0, shown] - anchors[0, shown]).astype(np.float64)
    units = {data.bands[i].unit for i in shown}
    if len(units) == 1:
        return change.mean(axis=0), units.pop()
    limits = render.dataset_limits(data.statistics)[shown]
    span = np.maximum(limits[:, 2] - limits[:, 0], 1e-12)[:, None, None]
    return 100 * (change / span).mean(axis=0), "% of the range shown"


def of_stops(data: Dataset, path: dict[str, Any], composite: Composite, stretch: str) -> list[np.ndarray]:
    """Each stop of an interpolation as an RGB picture, all on one scale."""
    ends = cache.images(data, data.index_of(path["ids"]))  # neighbour, anchor, other
    position = np.asarray(path["position"], np.float32)
    far = np.where(position[:, None, None, None] <= 1, ends[0], ends[2])
    weight = np.where(position <= 1, position, 2 - position)
    stops = blend(np.broadcast_to(ends[1], far.shape), far, weight)
    limits = _limits(data, list(ends), stretch)
    return [render.picture(image, data.band_names, composite, limits) for image in stops]


def thumbnails(data: Dataset, ids: Sequence[str], look: gallery.Look) -> dict[str, str]:
    """Id -> a small picture as a data URI, for figures."""
    drawn = gallery.pictures(data, list(ids), look, side=THUMB_PX)
    return {name: _uri(rgb) for name, rgb in zip(ids, drawn, strict=True)}


def _limits(data: Dataset, images: Sequence[np.ndarray], stretch: str) -> np.ndarray:
    """Limits of display of every band (C, 3): the dataset's, or those of these images together."""
    if stretch == "patch":
        return render.patch_limits(np.concatenate(images, axis=1))
    return render.dataset_limits(data.statistics)


def _uri(rgb: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(render.png(rgb)).decode("ascii")
