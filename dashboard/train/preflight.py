"""Below the form of the Train page: what the run would take, and what augmentation makes of a few patches.

Comes in: the chosen dataset and the configuration that was asked about. It draws; ``dashboard.train.preflight_task`` asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.config import RunConfig
from core.data.bands import Band, Composite, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import state
from dashboard.jobs import background
from dashboard.patches import band_values, derived_bands, gallery, render
from dashboard.train import preflight_task
from dashboard.ui.formatting import duration, escape_markdown

PREVIEWED = "train_previewed"  # session: the dataset's name and the configuration (JSON) that is previewed
PART_WORDS = {
    "training": "Training", "balancing": "Synthetic patches", "embedding": "Embedding every patch", "heads": "Heads",
    "maps": "Maps", "explanations": "Grad-CAM and occlusion",
}  # fmt: skip
COUNTS = range(2, 9)
TILE_PX = 84  # least width of a picture: a patch and its draws stay in one row


def answer(what: str, data: Dataset, config: RunConfig) -> None:
    """Begin what a button of the form asked for."""
    if what == "estimate":
        preflight_task.begin_estimate(data, config)
    else:
        st.session_state[PREVIEWED] = (data.name, config.to_json())


def view(data: Dataset) -> None:
    """The newest estimate and the preview, where they were asked for."""
    _estimate(data)
    name, text = st.session_state.get(PREVIEWED, ("", ""))
    if name == data.name:
        _preview(data, RunConfig.from_json(text))


# ------------------------------------------------------------------------------------------------------ estimate


def _estimate(data: Dataset) -> None:
    task = background.newest(state.checkpoints(), preflight_task.kind(data))
    if task is None:
        return
    st.subheader("What it would take", anchor=False)
    background.watch(preflight_task.kind(data), "estimate", "The estimate was cancelled.")
    if task.result:
        _figures(task.result, RunConfig.from_json(task.facts["config"]))


def _figures(found: dict, config: RunConfig) -> None:
    with st.container(border=True):
        with st.grid(min_column_width=150):
            st.metric("Whole run", duration(found["total_seconds"]) or "–", help="Training, heads, maps, explanations.")
            st.metric("One epoch", _seconds(found["seconds_per_epoch"]))
            st.metric("One step", _seconds(found["seconds_per_step"]), help=f"{config.train.batch_size} patches.")
            st.metric("Patches per second", f"{found['images_per_second']:,.0f}")
            st.metric("Memory", _gib(found["process_bytes"]), help=f"{_gib(found['process_free_bytes'])} are free.")
            if found["device_bytes"] is not None:
                free = _gib(found["device_free_bytes"])
                st.metric("Device memory", _gib(found["device_bytes"]), help=f"{free} are free.")
            st.metric("Disk", _gib(found["disk_bytes"]), help=f"{_gib(found['disk_free_bytes'])} are free.")
        table = pd.DataFrame(
            {
                "Part": [PART_WORDS[part] for part in found["seconds"]],
                "Takes": [duration(value) or _seconds(value) for value in found["seconds"].values()],
                "From": [_source(part, found) for part in found["seconds"]],
            }
        )
        st.dataframe(table, hide_index=True, width="stretch", height="content")
        st.caption(escape_markdown(f"Preset {config.preset}. " + " ".join(found["sentences"][:2])))
        if not found["fits"]:
            st.warning(escape_markdown(found["sentences"][-1]), icon=":material/memory:")


def _source(part: str, found: dict) -> str:
    if part not in found["measured_parts"]:
        return "reckoned from predictions" if part == "explanations" else "reckoned"
    return "measured steps" if part == "training" else "measured on a sample"


def _seconds(value: float) -> str:
    return f"{value * 1e3:,.0f} ms" if value < 1 else duration(value) or f"{value:.1f} s"


def _gib(n: int) -> str:
    return f"{n / 2**20:,.0f} MiB" if n < 2**30 else f"{n / 2**30:,.1f} GiB"


# ------------------------------------------------------------------------------------------------------- preview


def _preview(data: Dataset, config: RunConfig) -> None:
    st.subheader("What augmentation makes of patches", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox("Patches", COUNTS, index=2, key="preview_n", width=110)
        draws = st.selectbox("Draws of each", COUNTS, index=2, key="preview_draws", width=130)
        seed = st.number_input("Seed", 0, 9999, 0, key="preview_seed", width=120, help="Other patches, other draws.")
        shown_as = st.empty()
    try:
        found = preflight_task.preview(data, config, int(n), int(draws), int(seed))
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    bands = tuple(band for name in found.bands for band in data.bands if band.name == name)
    ways = {way.name: way for way in composites(derived_bands.drawable(bands))}
    way = ways[shown_as.selectbox("Shown as", list(ways), key="preview_composite", width=300)]
    limits = _limits(data, bands, way) if found.in_units else None
    originals = _pictures(found.images, bands, way, limits, data.nodata)
    drawn = [_pictures(one, bands, way, limits, data.nodata) for one in found.drawn]
    for i, patch_id in enumerate(found.ids):
        grid = st.grid(int(draws) + 1, min_column_width=TILE_PX, gap="small")
        with grid.cell():
            st.image(originals[i], width="stretch", alt=f"Patch {patch_id} as it is", output_format="PNG")
            st.caption(
                f"**{escape_markdown(gallery.short(patch_id))}** · {escape_markdown(data.class_names[found.labels[i]])}"
            )
        for draw in range(int(draws)):
            with grid.cell():
                st.image(drawn[draw][i], width="stretch", alt=f"Draw {draw + 1} of {patch_id}", output_format="PNG")
                st.caption(_words(data, found, draw, i))
    st.caption(_sentence(config, found))


def _words(data: Dataset, found: preflight_task.Preview, draw: int, i: int) -> str:
    """The label of one draw, and which patch was mixed in."""
    share = float(found.share[draw, i])
    label = f"{share:.0%} {escape_markdown(data.positive)}"
    before = found.ids[i - 1]
    given = abs(share - found.labels[i])
    mixed = found.labels[i] != found.labels[i - 1] and given > 1e-6
    return f"{label}, with {escape_markdown(gallery.short(before, 12))}" if mixed else label


def _sentence(config: RunConfig, found: preflight_task.Preview) -> str:
    units = "" if found.in_units else " Shown as normalised: each patch has its own range."
    size = config.model.image_size
    return (
        "Left: the patch as it is. TabularInputs it: draws as training makes them, before the network "
        + (f"enlarges them to {size} pixels. " if size else "sees them. ")
        + "The label of a mixed patch is the share of each; it is mixed with the patch above it (the first with the "
        f"last). A batch is mixed with probability {config.augment.mix_prob:.2g}." + units
    )


def _pictures(
    images: np.ndarray, bands: Sequence[Band], way: Composite, limits: np.ndarray | None, nodata: float | None
) -> list[np.ndarray]:
    """Patches (n, C, H, W) through a composite, stretched alike, or each by itself without ``limits``."""
    images, names = derived_bands.with_computed(images, bands, nodata, way.bands)
    return [
        render.picture(image, names, way, render.patch_limits(image, nodata) if limits is None else limits, nodata)
        for image in images
    ]


def _limits(data: Dataset, bands: Sequence[Band], way: Composite) -> np.ndarray:
    """The dataset's, so that what was brightened shows brighter."""
    own = render.dataset_limits(data.statistics)[[data.bands.index(band) for band in bands]]
    return derived_bands.with_computed_limits(
        own, bands, way.bands, lambda name: np.array(band_values.computed_limits(data, name))
    )
