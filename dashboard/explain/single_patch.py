"""One patch, answered at once: its maps by every method side by side, and what losing each band costs it.

The answers come from the process that keeps networks loaded; nothing is written to the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.attention import maps as attention_maps
from core.analyses.bands import importance
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.cam.overlay import constant_maps, dead_maps
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.charts import base, intervals
from dashboard.explain import charts as explain_charts
from dashboard.explain import pickers, tables
from dashboard.jobs import model_client
from dashboard.patches import gallery, outcomes, render
from dashboard.patches.gallery import METHOD_WORDS
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

DIVERGING_TOP = 0.02  # of probability, at least: below it a map of windows is all noise


def _chosen(run: RunFolder, summary: dict, oof: pd.DataFrame) -> tuple[str, pd.Series]:
    """The patch and what the headline head decided about it; its fold's network is loaded meanwhile."""
    head = summary["head"]
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if judged.empty:
        st.info("This run has not judged any labelled patch.", icon=":material/info:")
        st.stop()
    patch_id = pickers.patch_picker(judged)
    row = judged[judged["id"].astype(str) == patch_id].iloc[0]
    model_client.models().prepare(run, int(row["fold"]))
    return patch_id, row


def _answer(run: RunFolder, row: pd.Series, name: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the analysis ``name`` says of this patch; None where it cannot, with the reason on the page."""
    asked = {"do": name, "run": str(run.path), "patch": str(row["id"]), **request}
    try:
        return _answered(asked, cache.file_version(run.fold_path(int(row["fold"])) / "fold.json"))
    except LandslideLensError as error:
        show_error(error)
        return None


@st.cache_data(max_entries=64, show_spinner="Asking the network of this patch's fold…")
def _answered(request: dict[str, Any], version: cache.Version) -> dict[str, Any]:
    return model_client.models().ask(request)


def maps(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The patch's maps by all methods, laid over it or alone."""
    own = gallery.cams_from(*or_stop(run.cams))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patch_id, row = _chosen(run, summary, oof)
        layer = pickers.layer_picker(run, str(own.card["layer"]), "explain_patch_layer")
        target = pickers.target_picker(run, "explain_patch_target")
    look = gallery.look_controls(data, "explain_one", _nothing(), overlay=True)
    request = {"methods": list(METHOD_WORDS), "options": {"layer": layer, "evidence_for": target}}
    answer = _answer(run, row, attention_maps.ANALYSIS.name, request)
    if answer is None:
        return []
    arrays = {name: np.array(values, np.float32) for name, values in answer["maps"].items()}
    st.markdown(_decided(data, patch_id, row))
    share = _share(own, patch_id, target, row)
    if share is not None and (weak := gallery.weak_words(share)):
        st.markdown(
            f"**{weak.capitalize()}**: the peak of the run's own map of this patch, as a share of the "
            "mean peak of its fold's maps."
        )
    with st.grid(min_column_width=gallery.TILE_PX, gap="small", key="explain_methods"):
        try:
            plain = gallery.pictures(data, [patch_id], look, None)[0]
        except LandslideLensError as error:
            show_error(error, ":material/broken_image:")
            return []
        with st.container(gap=None):
            st.image(plain, width="stretch", alt=f"Patch {patch_id}", output_format="PNG")
            st.caption(f"**The patch**  \n{escape_markdown(look.composite.name)}")
        for name, words in METHOD_WORDS.items():
            with st.container(gap=None):
                _method(plain, arrays.get(name), words, answer["refused"].get(name), look, share)
    scale = "each map in its own scale"
    if share is not None and look.heat == "fold":
        scale = "each map as bright as the run's own map of this patch is in its fold"
    st.caption(
        f"Layer {escape_markdown(answer['layer'])}, by the network of {theme.fold_title(answer['fold'])}, which was "
        f"not trained on this patch; {scale}, answered in {answer['seconds']:.2f} s. Where methods "
        "disagree, none of them shows the reason: see the sanity checks. Eigen-CAM does not depend on the class. "
        "Score- and Ablation-CAM run the network once per channel."
    )
    downloads.download(_cells(arrays), f"{run.name}_patch_maps", "Raw maps (CSV)")
    with st.expander("How similar the maps are"):
        downloads.table(_correlation(arrays), width="stretch")
        st.caption("Pearson correlation of the cells; 1: the same picture. Dead maps have none.")
    return [patch_id]


def _share(own: gallery.Cams, patch_id: str, target: int | str, row: pd.Series) -> float | None:
    """The run's own map's peak as a share of its fold's level; None where the maps speak of another class than it.

    Other methods and layers have other units, and the run knows no level for them: how strong the evidence in a patch
    is at all, its own map says.
    """
    is_positive = target == 1 or (target == "predicted" and row["prob"] >= 0.5)
    return own.share_of(patch_id) if is_positive else None


def _method(
    plain: np.ndarray, cam: np.ndarray | None, words: str, refused: str | None, look: gallery.Look, share: float | None
) -> None:
    if cam is None:
        st.caption(f"**{words}**  \n{escape_markdown(refused or 'not available')}")
        return
    top = None if share is None or look.heat == "patch" else float(cam.max()) / max(min(share, 1.0), 1e-6)
    drawn = render.cells(cam, plain.shape[0], top) if look.raw else render.overlay(plain, cam, look.opacity or 0.7, top)
    st.image(drawn, width="stretch", alt=words, output_format="PNG")
    state = " · **dead**" if dead_maps(cam[None])[0] else " · **constant**" if constant_maps(cam[None])[0] else ""
    st.caption(f"**{words}**  \npeak {float(cam.max()):.3g}{state}")


def _nothing() -> gallery.Cams:
    """A stand-in for maps that come later: the picture's controls are drawn first."""
    return gallery.Cams({"": 0}, np.zeros((1, 1, 1), np.float32), {}, np.zeros(1, int))


def _decided(data: Dataset, patch_id: str, row: pd.Series) -> str:
    return (
        f"**{escape_markdown(patch_id)}** is labelled **{escape_markdown(data.class_names[int(row['label'])])}**: "
        f"{explain_charts.OUTCOME_TITLES[row['outcome']]}, probability {row['prob']:.3f} of "
        f"{escape_markdown(data.positive)}, threshold {row['threshold']:.3f}, held out in "
        f"{theme.fold_title(row['fold'])}."
    )


def _cells(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    tables = []
    for name, cam in arrays.items():
        rows, columns = np.indices(cam.shape)
        values = {"row": rows.ravel(), "column": columns.ravel(), "value": cam.ravel()}
        tables.append(pd.DataFrame({"method": name, **values}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["method"])


def _correlation(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    alive = {METHOD_WORDS[name]: cam.ravel() for name, cam in arrays.items() if cam.size > 1 and np.ptp(cam) > 0}
    return pd.DataFrame(alive).corr().round(2)


# ---------------------------------------------------------------------------------------------------- bands


def bands(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """What the patch loses without each band, each group and each window."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patch_id, row = _chosen(run, summary, oof)
        spatial = st.toggle("Replace windows too", value=True, key="explain_windows")
    options = importance.OcclusionOptions(spatial=int(spatial))
    answer = _answer(run, row, importance.ANALYSIS.name, {"options": options.model_dump(mode="json")})
    if answer is None:
        return []
    table, groups = pd.DataFrame(answer["bands"]), pd.DataFrame(answer["groups"])
    st.markdown(_decided(data, patch_id, row))
    baselines = list(dict.fromkeys(table["baseline"]))
    with st.container(horizontal=True):
        baseline = st.selectbox(
            "Replaced by", baselines, format_func=BASELINES.get, key="explain_patch_baseline", width=420
        )
    mine = tables.titled(table[table["baseline"] == baseline], data.bands)
    shares = groups[groups["baseline"] == baseline].reset_index(drop=True)
    grid = st.grid(2, min_column_width=340, gap="medium")
    with grid.cell():
        st.markdown("**Without each band**")
        title = f"Drop of the probability of {base.escape_html(data.positive)}"
        downloads.show(intervals.occlusion_bars(mine, title), key="explain_patch_bands")
    with grid.cell():
        st.markdown("**Contribution of each band group**")
        downloads.show(
            explain_charts.shapley_bars(shares, "Shapley share of the drop without any band"),
            key="explain_patch_groups",
        )
    if spatial:
        _windows(data, patch_id, answer, options.stride)
    total = shares["shapley"].sum()
    st.caption(
        f"One patch: no interval. {escape_markdown(theme.head_title(answer['head']))} of "
        f"{theme.fold_title(answer['fold'])}, {answer['p0']:.3f} before; the shares add up to {total:+.3f}, the drop "
        "without any band. Without test-time flips, so the probability can differ slightly from the run's. Answered "
        f"in {answer['seconds']:.2f} s."
    )
    downloads.download(table, f"{run.name}_patch_bands", "Bands of this patch (CSV)")
    return [patch_id]


def _windows(data: Dataset, patch_id: str, answer: Mapping[str, Any], stride: int) -> None:
    cells = np.array(answer["cells"], np.float32)
    st.markdown("**Without each window**")
    look = gallery.look_controls(data, "explain_window", None)
    with st.container(horizontal=True, gap="small"):
        try:
            plain = gallery.pictures(data, [patch_id], look, None)[0]
        except LandslideLensError as error:
            show_error(error, ":material/broken_image:")
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
        f"Windows of {answer['windows']['size']} px at steps of {stride} px, all bands set to their training mean; a "
        "pixel shows the mean of the windows that cover it. Both pictures share one scale. Windows test the whole "
        "model with the head that decides; attention maps show the network's own classifier."
    )
