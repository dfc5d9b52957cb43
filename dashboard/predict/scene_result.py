"""A scene's map: where to look first, the picture, a cell, and the files that leave the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analyses.scene_map import SceneMapOptions
from core.predict.scene.rasters import REASONS
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from core.wording.scene import amount, cells_for, expected_words, sentence, unseen_sentence
from dashboard import theme, url_state
from dashboard.jobs import option_words
from dashboard.predict import alike, at_once, files, inspector, judging, map_picture, novelty, picture, pixel, where
from dashboard.ui.formatting import count, escape_markdown, interval_percent, number, percent
from dashboard.ui.guards import or_stop

SHARE, OPACITY, OVERLAY, LAYERS = "predict_share", "predict_opacity", "predict_over", "predict_layers"
FIRST_SHARE, FIRST_OPACITY = 80, 70  # percent
SHAPES = {"polygons": "Polygons", "cells": "Cells to look at first"}


def result(run: RunFolder, own: ResultFolder, report: Mapping[str, Any]) -> None:
    """Everything that is shown of one scene."""
    scene = report["scene"]
    pixel.remember()
    cells = or_stop(own.table, "cells") if report["triage"] else None
    said = judging.said_of(own, report) if cells is not None else {}
    words = judging.words_of(said)
    if cells is not None:
        at_once.prepare(run)
    novelty.notice(run.name, scene)
    above = st.container(gap="xsmall")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        share, overlay, opacity, shapes = _controls(own, cells is not None, where.finest(run, scene).is_outline)
    first = cells_for(cells, share) if cells is not None else 0
    with above:
        st.markdown(f"**{sentence(report, cells, first)}**")
        st.caption(f"{unseen_sentence(scene)} {frequency_sentence(run, report)}")
        if words:
            st.caption(f"{judging.progress_words(cells, first, words)} {judging.precision_words(cells, words)}")
    left, right = st.columns([2.3, 1], gap="medium")
    with right:
        chosen = _right(run, own, report, cells, said)
    with left:
        outlines = or_stop(own.arrays, "outlines")["xy"] if "polygons" in shapes and cells is not None else None
        like = inspector.shown_section() == "alike" and chosen is not None
        drawn = picture.Drawn(
            outlines, cells, first, "cells" in shapes, chosen, words,
            alike.found(run, own, report, chosen) if like else (), pixel.spot(),
        )  # fmt: skip
        map_picture.draw(run, own, report, drawn, overlay, opacity)
        st.caption(_basis(run, report))
    inspector.sections(run, own, report, chosen)
    if cells is not None:
        judging.outcome(run, own, report, said)
    _notes(report)
    ranked = None if cells is None else cells[cells["rank"].between(1, first)]
    files.files(report, lambda: map_picture.png_bytes(run, own, report, overlay, opacity, outlines, ranked))
    if cells is not None:
        files.draw_again(run, report)
    _method(report)


def _right(
    run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cells: pd.DataFrame | None, said: Mapping[str, list]
) -> str | None:
    """Beside the picture: the chosen cell, or the numbers of the whole scene."""
    if cells is None:
        _numbers(run, report, cells)
        return None
    at_top = st.container()
    chosen = inspector.picker(cells)
    if chosen is None:
        with at_top:
            _numbers(run, report, cells)
        inspector.first_cells(cells)
        return None
    inspector.pictures(own, cells, chosen)
    judging.controls(own, report, cells, chosen, said)
    inspector.numbers(own, cells, chosen)
    return chosen


def _controls(own: ResultFolder, with_cells: bool, with_outline: bool) -> tuple[int, str, int, list[str]]:
    share = FIRST_SHARE
    if with_cells:
        url_state.read_query_number(SHARE, 10, 99, FIRST_SHARE)
        share = st.slider(
            "Share of the landslide ground to find", 10, 99, key=SHARE, format="%d%%", width=300,
            help="The more is to be found, the more cells have to be looked at.",
        )  # fmt: skip
        url_state.write_query_param(SHARE, share, FIRST_SHARE)
    overlays = map_picture.overlays(own)
    if not with_outline:  # of a way that was not measured to be good, nothing is shown
        overlays.pop("where", None)
    overlay = url_state.choose(
        st.segmented_control, "Over the scene", list(overlays), key=OVERLAY, default="probability",
        required=True, format_func=overlays.get, width="content",
    )  # fmt: skip
    shapes = list(SHAPES) if with_cells else []
    with st.popover("Layers", icon=":material/layers:", width="content", key="predict_layers_open"):
        url_state.read_query_number(OPACITY, 5, 100, FIRST_OPACITY)
        opacity = st.slider("Opacity", 5, 100, key=OPACITY, format="%d%%")
        url_state.write_query_param(OPACITY, opacity, FIRST_OPACITY)
        if with_cells:
            shapes = url_state.choose_several(
                st.pills, "Drawn", list(SHAPES), key=LAYERS, default=list(SHAPES), selection_mode="multi",
                format_func=SHAPES.get,
            )  # fmt: skip
    return share, overlay, opacity, shapes


# ------------------------------------------------------------------------------------------------------ in words


def frequency_sentence(run: RunFolder, report: Mapping[str, Any]) -> str:
    """How frequent landslides are taken to be, where nobody has stated it."""
    triage = report["triage"]
    if not triage or triage.get("share_of_landslides") is not None:
        return ""
    return (
        f"Landslides are taken to be as frequent as in training ({percent(map_picture.own_share(run), 0)}): state the "
        "share on this ground below."
    )


def _numbers(run: RunFolder, report: Mapping[str, Any], cells: pd.DataFrame | None) -> None:
    scene, facts = report["scene"], or_stop(run.summary)["heads"].get(report["scene"]["head"], {})
    with st.grid(2, min_column_width=120, gap="small"):
        if cells is None:
            st.metric("At or above the threshold", amount(scene, "landslide"), border=True)
        else:
            st.metric(
                "Outlined", f"{report['polygons']['area_km2']:,.3g} km²", f"{count(report['polygons']['n'])} polygons",
                delta_color="off", delta_arrow="off", border=True,
                help="Ground of the polygons, on the ellipsoid.",
            )  # fmt: skip
            st.metric(
                "Expected", f"{report['triage']['expected_km2']:,.3g} km²", border=True, height="stretch",
                help="Ground of windows that hold a landslide, by the calibrated probabilities.",
            )  # fmt: skip
        ends = (facts.get("intervals") or {}).get("recall")
        if facts.get("recall") is not None:
            st.metric(
                "Found (TP)", percent(facts["recall"], 0), interval_percent(ends) or None, delta_color="off",
                delta_arrow="off", border=True,
                help="Share of the landslide patches that this run found among patches it had not seen (recall), with "
                "its 95% interval. On other ground it may be lower.",
            )  # fmt: skip
        st.metric(
            "Not seen",
            _not_seen(scene),
            border=True,
            height="stretch",
            help="No data, cloud, or too little seen around it.",
        )
    if cells is not None and (ends := report["triage"].get("expected_km2_interval")):
        st.caption(f"Expected: {expected_words(report['triage']['expected_km2'], ends)}.")


def _not_seen(scene: Mapping[str, Any]) -> str:
    found = scene["km2"] if scene["km2"] is not None else scene["pixels"]
    total = sum(found.get(reason, 0) for reason in REASONS.values())
    return f"{total:,.3g} km²" if scene["km2"] is not None else f"{total:,} pixels"


def _basis(run: RunFolder, report: Mapping[str, Any]) -> str:
    scene = report["scene"]
    shown = f"{escape_markdown(theme.head_title(scene['head']))}, mean of {scene['n_folds']} folds"
    threshold = number((report["triage"] or scene)["threshold"])
    words = f"{shown} · threshold {threshold} · {count(scene['n_answered'])} windows, {scene['stride']} pixels apart"
    return " · ".join(filter(None, (words, novelty.basis(scene))))


def _notes(report: Mapping[str, Any]) -> None:
    found = list(report["scene"]["warnings"])
    if report.get("no_map"):
        st.info(escape_markdown(f"No cells and polygons: {report['no_map']}"), icon=":material/wrong_location:")
    for part in ("triage", "polygons"):
        found += (report[part] or {}).get("warnings", [])
    found = [option_words.in_words_of(text, SceneMapOptions) for text in dict.fromkeys(found)]
    if found:
        with st.expander(f"What to know about this scene ({len(found)})", icon=":material/warning:"):
            st.markdown("\n".join(f"- {escape_markdown(text)}" for text in found))


def _method(report: Mapping[str, Any]) -> None:
    scene = report["scene"]
    with st.expander("How this was measured"):
        words = (
            f"The run answers for windows of {scene['side'][0]} by {scene['side'][1]} pixels, {scene['stride']} pixels "
            "apart; values between their centres are interpolated. The map is no finer than a window: it says that "
            "there is a landslide around here, not where its edge is."
        )
        if report["triage"]:
            words += (
                " Expected landslide ground is the sum of calibrated probability times ground. Cells are ranked by it"
                + (", weighted by slope" if report["options"].get("dem") else "")
                + f". {escape_markdown(report['triage']['promise'])}"
            )
        st.markdown(words)
