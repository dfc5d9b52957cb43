"""The architecture view of the Train page: what a network costs and is made of, before it is trained.

One network's facts, stages and bands, or several compared (paper B's Table III).
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.analyses.preflight import model_cost
from core.config import ModelConfig
from core.data.bands import subsets_of
from core.data.indices import possible
from core.data.store import Dataset
from core.drawings import network
from core.errors import LandslideLensError
from core.jobs.analysis_folder import AnalysisFolder, folder_for, list_for
from core.runs.store import RunFolder
from core.runs.targets import CheckpointsTarget
from dashboard import allowed, cache, state, theme, url_state
from dashboard.jobs import analyses, progress
from dashboard.train.backbones import BACKBONES, INITIAL, offered_branches
from dashboard.ui import downloads, guards, pictures
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

COST = model_cost.ANALYSIS.name
STAGE_COLUMNS = {
    "stage": "Stage", "operator": "Operator", "kernel": "Kernel", "expansion": "Expansion", "squeeze": "SE",
    "stride": "Stride", "channels": "Channels", "layers": "Layers", "rows": "Map side (pixels)",
    "name": "In the network",
}  # fmt: skip
ROW_COLUMNS = {
    "backbone": "Backbone", "parameters": "Parameters", "megabytes": "MB", "depth": "Depth",
    "ms": "Latency (ms per patch)", "features": "Features", "error": "Problem",
}  # fmt: skip
BRANCH_TITLES = {"": "Backbone", **theme.BRANCH_WORDS}
FORMATS = {
    "Parameters": st.column_config.NumberColumn(format="localized"),
    "MB": st.column_config.NumberColumn(format="%.1f", help="10^6 bytes of weights in float32."),
    "Depth": st.column_config.NumberColumn(help="Convolutions and dense layers."),
    "Latency (ms per patch)": st.column_config.NumberColumn(format="%.1f"),
    "Expansion": st.column_config.NumberColumn(
        format="%.3g",
        help="Channels inside a block for each that enters (MBConv, MLP), or for each that leaves (bottleneck).",
    ),
    "SE": st.column_config.TextColumn(help="Squeeze-and-excitation."),
    "Stride": st.column_config.NumberColumn(format="%.3g", help="Factor by which the map shrinks; below 1 it grows."),
    "Problem": st.column_config.TextColumn(width="large"),
}


def architecture(data: Dataset) -> None:
    """The pickers, and the result for what they hold."""
    st.markdown("What a network is made of and what it costs, for the bands and patch size of this dataset.")
    options = _pickers(data)
    pressed = st.button(
        "Show", type="primary", icon=":material/account_tree:", key="model_show",
        **allowed.to("train", not options["backbones"],
                     "One patch is passed through the untrained network; nothing is trained or downloaded."),
    )  # fmt: skip
    if pressed:
        analyses.begin(_target(), COST, options)
    job = _asked(options) if options["backbones"] else None
    if job is None or progress.was_cleared(job):
        st.info(
            "Choose one backbone to see its stages and the filter that each band starts from, or several to compare "
            "their cost.", icon=":material/account_tree:",
        )  # fmt: skip
    elif not progress.watch(job) and guards.run_state(job)["state"] == "succeeded":
        result, resized = guards.or_stop(job.result), _resized(job.options()["settings"])
        (_comparison if "rows" in result else _description)(data, result, resized)


def _target() -> CheckpointsTarget:
    return cache.checkpoints_target(state.checkpoints())


def _asked(options: dict[str, Any]) -> AnalysisFolder | None:
    """The job that was asked for exactly this; None where there is none."""
    try:
        complete = model_cost.ANALYSIS.options(options).model_dump(mode="json")
    except LandslideLensError as error:
        show_error(error)
        return None
    name = folder_for(_target(), COST, complete).name
    return next((job for job in list_for(_target(), COST) if job.name == name), None)


def started_from(run: RunFolder) -> None:
    """The initial weights of a run's first fold, once they are known, with their licence."""
    try:
        weights = run.fold_card(0).get("weights", {})
    except (LandslideLensError, OSError):
        return
    if not {"source", "mapping", "matched", "missing"} <= set(weights):
        return  # a run of an older version
    if weights["source"] == "random":
        st.caption("The network started from random weights.")
        return
    licence = f", licence {weights['licence']}" if weights.get("licence") else ", licence not stated"
    lost = len(weights["missing"]) + len(weights.get("mismatched", ()))
    starts: dict[str, list[str]] = {}
    for band, start in weights["mapping"].items():
        starts.setdefault(start, []).append(band)
    bands = "; ".join(f"{', '.join(names)} from {start}" for start, names in starts.items())
    text = f"The network started from {weights['source']}{licence}: {weights['matched']:,} arrays matched, "
    st.caption(escape_markdown(f"{text}{lost:,} random. Bands: {bands}."))


def _pickers(data: Dataset) -> dict[str, Any]:
    """The options of the analysis; what is chosen is in the URL."""
    subsets = subsets_of(data.bands)
    both = {"optical", "sar"} <= set(subsets)
    written = [*st.query_params.get_all("model_backbones"), *(st.session_state.get("model_backbones") or ())]
    kept = st.session_state.get("kept_model_backbones") or ()
    backbones = url_state.choose_several(
        st.multiselect, "Backbones", dict.fromkeys([*BACKBONES, *written, *kept]),
        key="model_backbones", default=["mobilenetv4_conv_small"], accept_new_options=True,
        help="Any timm name, unet_NAME for a U-Net around one, or baseline_cnn. One is described, several compared.",
    )  # fmt: skip
    with st.expander("Bands, size and weights"), st.grid(min_column_width=220, gap="medium"):
        bands = url_state.choose_several(
            st.multiselect, "Bands", dict.fromkeys([*subsets, *(band.name for band in data.bands)]),
            key="model_bands", placeholder=f"all {len(data.bands)}",
        )  # fmt: skip
        size = url_state.number(
            "Side after resizing (pixels)", 16, 1024, None, key="model_size", placeholder=f"unchanged: {data.shape[1]}",
            help=ModelConfig.model_fields["image_size"].description,
        )  # fmt: skip
        indices = url_state.choose_several(
            st.multiselect, "Indices as input bands", possible(data.bands), key="model_indices", placeholder="none"
        )
        branches = url_state.choose(
            st.selectbox, "Branches", offered_branches(data.bands),
            key="model_branches", default="one",
            help="An encoder for each kind of input, joined: optical bands, SAR bands, indices (which must be chosen)."
            + ("" if both else " This dataset has only one kind of band."),
        )  # fmt: skip
        pretrained = url_state.choose(
            st.selectbox, "Initial weights", INITIAL, key="model_pretrained", default=True,
            format_func=INITIAL.get, help=ModelConfig.model_fields["pretrained"].description,
        )  # fmt: skip
    settings = [f"model.branches={branches}", f"model.pretrained={str(pretrained).lower()}"]
    settings += [f"model.image_size={size}"] if size else []
    settings += [f"model.indices={','.join(indices)}"] if indices else []
    return {"backbones": backbones, "dataset": str(data.path), "bands": bands, "settings": settings}


def _measured_on(result: dict[str, Any], resized: str) -> str:
    side = "x".join(map(str, result["size"]))
    return (
        f"One patch of {side} pixels{resized}, timed on this machine: {result['device']}; median of five passes after "
        "a warm-up. Other work on the machine slows it down."
    )


def _description(data: Dataset, result: dict[str, Any], resized: str) -> None:
    facts = result["facts"]
    st.markdown(
        f"**{escape_markdown(result['backbone'])}** has {facts['parameters'] / 1e6:.2f} million parameters "
        f"({facts['megabytes']:.1f} MB) and takes {facts['ms']:.1f} ms per patch on this machine.",
        help=escape_markdown(_measured_on(result, resized)),
    )
    with st.grid(min_column_width=140):
        st.metric("Parameters", f"{facts['parameters'] / 1e6:.2f} M")
        st.metric("Latency", f"{facts['ms']:.1f} ms")
        st.metric("Depth", f"{facts['depth']}", help="Convolutions and dense layers.")
        st.metric("Features", f"{facts['features']:,}", help="Length of an embedding.")
    pictures.show(
        lambda dark, narrow: network.layers(
            result["stages"], result["backbone"], result["backbone_side"], result["cam_layer"], dark, narrow
        ),
        "model_layers",
        f"layers_{result['backbone']}",
        _in_words(result["stages"]),
    )
    st.caption("Height: side of a map; width: channels, both on a scale of doublings.")
    stages = pd.DataFrame([{"stage": i, **stage} for i, stage in enumerate(result["stages"])])
    stages["squeeze"] = stages["squeeze"].map({True: "yes", False: ""})
    stages = stages[list(STAGE_COLUMNS)].rename(columns=STAGE_COLUMNS)
    st.markdown("**Layer settings**", help="As Table 1 of paper A lists them.")
    downloads.table(stages, hide_index=True, column_config=FORMATS, height="content")
    layer = next((layer for layer in result["layers"] if layer["name"] == result["cam_layer"]), None)
    cells = f", a map of {layer['rows']}x{layer['columns']} cells" if layer else ""
    st.caption(escape_markdown(f"Attention maps read {result['cam_layer']}{cells}, unless another layer is chosen."))
    _bands(result)
    downloads.download(stages, f"stages_{result['backbone']}", "Stages (CSV)")


def _in_words(stages: list[dict[str, Any]]) -> str:
    """The picture of the layers for those who do not see it."""
    parts = [f"{stage['layers']} × {stage['operator']}, {stage['channels']} channels" for stage in stages[:12]]
    more = f", and {len(stages) - 12} more" if len(stages) > 12 else ""
    return f"Layers from the patch on: {'; '.join(parts)}{more}."


def _bands(result: dict[str, Any]) -> None:
    """The filter that each band starts from, and whose weights they are."""
    st.markdown("**Bands and their initial filters**")
    weights = result["weights"]
    licence = f" Licence: {weights['licence']}." if weights["licence"] else ""
    text = "Weights: random." if weights["source"] == "random" else f"Weights: {weights['source']}.{licence}"
    st.caption(escape_markdown(text))
    table = pd.DataFrame(result["inputs"])
    table["branch"] = table["branch"].map(BRANCH_TITLES)
    downloads.table(
        table.rename(columns={"input": "Band", "kind": "Kind", "branch": "Read by", "starts_from": "Starts from"}),
        hide_index=True,
    )


def _comparison(data: Dataset, result: dict[str, Any], resized: str) -> None:
    table = pd.DataFrame(result["rows"])
    table = table[[name for name in ROW_COLUMNS if name in table]].rename(columns=ROW_COLUMNS)
    if "Parameters" in table:
        table = table.sort_values("Parameters", na_position="last")
        table = table.astype({name: "Int64" for name in ("Parameters", "Depth", "Features")})
    st.markdown("**Cost**")
    downloads.table(table, hide_index=True, column_config=FORMATS)
    st.caption(escape_markdown(f"{_measured_on(result, resized)} {result['n_bands']} bands."))
    downloads.download(table, f"backbones_{data.name}", "Comparison (CSV)")


def _resized(settings: list[str]) -> str:
    size = next((text.partition("=")[2] for text in settings if "image_size" in text), "")
    return f", resized to {size}x{size} inside the network" if size else ""
