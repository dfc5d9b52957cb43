"""One patch, answered at once: its maps by every method side by side, and what losing each band costs it.

The answers come from the process that keeps networks loaded; nothing is written to the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analyses.attention import maps as attention_maps
from core.analyses.bands import importance
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.cam.overlay import constant_maps, dead_maps
from core.runs.store import RunFolder
from core.text import list_names
from dashboard import cache, theme, url_state
from dashboard.charts import intervals
from dashboard.explain import badges, band_importance, looks, patch_panels, pickers, tables
from dashboard.explain import charts as explain_charts
from dashboard.jobs import model_client
from dashboard.patches import gallery, outcomes, render
from dashboard.patches.gallery import METHOD_WORDS
from dashboard.ui import downloads
from dashboard.ui.formatting import difference, escape_markdown, number
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.messages import show_error

AGREE, PARTLY = 0.7, 0.4  # mean correlation of the methods' maps, at least
OUTCOME_SENTENCES = {
    "TP": "a found landslide (TP)",
    "FN": "a missed landslide (FN)",
    "FP": "a false alarm (FP)",
    "TN": "correctly left (TN)",
}
DIVERGING_TOP = 0.02  # of probability, at least: below it bars and maps of windows are all noise


def _chosen(run: RunFolder, summary: dict, oof: pd.DataFrame, head: str) -> tuple[str, pd.Series]:
    """The patch and what this head decided about it; its fold's network is loaded meanwhile."""
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if judged.empty:
        st.info("This run has no out-of-fold decision on a labelled patch.", icon=":material/info:")
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
    """The patch with one method's map large, and the maps of all methods beside each other."""
    own = gallery.Cams(*or_stop(run.cams))
    above = st.container(gap="small")
    head = chosen_head(outcomes.heads_of(oof), summary)
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        patch_id, row = _chosen(run, summary, oof, head)
        with st.popover("Maps", icon=":material/layers:", key="explain_one_maps"):
            large = url_state.choose(
                st.selectbox, "Large picture", list(METHOD_WORDS), key="explain_patch_method",
                default=own.card.get("method", "gradcam"), format_func=METHOD_WORDS.get,
            )  # fmt: skip
            layer = pickers.layer_picker(run, str(own.card["layer"]), "explain_patch_layer")
            target = pickers.target_picker(run, "explain_patch_target")
        look = looks.look_popover(data, "explain_one")
    request = {"methods": list(METHOD_WORDS), "options": {"layer": layer, "evidence_for": target}}
    answer = _answer(run, row, attention_maps.ANALYSIS.name, request)
    if answer is None:
        return []
    arrays = {name: np.array(values, np.float32) for name, values in answer["maps"].items()}
    alike = correlation(arrays)
    share = _share(own, patch_id, target, row)
    with above:
        st.markdown(f"{_decided(patch_id, row)} {agreement_words(alike)}")
    try:
        plain = gallery.pictures(data, [patch_id], replace(look, opacity=0.0), None, patch_panels.PANEL_PX)[0]
        _large(data, patch_id, plain, arrays.get(large), METHOD_WORDS[large], look, share)
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return []
    st.header("All methods", anchor=False)
    with st.grid(7, min_column_width=patch_panels.STRIP_LEAST, gap="small", key="explain_methods"):
        for name, words in METHOD_WORDS.items():
            with st.container(gap=None):
                _method(plain, arrays.get(name), words, answer["refused"].get(name), look, share)
    with st.expander("How similar the maps are"):
        downloads.table(alike.round(2), width="stretch")
        st.caption("Pearson correlation of the cells; 1: the same picture. Empty maps have none.")
    with st.expander("How this was measured"):
        st.markdown(
            f"Layer {escape_markdown(answer['layer'])}, by the network of {theme.fold_title(answer['fold'])}, which "
            f"was not trained on this patch; {_scale_words(look, share)}. Answered in {answer['seconds']:.2f} s. The "
            f"decision is that of {escape_markdown(theme.head_title(head))}.{badges.what_maps_miss(head)}"
        )
        st.markdown(
            "Where methods disagree, none of them shows the reason: see the sanity checks. Eigen-CAM does not depend "
            "on the class. Score- and Ablation-CAM run the network once per channel."
        )
    downloads.download(_cells(arrays), f"{run.name}_patch_maps", "Raw maps (CSV)")
    return [patch_id]


def _large(
    data: Dataset, patch_id: str, plain: np.ndarray, cam: np.ndarray | None, words: str, look: gallery.Look,
    share: float | None,
) -> None:  # fmt: skip
    shown: list[patch_panels.Panel] = [(plain, f"Image, {escape_markdown(look.composite.name)}", f"Patch {patch_id}")]
    if cam is not None:
        over = _drawn(plain, cam, look, share)
        if look.mask:
            over = render.outline(over, cache.masks(data, data.index_of([patch_id]))[0])
        weak = gallery.weak_words(share) if share is not None else ""
        shown.append((over, f"{words} over the image" + (f", {weak}" if weak else ""), f"{words} of patch {patch_id}"))
    if data.has_masks:
        shown.append(patch_panels.mask_panel(data, patch_id))
    elif cam is not None:
        alone = _drawn(plain, cam, replace(look, raw=True), share)
        shown.append((alone, f"{words} alone, {cam.shape[0]}×{cam.shape[1]} cells", f"{words} alone"))
    patch_panels.side_by_side(shown)
    patch_panels.scale(look if share is not None else replace(look, heat="patch"))


def _scale_words(look: gallery.Look, share: float | None) -> str:
    if share is not None and look.heat == "fold":
        return "each map as bright as the run's own map of this patch is in its fold"
    return "each map in its own scale"


def agreement_words(alike: pd.DataFrame) -> str:
    """Whether the methods point at the same place, with the mean of their correlations."""
    pairs = alike.to_numpy(float)[np.triu_indices(len(alike), 1)]
    pairs = pairs[np.isfinite(pairs)]
    if not pairs.size:
        return "Too few methods give a map to compare them."
    mean = float(pairs.mean())
    words = "agree" if mean >= AGREE else "agree in part" if mean >= PARTLY else "disagree"
    return f"The methods **{words}** on where the evidence lies (mean correlation {number(mean, 2)})."


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
    st.image(_drawn(plain, cam, look, share), width="stretch", alt=words, output_format="PNG")
    state = " · **empty**" if dead_maps(cam[None])[0] else " · **constant**" if constant_maps(cam[None])[0] else ""
    st.caption(f"**{words}**  \npeak {float(cam.max()):.3g}{state}")


def _drawn(plain: np.ndarray, cam: np.ndarray, look: gallery.Look, share: float | None) -> np.ndarray:
    top = None if share is None or look.heat == "patch" else float(cam.max()) / max(min(share, 1.0), 1e-6)
    return render.cells(cam, plain.shape[0], top) if look.raw else render.overlay(plain, cam, look.opacity, top)


def _decided(patch_id: str, row: pd.Series) -> str:
    return (
        f"**{escape_markdown(gallery.short(patch_id, 40))}** is {OUTCOME_SENTENCES[row['outcome']]}: probability "
        f"{row['prob']:.2f}, threshold {row['threshold']:.2f}."
    )


def _cells(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    tables = []
    for name, cam in arrays.items():
        rows, columns = np.indices(cam.shape)
        values = {"row": rows.ravel(), "column": columns.ravel(), "value": cam.ravel()}
        tables.append(pd.DataFrame({"method": name, **values}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["method"])


def correlation(arrays: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Pearson correlation of the cells of living maps, method by method."""
    alive = {METHOD_WORDS[name]: cam.ravel() for name, cam in arrays.items() if cam.size > 1 and np.ptp(cam) > 0}
    return pd.DataFrame(alive).corr()


# ---------------------------------------------------------------------------------------------------- bands


def bands(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """What the patch loses without each band, each group and each window."""
    above = st.container(gap="small")
    head = chosen_head([summary["head"]], summary)
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        patch_id, row = _chosen(run, summary, oof, head)
        order = band_importance.order_picker("explain_bands_order")
        more = st.popover("Replacement", icon=":material/tune:", key="explain_patch_more")
    with more:
        spatial = url_state.toggle("Replace windows too", True, key="explain_windows")
    options = importance.OcclusionOptions(spatial=int(spatial))
    answer = _answer(run, row, importance.ANALYSIS.name, {"options": options.model_dump(mode="json")})
    if answer is None:
        return []
    table, groups = pd.DataFrame(answer["bands"]), pd.DataFrame(answer["groups"])
    baselines = list(dict.fromkeys(table["baseline"]))
    with more:
        baseline = url_state.choose(
            st.selectbox, "A removed band is replaced by", baselines, key="explain_patch_baseline",
            default=baselines[0], format_func=BASELINES.get,
        )  # fmt: skip
    mine = tables.titled(table[table["baseline"] == baseline], data.bands)
    shares = groups[groups["baseline"] == baseline].reset_index(drop=True)
    with above:
        st.markdown(f"{_decided(patch_id, row)} {flips_words(mine, answer['p0'], row['threshold'])}")
    if order == "size":
        mine = mine.sort_values("drop", key=abs, ascending=False, kind="stable")
        shares = shares.sort_values("shapley", key=abs, ascending=False, kind="stable")
    grid = st.grid(2, min_column_width=300, gap="medium")
    with grid.cell():
        st.markdown("**Without each band**")
        title = "Score lost when the band is removed"
        downloads.show(not_all_noise(intervals.occlusion_bars(mine, title), mine["drop"]), key="explain_patch_bands")
    with grid.cell():
        st.markdown("**Contribution of each band group** (Shapley values)")
        figure = explain_charts.shapley_bars(shares, "Share of the score lost")
        downloads.show(not_all_noise(figure, shares["shapley"]), key="explain_patch_groups")
    total = shares["shapley"].sum()
    st.caption(
        f"One patch, so no interval. {escape_markdown(theme.head_title(answer['head']))} of "
        f"{theme.fold_title(answer['fold'])}; score {number(answer['p0'])} before; the shares add up to "
        f"{difference(total)}, the loss without any band."
    )
    if spatial:
        _windows(data, patch_id, answer, options.stride)
    with st.expander("How this was measured"):
        st.markdown(
            f"The band is replaced by {escape_markdown(BASELINES.get(baseline, baseline))}. Without test-time flips, "
            f"so the score can differ slightly from the run's. Answered in {answer['seconds']:.2f} s."
        )
    downloads.download(table, f"{run.name}_patch_bands", "Bands of this patch (CSV)")
    return [patch_id]


def not_all_noise(figure: go.Figure, values: pd.Series) -> go.Figure:
    """With an axis that does not blow up differences which change nothing."""
    if values.abs().max() < DIVERGING_TOP:
        figure.update_xaxes(range=[-DIVERGING_TOP, DIVERGING_TOP])
    return figure


def flips_words(rows: pd.DataFrame, before: float, threshold: float) -> str:
    """The bands without which this patch would be decided otherwise; else the band that changes the score most."""
    after = before - rows["drop"].to_numpy(float)
    turned = rows[(after >= threshold) != (before >= threshold)]
    if len(turned):
        names = list_names([f"**{escape_markdown(title)}**" for title in turned["title"]], 3)
        return f"Without {names}, one at a time, the decision changes."
    most = rows.loc[rows["drop"].abs().idxmax()]
    return (
        f"No single band decides it: without **{escape_markdown(most['title'])}**, the score changes most, by "
        f"{difference(-most['drop'])}."
    )


def _windows(data: Dataset, patch_id: str, answer: Mapping[str, Any], stride: int) -> None:
    cells = np.array(answer["cells"], np.float32)
    st.header("Without each place (windows)", anchor=False)
    look = looks.look_popover(data, "explain_window", maps=False)
    try:
        plain = gallery.pictures(data, [patch_id], look, None, patch_panels.PANEL_PX)[0]
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        return
    top = max(float(np.abs(cells).max()), DIVERGING_TOP)
    lowers, raises = (render.overlay(plain, np.clip(sign * cells, 0, None), 0.75, top) for sign in (1, -1))
    patch_panels.side_by_side(
        [
            (plain, f"Image, {escape_markdown(look.composite.name)}", f"Patch {patch_id}"),
            (lowers, f"Covering it lowers the score, by up to {max(cells.max(), 0):.3f}", "Where covering costs score"),
            (raises, f"Covering it raises the score, by up to {max(-cells.min(), 0):.3f}", "Where covering adds score"),
        ]
    )
    st.caption(
        f"Windows of {answer['windows']['size']} px at steps of {stride} px, all bands set to their training mean; a "
        "pixel shows the mean of the windows that cover it. Both pictures share one scale. Windows test the whole "
        "model with the head that decides; attention maps show the network's own classifier."
    )
