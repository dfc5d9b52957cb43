"""What the run sees in a cell: its bands beside training's, each fold's answer, attention, nearest training patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from core.data.bands import bands_named, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.cam.overlay import dead_maps
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.patches import card, gallery, render, tiles
from dashboard.predict import at_once, map_picture, pixel
from dashboard.ui import downloads
from dashboard.ui.formatting import count, number, percent
from dashboard.ui.guards import or_stop

FOLD = "predict_fold"
OPACITY = 0.6
FAR = 0.95  # of held-out patches are nearer to the training part: a window is unlike it


def section(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cell: str) -> None:
    """Everything about one cell that needs the networks or the rasters."""
    fold = fold_picker(run, "Attention and neighbours of")
    request = {
        "do": "scene_cell", "run": str(run.path), "map": own.path.name, "cell": cell, "fold": fold,
        "made": report.get("made"),
    }  # fmt: skip
    at_once.ask(request, "Asking the networks…", lambda answer: _show(run, report, cell, answer))


def fold_picker(run: RunFolder, label: str) -> int:
    """The fold whose network is asked, from 0."""
    folds = list(range(len(or_stop(run.summary)["folds"])))
    return url_state.choose(
        st.selectbox, label, folds, key=FOLD, default=0, format_func=theme.fold_title, width=220,
        help="Each fold's network has its own embedding; distances of two folds are not comparable.",
    )  # fmt: skip


def _show(run: RunFolder, report: Mapping[str, Any], cell: str, answer: Mapping[str, Any]) -> None:
    if answer["windows"]:
        _windows(run, report, cell, answer)
        _near(run, answer)
    else:
        st.info("No window of this cell was seen well enough to be answered.", icon=":material/visibility_off:")
    st.markdown("**Bands**", help="Of the cell's pixels, beside the pixels of the patches that the run was trained on.")
    downloads.table(pixel.bands_table(answer["bands"], "q50"), hide_index=True, width="stretch", height="content")


def _windows(run: RunFolder, report: Mapping[str, Any], cell: str, answer: Mapping[str, Any]) -> None:
    probs = map_picture.as_stated(np.array(answer["probs"], np.float64), run, report)  # (windows, folds)
    n, side = answer["n_windows"], answer["side"]
    shown = f"the {len(probs)} highest of {n} windows" if n > len(probs) else f"{n} window{'s' * (n != 1)}"
    first = probs[0]
    st.markdown(
        f"**Highest window: {number(first.mean())}**; by fold {', '.join(number(p) for p in first)}, standard "
        f"deviation {number(first.std())}.",
        help="Calibrated, for the stated share of landslides. A window is what the run judges at once.",
    )
    images = np.array(answer["images"], np.float32)
    maps = np.array(answer["maps"], np.float32)
    pictures = drawn(run, images, answer["shown"])
    top = float(maps.max()) if maps.size else 0.0
    one = []
    for k, (rgb, cam) in enumerate(zip(pictures, maps, strict=True)):
        dead = bool(dead_maps(cam[None])[0])
        seen = rgb if dead else render.overlay(rgb, cam, OPACITY, top)
        row, col = answer["windows"][k]
        said = "no attention" if dead else f"attention up to {percent(cam.max() / max(top, 1e-12), 0)}"
        caption, more = f"p {probs[k].mean():.3f}  \n{said}", f"row {row}, column {col}"
        one.append(tiles.tile(f"{cell}, window {k + 1}", seen, caption, name=f"Window {k + 1}", more=more))
    method = gallery.METHOD_WORDS.get(answer["method"], answer["method"])
    st.caption(
        f"{method} of {theme.fold_title(answer['fold'])} over {shown} of {side[0]} by {side[1]} pixels: where its "
        "network sees evidence for a landslide, 100% the strongest here. Whether such maps can be trusted: "
        "Explain, sanity checks."
    )
    tiles.draw(
        tiles.payload(one, "Attention in the windows of the cell", columns=4), "predict_cell_windows", lambda _: None
    )


def drawn(run: RunFolder, images: np.ndarray, names: list[str]) -> list[np.ndarray]:
    """Windows (N, c, H, W) of these bands as pictures, in the scale of the training patches where those are there."""
    data = training_data(run)
    if data is not None:
        known = dict(zip(data.band_names, render.dataset_limits(data.statistics), strict=True))
        limits = np.array([known[name] for name in names])
    else:
        limits = render.patch_limits(images.transpose(1, 0, 2, 3).reshape(len(names), -1)) if images.size else None
    look = composites(bands_named(names))[0]
    return [render.picture(image, names, look, limits) for image in images]


def training_data(run: RunFolder) -> Dataset | None:
    """The run's dataset; None where it is not there any more."""
    try:
        return cache.dataset(run.dataset_path())
    except (LandslideLensError, OSError):
        return None


def _near(run: RunFolder, answer: Mapping[str, Any]) -> None:
    near, data = answer["near"], training_data(run)
    labels = np.array(near["labels"])
    share = (
        "" if near["unlike"] is None else f" {percent(near['unlike'], 0)} of held-out patches are nearer to training."
    )
    slides = int((labels == 1).sum())
    st.markdown(
        f"**Nearest training patches**: {slides} of {len(labels)} show a landslide.{share}",
        help=f"To the highest window, by {near['metric']} distance in the embedding of "
        f"{theme.fold_title(answer['fold'])}, among its {count(near['n_train'])} training patches. Held-out "
        "patches are those that this fold did not learn from.",
    )
    if near["unlike"] is not None and near["unlike"] >= FAR:
        st.warning(
            "This ground is unlike what the run was trained on: take its answer with care.", icon=":material/explore:"
        )
    if data is None:
        st.caption("Their pictures are not shown: the run's dataset is not where it was.")
        return
    rows = [int(row) for row in near["rows"]]
    if max(rows) >= len(data):
        st.caption("Their pictures are not shown: the run's dataset has changed.")
        return
    ids = data.ids[rows].astype(str).tolist()
    look = gallery.Look(composites(data.bands)[0])
    made = [
        tiles.tile(
            name, rgb, f"{number(away)} away", tiles.class_chip(data, int(data.labels[row])), name=tiles.short(name)
        )
        for name, rgb, away, row in zip(ids, gallery.pictures(data, ids, look), near["distance"], rows, strict=True)
    ]
    tiles.draw(
        tiles.payload(made, "Nearest training patches", columns=6, px=110), "predict_cell_near", tiles.open_patch
    )
    card.show_opened(data, run, ids)
