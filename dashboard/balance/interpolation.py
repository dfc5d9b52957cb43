"""The interpolation view: from a neighbour through the landslide to the other class, with the model's predictions.

One question gives all stops; the slider only chooses one of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.smote.neighbours import MOST
from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.balance import charts, interpolation_map, model_queries, pictures
from dashboard.balance.interpolation_map import stop_title
from dashboard.balance.model_queries import Endpoints
from dashboard.jobs import model_client
from dashboard.patches import gallery, render
from dashboard.patches.gallery import METHOD_WORDS
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.messages import show_error
from dashboard.ui.view_switch import open_from_within

TO = {False: "Nearest in the embedding", True: "Nearest that the model classifies correctly"}
FROM = {"synthetic": "A synthetic patch", "landslide": "A landslide and a neighbour"}
KEY = "balance_interpolation"
START, LANDSLIDE, NEIGHBOUR = f"{KEY}_from", f"{KEY}_landslide", f"{KEY}_neighbour"
CURVES = {"probability": "Probability", "margin": "SVM margin"}
POLL_S = 1.0  # while the positions on the map are computed
STRIP = 7  # stops in the strip of pictures


def open_for(synthetic: str) -> None:
    """Callback: open the interpolation of this synthetic patch."""
    st.session_state[pictures.CHOSEN] = synthetic
    st.session_state[START] = "synthetic"
    open_from_within("balance", "interpolation")


def section(data: Dataset, run: RunFolder, lineage: pd.DataFrame) -> None:
    """Choices, then the stops. lineage: of all folds."""
    by_name = {composite.name: composite for composite in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        lineage = pictures.of_chosen_fold(lineage)
        fold = int(lineage["fold"].iloc[0])
        model_client.models().prepare(run, fold)
        kind = url_state.choose(
            st.selectbox, "Start from", list(FROM), key=START, default="synthetic", format_func=FROM.get, width=240
        )
        try:
            neighbour, anchor, extra = (_synthetic if kind == "synthetic" else _landslide)(run, fold, lineage)
        except LandslideLensError as error:
            show_error(error)
            return
        with st.popover("Picture", icon=":material/tune:"):
            composite = by_name[gallery.composite_picker(list(by_name), KEY)]
            stretch = pictures.stretch_picker(f"{KEY}_stretch")
            attention = url_state.toggle("Attention map in the strip", key=f"{KEY}_attention")
            crossing = url_state.choose(
                st.radio, f"Ends at which {escape_markdown(data.class_names[0])}", list(TO), key=f"{KEY}_to",
                default=False, format_func=TO.get,
                help="The nearest patch of the other class may itself be a false alarm of the model.",
            )  # fmt: skip
    try:
        ends = Endpoints(fold, neighbour, anchor, extra, bool(crossing))
        path = model_queries.interpolation(run, ends)
        seen = pictures.of_stops(data, path, composite, stretch)
    except LandslideLensError as error:
        show_error(error)
        return
    head = chosen_head(list(path["probs"]), run.summary())
    waits = interpolation_map.positions(run, ends, path) is None
    st.fragment(_stops, run_every=POLL_S if waits else None)(data, run, ends, path, head, seen, attention, waits)
    downloads.download(_table(path), f"{run.name}_interpolation_{fold}", "Interpolation (CSV)")


def _synthetic(run: RunFolder, fold: int, lineage: pd.DataFrame) -> tuple[str, str, tuple[float, ...]]:
    rows = {str(row["synthetic"]): row for row in lineage.to_dict("records")}

    def title(name: str) -> str:
        row = rows[name]
        anchor, neighbour = gallery.short(str(row["anchor"])), gallery.short(str(row["neighbour"]))
        return f"{row['anchor_weight']:.2f} × {anchor} + {1 - row['anchor_weight']:.2f} × {neighbour}"

    name = url_state.choose(
        st.selectbox, "Synthetic patch", list(rows), key=pictures.CHOSEN, default=next(iter(rows)), format_func=title,
        width=340,
    )  # fmt: skip
    row = rows[name]
    return str(row["neighbour"]), str(row["anchor"]), (round(float(row["anchor_weight"]), 6),)


def _landslide(run: RunFolder, fold: int, lineage: pd.DataFrame) -> tuple[str, str, tuple[float, ...]]:
    anchor = pictures.landslide_picker(run, fold, LANDSLIDE)
    graph = model_queries.neighbours(run, fold, anchor, MOST)
    ssim = dict(zip(graph["nearest"], graph["ssim"], strict=True))
    if not ssim:
        raise LandslideLensError(f"'{anchor}' has no neighbour except copies of itself.")
    neighbour = url_state.choose(
        st.selectbox, "Neighbour", list(ssim), key=NEIGHBOUR, default=graph["nearest"][0], width=220,
        format_func=lambda name: f"{gallery.short(name)}, SSIM {ssim[name]:.2f}",
    )  # fmt: skip
    return str(neighbour), anchor, ()


def _stops(
    data: Dataset,
    run: RunFolder,
    ends: Endpoints,
    path: dict[str, Any],
    head: str,
    seen: list[np.ndarray],
    attention: bool,
    waited: bool,
) -> None:
    st.markdown(reading(path, head, escape_markdown(data.positive)))
    position = np.asarray(path["position"])
    titles = [stop_title(t, ends.extra) for t in position]
    maps = np.asarray(path["maps"], np.float32)
    top = gallery.cams_of(run).levels.get(path["fold"]) or float(maps.max()) or 1.0
    _strip(seen, maps if attention else None, top, position, titles)
    start = int(np.abs(position - (ends.extra[0] if ends.extra else 0.5)).argmin())
    above, curve = st.container(), "probability"  # the curve is drawn above what it follows
    if path["margin_head"]:
        curve = url_state.choose(
            st.segmented_control, "Curve", list(CURVES), key=f"{KEY}_curve", default="probability", required=True,
            format_func=CURVES.get, label_visibility="collapsed",
        )  # fmt: skip
    at = url_state.choose(
        st.select_slider, "Stop", list(range(len(titles))), key=f"{KEY}_stop", default=start,
        format_func=titles.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    figure = charts.interpolation_margin(path, float(position[at]))
    if curve == "probability":
        figure = charts.interpolation_curves(path, float(position[at]), data.positive, head)
    with above:
        downloads.show(figure, key=f"balance_interpolation_{curve}")
    st.header(f"This stop: {titles[at]}", anchor=False)
    _stop(data, path, seen, maps, top, at, titles)
    interpolation_map.section(data, run, ends, path, at, waited)
    _explanation(data, path, head)


def reading(path: dict[str, Any], head: str, positive: str) -> str:
    """Where the model with this head changes its mind, in a sentence."""
    limit, position = float(path["thresholds"][head]), np.asarray(path["position"], float)
    values = np.asarray(path["probs"][head], float)
    title = escape_markdown(theme.head_title(head))
    between, onward = values[position <= 1], values[position >= 1]
    way = position[position >= 1]
    if onward[0] < limit:
        return (
            f"{title} misses the anchor itself: its probability of {positive} is {onward[0]:.2f}, below the threshold "
            f"of {limit:.2f}."
        )
    mixed = (
        f"Between the two landslides the probability of {positive} never falls below {between.min():.2f}"
        if between.min() >= limit
        else f"Between the two landslides the probability of {positive} falls to {between.min():.2f}, below the "
        f"threshold of {limit:.2f}"
    )
    below = np.flatnonzero(onward < limit)
    if not len(below):
        return (
            f"{mixed}; on the way to the other class {title} keeps predicting {positive}, even at the end "
            f"({onward[-1]:.2f}, threshold {limit:.2f})."
        )
    i = int(below[0])
    crossed = np.interp(limit, [onward[i], onward[i - 1]], [way[i], way[i - 1]]) - 1
    return (
        f"{mixed}; on the way to the other class {title} stops predicting {positive} after {crossed:.0%} of the way "
        f"(threshold {limit:.2f})."
    )


def _stop(data, path, seen, maps, top, at: int, titles: list[str]) -> None:
    """One stop: picture, attention map, probabilities."""
    with st.grid(3, min_column_width=200, gap="small"):
        with st.container(gap="xxsmall"):
            st.image(seen[at], width="stretch", output_format="PNG", alt=titles[at])
            st.caption(f"**{titles[at].capitalize()}**")
        with st.container(gap="xxsmall"):
            st.image(
                render.overlay(seen[at], maps[at], 0.7, top), width="stretch", output_format="PNG", alt="Attention map"
            )
            method = METHOD_WORDS.get(path["method"], "Attention")
            weak = gallery.weak_words(float(maps[at].max()) / top)
            st.caption(
                f"**{method}**{weak and ': ' + weak}",
                help=f"Layer {escape_markdown(path['layer'])}; brightest at the mean peak of the fold's maps.",
            )
        with st.container(gap="xsmall"):
            rows = [
                {"head": theme.head_title(head), "probability": values[at], "threshold": path["thresholds"][head]}
                for head, values in path["probs"].items()
            ]
            downloads.table(
                pd.DataFrame(rows), hide_index=True, width="stretch",
                column_config={
                    "head": "Head",
                    "probability": st.column_config.NumberColumn(f"p of {data.positive}", format="%.3f"),
                    "threshold": st.column_config.NumberColumn("Threshold", format="%.3f"),
                },
            )  # fmt: skip
            if path["margin_head"]:
                margin = f"{path['margin'][at]:+.3f}".replace("-", "−")
                st.caption(
                    f"Margin of {escape_markdown(theme.head_title(path['margin_head']))}: {margin} (0: boundary)"
                )


def _explanation(data: Dataset, path: dict[str, Any], head: str) -> None:
    """Whose predictions these are, and which patches stand at the ends."""
    neighbour, anchor, other = (escape_markdown(name) for name in path["ids"])
    fold = theme.fold_title(path["fold"])
    unseen = [escape_markdown(name) for name, known in zip(path["ids"], path["seen"], strict=True) if not known]
    training = f"not trained on {' and '.join(unseen)}" if unseen else "trained on all three real patches"
    is_alarm = path["labels"][2] == 0 and path["probs"][head][-1] >= path["thresholds"][head]
    alarm = ", itself a false alarm of this head" if is_alarm else ""
    gap = ""
    if path["largest_gap"] is not None:
        gap = f" Diamonds: probabilities stored by the run, {_away(path['largest_gap'])}."
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            f"By the network of {fold}, {training}. Neighbour {neighbour}, anchor {anchor} (SSIM "
            f"{path['ssim'][0]:.3f}); {other} is a {escape_markdown(data.class_names[1 - path['labels'][1]])} patch of "
            f"its training part, near the anchor in the embedding ({path['metric']} distance {path['distance']:.3f}, "
            f"SSIM {path['ssim'][1]:.3f}){alarm}. Each stop mixes two neighbouring patches of the three in the bands' "
            f"own units. Dotted: the threshold of {escape_markdown(theme.head_title(head))}.{gap} Computed in "
            f"{path['seconds']:.2f} s."
        )


def _away(gap: float) -> str:
    """How far stored probabilities lie from those computed now."""
    return "the same to four decimals" if gap < 5e-5 else f"at most {gap:.4f} away"


def _strip(
    seen: list[np.ndarray], maps: np.ndarray | None, top: float, position: np.ndarray, titles: list[str]
) -> None:
    """Pictures evenly along the way, over the curve."""
    chosen = np.unique([int(np.abs(position - t).argmin()) for t in np.linspace(0, 2, STRIP)])
    with st.grid(len(chosen), wrap=False, min_column_width=44, gap="xxsmall"):
        for i in chosen:
            with st.container(gap="xxsmall"):
                rgb = seen[i] if maps is None else render.overlay(seen[i], maps[i], 0.6, top)
                st.image(rgb, width="stretch", output_format="PNG", alt=titles[i])
                share = position[i] if position[i] <= 1 else 2 - position[i]
                real = position[i] in (0, 1, 2)
                st.caption(f"**{titles[i].capitalize()}**" if real else f"{share:.0%} anchor")


def _table(path: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame({"position": path["position"]} | {f"prob_{k}": v for k, v in path["probs"].items()})
    if path["margin_head"]:
        table[f"margin_{path['margin_head']}"] = path["margin"]
    return table.assign(neighbour=path["ids"][0], anchor=path["ids"][1], other=path["ids"][2], fold=path["fold"])
