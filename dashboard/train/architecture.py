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
from core.errors import LandslideLensError
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.store import RunFolder
from core.runs.targets import CheckpointsTarget
from dashboard import cache, state
from dashboard.jobs import analyses, progress
from dashboard.train import config_form
from dashboard.ui import downloads, guards
from dashboard.ui.fields import field_widget
from dashboard.ui.formatting import escape_markdown

COST = model_cost.ANALYSIS.name
STAGE_COLUMNS = {
    "name": "Stage", "operator": "Operator", "stride": "Stride", "channels": "Channels", "layers": "Layers",
    "rows": "Map side (pixels)",
}  # fmt: skip
ROW_COLUMNS = {
    "backbone": "Backbone", "parameters": "Parameters", "megabytes": "MB", "depth": "Depth",
    "ms": "Latency (ms per patch)", "features": "Features", "error": "Problem",
}  # fmt: skip
BRANCH_TITLES = {"": "backbone", "optical": "optical branch", "sar": "SAR branch"}
FORMATS = {
    "Parameters": st.column_config.NumberColumn(format="localized"),
    "MB": st.column_config.NumberColumn(format="%.1f", help="10^6 bytes of weights in float32."),
    "Depth": st.column_config.NumberColumn(help="Convolutions and dense layers."),
    "Latency (ms per patch)": st.column_config.NumberColumn(format="%.1f"),
    "Stride": st.column_config.NumberColumn(format="%.3g", help="Factor by which the map shrinks; below 1 it grows."),
    "Problem": st.column_config.TextColumn(width="large"),
}


def architecture(data: Dataset) -> None:
    """The form, and the newest result for this dataset."""
    st.caption(
        "What a network is made of and what it costs, for the bands and patch size of this dataset. One patch is "
        "passed through the untrained network; nothing is trained or downloaded."
    )
    options = _form(data)
    if options is not None:
        analyses.begin(_target(), COST, options)
    job = _newest(data)
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


def _newest(data: Dataset) -> AnalysisFolder | None:
    """The newest job about this dataset."""
    path = str(data.path.resolve())
    return next((job for job in list_for(_target(), COST) if job.options().get("dataset") == path), None)


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


def _form(data: Dataset) -> dict[str, Any] | None:
    """The options of the analysis when the form was submitted, else None."""
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
            size = field_widget(
                "Side after resizing (pixels)", ModelConfig.model_fields["image_size"], None, "model_size",
                placeholder=f"unchanged: {data.shape[1]}",
            )  # fmt: skip
            indices = st.multiselect(
                "Indices as input bands", possible(data.bands), placeholder="none", key="model_indices"
            )
            branches = st.selectbox(
                "Branches", ["one", "optical_sar"] if both else ["one"], key="model_branches",
                help="optical_sar: one encoder for optical bands and one for SAR, joined."
                + ("" if both else " This dataset has only one kind of band."),
            )  # fmt: skip
        pretrained = st.toggle("Pretrained weights", True, key="model_pretrained")
        if not st.form_submit_button("Show", type="primary", icon=":material/account_tree:"):
            return None
    if not backbones:
        st.warning("Choose a backbone first.", icon=":material/warning:")
        return None
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
    st.subheader(escape_markdown(result["backbone"]), anchor=False)
    with st.grid(min_column_width=140):
        st.metric("Parameters", f"{facts['parameters'] / 1e6:.2f} M", border=True)
        st.metric("Weights", f"{facts['megabytes']:.1f} MB", border=True)
        st.metric("Depth", f"{facts['depth']}", border=True, help="Convolutions and dense layers.")
        st.metric("Features", f"{facts['features']:,}", border=True, help="Length of an embedding.")
        st.metric("Latency", f"{facts['ms']:.1f} ms", border=True)
    st.caption(escape_markdown(_measured_on(result, resized)))
    stages = pd.DataFrame(result["stages"], columns=list(STAGE_COLUMNS)).rename(columns=STAGE_COLUMNS)
    st.markdown("**Stages**")
    st.dataframe(stages, hide_index=True, column_config=FORMATS)
    layer = next((layer for layer in result["layers"] if layer["name"] == result["cam_layer"]), None)
    cells = f", a map of {layer['rows']}x{layer['columns']} cells" if layer else ""
    st.caption(escape_markdown(f"Attention maps read {result['cam_layer']}{cells}, unless another layer is chosen."))
    _bands(result)
    downloads.download(stages, f"stages_{result['backbone']}", "Stages (CSV)")


def _bands(result: dict[str, Any]) -> None:
    """The filter that each band starts from, and whose weights they are."""
    st.markdown("**Bands and their initial filters**")
    weights = result["weights"]
    licence = f" Licence: {weights['licence']}." if weights["licence"] else ""
    text = "Weights: random." if weights["source"] == "random" else f"Weights: {weights['source']}.{licence}"
    st.caption(escape_markdown(text))
    table = pd.DataFrame(result["inputs"])
    table["branch"] = table["branch"].map(BRANCH_TITLES)
    st.dataframe(
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
    st.dataframe(table, hide_index=True, column_config=FORMATS)
    st.caption(escape_markdown(f"{_measured_on(result, resized)} {result['n_bands']} bands."))
    downloads.download(table, f"backbones_{data.name}", "Comparison (CSV)")


def _resized(settings: list[str]) -> str:
    size = next((text.partition("=")[2] for text in settings if "image_size" in text), "")
    return f", resized to {size}x{size} inside the network" if size else ""
