"""The architecture view of the Train page: what a network costs and is made of, before it is trained.

Comes in: the chosen dataset. Goes out: one network's facts, stages and bands, or several side by side (paper B's Table
III). Networks are built in a process of their own (``dashboard.train.architecture_task``).
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.data.bands import subsets_of
from core.data.indices import possible
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import state
from dashboard.jobs import background
from dashboard.train import architecture_task, config_form
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

STAGE_COLUMNS = {
    "name": "Stage", "operator": "Operator", "stride": "Stride", "channels": "Channels", "layers": "Layers",
    "rows": "Side of its map (pixels)",
}  # fmt: skip
ROW_COLUMNS = {
    "backbone": "Backbone", "parameters": "Parameters", "megabytes": "MB", "depth": "Depth",
    "ms": "Latency (ms a patch)", "features": "Features", "error": "Why not",
}  # fmt: skip
BRANCH_WORDS = {"": "the backbone", "optical": "optical branch", "sar": "SAR branch"}
FORMATS = {
    "Parameters": st.column_config.NumberColumn(format="localized"),
    "MB": st.column_config.NumberColumn(format="%.1f", help="10^6 bytes of weights in float32."),
    "Depth": st.column_config.NumberColumn(help="Convolutions and dense layers."),
    "Latency (ms a patch)": st.column_config.NumberColumn(format="%.1f"),
    "Stride": st.column_config.NumberColumn(format="%.3g", help="By which the map shrinks; below 1 it grows."),
    "Why not": st.column_config.TextColumn(width="large"),
}


def architecture(data: Dataset) -> None:
    """The form, and what came of it."""
    st.caption(
        "What a network is made of and what it costs, for the bands and the size of this dataset. It is built with "
        "random weights and one patch is passed through it; nothing is trained and nothing is downloaded."
    )
    chosen = _form(data)
    task = background.newest(state.checkpoints(), architecture_task.kind(data))
    if chosen is not None and not (task is not None and task.running):
        try:
            task = architecture_task.begin(data, *chosen)
        except LandslideLensError as error:
            st.error(escape_markdown(error), icon=":material/error:")
    background.watch(architecture_task.kind(data), "model", "Cancelled; nothing was kept.")
    if task is None or task.result is None:
        if task is None:
            st.info(
                "Choose a backbone to see its stages and what each band starts from, or several to compare what they "
                "cost.", icon=":material/account_tree:",
            )  # fmt: skip
        return
    (_comparison if "rows" in task.result else _description)(data, task)


def started_from(run: RunFolder) -> None:
    """What the weights of a run's first fold started from, once that is known, with their licence."""
    try:
        weights = run.fold_card(0).get("weights", {})
    except (LandslideLensError, OSError):
        return
    if not {"source", "mapping", "matched", "missing"} <= set(weights):
        return  # of an older program
    if weights["source"] == "random":
        st.caption("The network started from random weights.")
        return
    licence = f", licence {weights['licence']}" if weights.get("licence") else ", their licence is not stated"
    lost = len(weights["missing"]) + len(weights.get("mismatched", ()))
    starts: dict[str, list[str]] = {}
    for band, start in weights["mapping"].items():
        starts.setdefault(start, []).append(band)
    bands = "; ".join(f"{', '.join(names)} from {start}" for start, names in starts.items())
    text = f"The network started from {weights['source']}{licence}: {weights['matched']:,} arrays taken over, "
    st.caption(escape_markdown(f"{text}{lost:,} left at random. Bands: {bands}."))


def _form(data: Dataset) -> tuple[list[str], list[str], list[str]] | None:
    """Backbones, bands and settings when the form was submitted, else None."""
    subsets = subsets_of(data.bands)
    both = {"optical", "sar"} <= set(subsets)
    with st.form("model_form", border=True):
        backbones = st.multiselect(
            "Backbones", config_form.BACKBONES, ["mobilenetv4_conv_small"], accept_new_options=True,
            help="Any timm name, unet_NAME for a U-Net around one, or baseline_cnn. One is described, several are "
            "compared.", key="model_backbones",
        )  # fmt: skip
        with st.grid(min_column_width=220, gap="medium"):
            bands = st.multiselect(
                "Bands", list(dict.fromkeys([*subsets, *(band.name for band in data.bands)])),
                placeholder=f"all {len(data.bands)}", key="model_bands",
            )  # fmt: skip
            size = st.number_input(
                "Side after resizing (pixels)", 16, 1024, None, placeholder=f"as they are: {data.shape[1]}",
                key="model_size",
            )  # fmt: skip
            indices = st.multiselect(
                "Indices as input bands", possible(data.bands), placeholder="none", key="model_indices"
            )
            branches = st.selectbox(
                "Branches", ["one", "optical_sar"] if both else ["one"], key="model_branches",
                help="optical_sar: an encoder for optical bands and one for SAR, joined."
                + ("" if both else " This dataset has bands of one kind only."),
            )  # fmt: skip
        pretrained = st.toggle("Start from the hub's weights", True, key="model_pretrained")
        if not st.form_submit_button("Look", type="primary", icon=":material/account_tree:"):
            return None
    if not backbones:
        st.warning("Choose a backbone first.", icon=":material/warning:")
        return None
    settings = [f"model.branches={branches}", f"model.pretrained={str(pretrained).lower()}"]
    settings += [f"model.image_size={size}"] if size else []
    settings += [f"model.indices={','.join(indices)}"] if indices else []
    return backbones, bands, settings


def _measured_on(found: dict[str, Any], resized: str) -> str:
    side = "x".join(map(str, found["size"]))
    return (
        f"One patch of {side} pixels{resized}, timed on this machine: {found['device']}; the median of five passes "
        "after a warm-up. Other work on the machine slows it down."
    )


def _description(data: Dataset, task: background.Task) -> None:
    found, facts = task.result, task.result["facts"]
    st.subheader(escape_markdown(found["backbone"]))
    with st.grid(min_column_width=140):
        st.metric("Parameters", f"{facts['parameters'] / 1e6:.2f} M", border=True)
        st.metric("Weights", f"{facts['megabytes']:.1f} MB", border=True)
        st.metric("Depth", f"{facts['depth']}", border=True, help="Convolutions and dense layers.")
        st.metric("Features", f"{facts['features']:,}", border=True, help="Length of an embedding.")
        st.metric("Latency", f"{facts['ms']:.1f} ms", border=True)
    st.caption(escape_markdown(_measured_on(found, _resized(task))))
    stages = pd.DataFrame(found["stages"], columns=list(STAGE_COLUMNS)).rename(columns=STAGE_COLUMNS)
    st.markdown("**Stages**")
    st.dataframe(stages, hide_index=True, column_config=FORMATS)
    layer = next((one for one in found["layers"] if one["name"] == found["cam_layer"]), None)
    cells = f", a map of {layer['rows']}x{layer['columns']} cells" if layer else ""
    st.caption(escape_markdown(f"Grad-CAM reads {found['cam_layer']}{cells}, unless another layer is chosen."))
    _bands(found)
    downloads.download(stages, f"stages_{found['backbone']}", "Stages as CSV")


def _bands(found: dict[str, Any]) -> None:
    """Which filter each band starts from, and whose weights they are."""
    st.markdown("**Bands and the filters they start from**")
    weights = found["weights"]
    licence = f" Their licence: {weights['licence']}." if weights["licence"] else ""
    text = "Weights: random." if weights["source"] == "random" else f"Weights: {weights['source']}.{licence}"
    st.caption(escape_markdown(text))
    table = pd.DataFrame(found["inputs"])
    table["branch"] = table["branch"].map(BRANCH_WORDS)
    st.dataframe(
        table.rename(columns={"input": "Band", "kind": "Kind", "branch": "Read by", "starts_from": "Starts from"}),
        hide_index=True,
    )


def _comparison(data: Dataset, task: background.Task) -> None:
    found = task.result
    table = pd.DataFrame(found["rows"])
    table = table[[name for name in ROW_COLUMNS if name in table]].rename(columns=ROW_COLUMNS)
    if "Parameters" in table:
        table = table.sort_values("Parameters", na_position="last")
        table = table.astype({name: "Int64" for name in ("Parameters", "Depth", "Features")})
    st.markdown("**What they cost**")
    st.dataframe(table, hide_index=True, column_config=FORMATS)
    inputs = f" {found['n_bands']} bands."
    st.caption(escape_markdown(_measured_on(found, _resized(task)) + inputs))
    downloads.download(table, f"backbones_{data.name}", "Comparison as CSV")


def _resized(task: background.Task) -> str:
    size = next((text.partition("=")[2] for text in task.facts["settings"] if "image_size" in text), "")
    return f", enlarged or reduced to {size}x{size} inside the network" if size else ""
