"""One patch, asked of the network at once: its maps by every method side by side, and what each loss of bands costs it.

Comes in: the chosen run and dataset. Goes out: pictures. The answers come from a process that keeps the fold's network
(``explain_helper``); nothing is written to the run folder.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.cam.overlay import constant_maps, dead_maps
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.charts import base, intervals
from dashboard.explain import attention, pickers
from dashboard.explain import charts as explain_charts
from dashboard.explain import tables as explained
from dashboard.jobs import model_client
from dashboard.patches import gallery, outcomes, render
from dashboard.patches.gallery import METHOD_WORDS
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop

WINDOW, STRIDE = 16, 8  # pixels
DIVERGING_TOP = 0.02  # of probability, at least: below it a map of windows is all noise


def _chosen(run: RunFolder, summary: dict, oof: pd.DataFrame) -> tuple[str, pd.Series]:
    """The patch and what the headline head decided of it; its fold's network is loaded meanwhile."""
    head = summary["head"]
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if judged.empty:
        st.info("This run has judged no labelled patch.", icon=":material/info:")
        st.stop()
    patch_id = pickers.patch_picker(judged)
    row = judged[judged["id"].astype(str) == patch_id].iloc[0]
    model_client.warm().prepare(run, int(row["fold"]))
    return patch_id, row


def maps(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The patch's maps by all methods, laid over it or alone."""
    card = or_stop(run.cams)[2]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patch_id, row = _chosen(run, summary, oof)
        layer = pickers.layer_picker(run, str(card["layer"]), "explain_patch_layer")
        target = attention.target_picker(run, "explain_patch_target")
    look = gallery.look_controls(data, "explain_one", _nothing(), overlay=True)
    try:
        found = model_client.patch_maps(str(run.path), patch_id, tuple(METHOD_WORDS), layer, target)
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return []
    arrays = {name: np.array(values, np.float32) for name, values in found["maps"].items()}
    st.markdown(_decided(data, patch_id, row))
    with st.grid(min_column_width=gallery.TILE_PX, gap="small", key="explain_methods"):
        try:
            plain = gallery.pictures(data, [patch_id], look, None)[0]
        except LandslideLensError as error:
            st.error(escape_markdown(error), icon=":material/broken_image:")
            return []
        with st.container(gap=None):
            st.image(plain, width="stretch", alt=f"Patch {patch_id}", output_format="PNG")
            st.caption(f"**The patch**  \n{escape_markdown(look.composite.name)}")
        for name, words in METHOD_WORDS.items():
            with st.container(gap=None):
                _method(plain, arrays.get(name), words, found["refused"].get(name), look)
    st.caption(
        f"Layer {escape_markdown(found['layer'])}, by {theme.fold_title(found['fold'])}'s network, which has not trained on "
        f"this patch; each map in its own scale, answered in {found['seconds']:.2f} s. Where methods disagree, none "
        "of them is the reason: ask the lie detector. Eigen-CAM knows no class. Score- and Ablation-CAM ask the "
        "network once a channel."
    )
    downloads.download(_cells(arrays), f"{run.name}_patch_maps", "Raw maps (CSV)")
    with st.expander("The maps' likeness to each other"):
        st.dataframe(_likeness(arrays), width="stretch")
        st.caption("Pearson's correlation of the cells; 1: the same picture. Dead maps have none.")
    return [patch_id]


def _method(plain: np.ndarray, cam: np.ndarray | None, words: str, refused: str | None, look: gallery.Look) -> None:
    if cam is None:
        st.caption(f"**{words}**  \n{escape_markdown(refused or 'not given')}")
        return
    drawn = render.cells(cam, plain.shape[0]) if look.raw else render.overlay(plain, cam, look.opacity or 0.7)
    st.image(drawn, width="stretch", alt=words, output_format="PNG")
    state = " · **dead**" if dead_maps(cam[None])[0] else " · **constant**" if constant_maps(cam[None])[0] else ""
    st.caption(f"**{words}**  \npeak {float(cam.max()):.3g}{state}")


def _nothing() -> gallery.Cams:
    """Maps that are not there yet: the picture's controls are offered all the same."""
    return gallery.Cams({"": 0}, np.zeros((1, 1, 1), np.float32), {}, np.zeros(1, int))


def _decided(data: Dataset, patch_id: str, row: pd.Series) -> str:
    return (
        f"**{escape_markdown(patch_id)}** is labelled **{escape_markdown(data.class_names[int(row['label'])])}**: "
        f"{theme.OUTCOME_WORDS[row['outcome']]}, probability {row['prob']:.3f} of {escape_markdown(data.positive)}, threshold "
        f"{row['threshold']:.3f}, out of {theme.fold_title(row['fold'])}."
    )


def _cells(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    tables = []
    for name, cam in arrays.items():
        rows, columns = np.indices(cam.shape)
        values = {"row": rows.ravel(), "column": columns.ravel(), "value": cam.ravel()}
        tables.append(pd.DataFrame({"method": name, **values}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["method"])


def _likeness(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    alive = {METHOD_WORDS[name]: cam.ravel() for name, cam in arrays.items() if cam.size > 1 and np.ptp(cam) > 0}
    return pd.DataFrame(alive).corr().round(2)


# ---------------------------------------------------------------------------------------------------- bands


def bands(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """What the patch loses without each band, each group and each window."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patch_id, row = _chosen(run, summary, oof)
        spatial = st.toggle("Occlude windows too", value=True, key="explain_windows")
    try:
        found = model_client.patch_bands(str(run.path), patch_id, spatial, WINDOW, STRIDE)
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return []
    table, groups = pd.DataFrame(found["bands"]), pd.DataFrame(found["groups"])
    st.markdown(_decided(data, patch_id, row))
    baselines = list(dict.fromkeys(table["baseline"]))
    with st.container(horizontal=True):
        baseline = st.selectbox(
            "Replaced by", baselines, format_func=BASELINES.get, key="explain_patch_baseline", width=420
        )
    mine = explained.titled(table[table["baseline"] == baseline], data.bands)
    shares = groups[groups["baseline"] == baseline].reset_index(drop=True)
    grid = st.grid(2, min_column_width=340, gap="medium")
    with grid.cell():
        st.markdown("**Without each band**")
        title = f"Drop of the probability of {base.plain(data.positive)}"
        downloads.show(intervals.occlusion_bars(mine, title), key="explain_patch_bands")
    with grid.cell():
        st.markdown("**Owed to each group of bands**")
        downloads.show(
            explain_charts.shapley_bars(shares, "Shapley share of the drop without any band"),
            key="explain_patch_groups",
        )
    if spatial:
        _windows(data, patch_id, found)
    total = shares["shapley"].sum()
    st.caption(
        f"One patch: no interval. {escape_markdown(theme.head_title(found['head']))} of {theme.fold_title(found['fold'])}, "
        f"{found['p0']:.3f} before; the shares add up to {total:+.3f}, the drop without any band. Without test-time "
        f"flips, so the probability can differ a little from the run's. Answered in {found['seconds']:.2f} s."
    )
    downloads.download(table, f"{run.name}_patch_bands", "Bands of this patch (CSV)")
    return [patch_id]


def _windows(data: Dataset, patch_id: str, found: dict) -> None:
    cells = np.array(found["cells"], np.float32)
    st.markdown("**Without each window**")
    look = gallery.look_controls(data, "explain_window", None)
    with st.container(horizontal=True, gap="small"):
        try:
            plain = gallery.pictures(data, [patch_id], look, None)[0]
        except LandslideLensError as error:
            st.error(escape_markdown(error), icon=":material/broken_image:")
            return
        top = max(float(np.abs(cells).max()), DIVERGING_TOP)
        with st.container(width=280, gap=None):
            st.image(plain, width="stretch", alt=f"Patch {patch_id}", output_format="PNG")
            st.caption(escape_markdown(look.composite.name))
        with st.container(width=280, gap=None):
            st.image(
                render.overlay(plain, np.clip(cells, 0, None), 0.75, top), width="stretch",
                alt="Where covering costs probability", output_format="PNG",
            )  # fmt: skip
            st.caption(f"Covering it lowers the probability, by up to {max(cells.max(), 0):.3f}")
        with st.container(width=280, gap=None):
            st.image(
                render.overlay(plain, np.clip(-cells, 0, None), 0.75, top), width="stretch",
                alt="Where covering raises probability", output_format="PNG",
            )  # fmt: skip
            st.caption(f"Covering it raises the probability, by up to {max(-cells.min(), 0):.3f}")
    st.caption(
        f"Windows of {found['windows']['size']} px at steps of {STRIDE} px, all bands set to their training mean; a "
        "pixel shows the mean of the windows that cover it. Both pictures share one scale. This asks the whole model, "
        "with the head that decides, where the maps ask the network's own classifier."
    )
