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
from dashboard import theme
from dashboard.balance import charts, interpolation_map, model_queries, pictures
from dashboard.balance.interpolation_map import stop_title
from dashboard.balance.model_queries import Endpoints
from dashboard.jobs import model_client
from dashboard.patches import gallery, render
from dashboard.patches.gallery import METHOD_WORDS
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

TO = {False: "Nearest in the embedding", True: "Nearest that the model classifies correctly"}
FROM = {"synthetic": "A synthetic patch", "landslide": "A landslide and a neighbour"}
KEY = "balance_interpolation"
SYNTHETIC, LANDSLIDE, NEIGHBOUR = f"{KEY}_synthetic", f"{KEY}_landslide", f"{KEY}_neighbour"
POLL_S = 1.0  # while the positions on the map are computed
STRIP = 7  # stops in the strip of pictures


def open_for(synthetic: str) -> None:
    """Callback: open the interpolation of this synthetic patch."""
    st.session_state[SYNTHETIC] = synthetic
    st.session_state[f"{KEY}_from"] = "synthetic"
    st.session_state["balance_view"] = "interpolation"


def section(data: Dataset, run: RunFolder, fold: int, lineage: pd.DataFrame) -> None:
    """Choices, then the stops. lineage: of this fold."""
    model_client.models().prepare(run, fold)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Start from", list(FROM), default="synthetic", required=True, format_func=FROM.get, key=f"{KEY}_from"
        )
        try:
            neighbour, anchor, extra = (_synthetic if kind == "synthetic" else _landslide)(run, fold, lineage)
        except LandslideLensError as error:
            show_error(error)
            return
    by_name = {composite.name: composite for composite in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        composite = by_name[st.selectbox("Shown as", list(by_name), key=f"{KEY}_composite", width=300)]
        stretch = st.selectbox(
            "Stretch", list(gallery.STRETCHES), format_func=gallery.STRETCHES.get, key=f"{KEY}_stretch", width=190
        )
        crossing = st.selectbox(
            f"Ends at which {escape_markdown(data.class_names[0])}", list(TO), format_func=TO.get, key=f"{KEY}_to",
            width=340, help="The nearest patch of the other class may itself be a false alarm of the model.",
        )  # fmt: skip
    try:
        ends = Endpoints(fold, neighbour, anchor, extra, bool(crossing))
        path = model_queries.interpolation(run, ends)
        seen = pictures.of_stops(data, path, composite, stretch)
    except LandslideLensError as error:
        show_error(error)
        return
    waits = interpolation_map.positions(run, ends, path) is None
    st.fragment(_stops, run_every=POLL_S if waits else None)(data, run, ends, path, seen, waits)
    downloads.download(_table(path), f"{run.name}_interpolation_{fold}", "Interpolation (CSV)")


def _synthetic(run: RunFolder, fold: int, lineage: pd.DataFrame) -> tuple[str, str, tuple[float, ...]]:
    rows = {str(row["synthetic"]): row for row in lineage.to_dict("records")}
    if st.session_state.get(SYNTHETIC) not in rows:
        st.session_state[SYNTHETIC] = next(iter(rows))

    def title(name: str) -> str:
        row = rows[name]
        anchor, neighbour = gallery.short(str(row["anchor"])), gallery.short(str(row["neighbour"]))
        return f"{name}: {anchor} × {row['anchor_weight']:.2f} and {neighbour}, SSIM {row['ssim']:.2f}"

    row = rows[st.selectbox("Synthetic patch", list(rows), format_func=title, key=SYNTHETIC, width=520)]
    return str(row["neighbour"]), str(row["anchor"]), (round(float(row["anchor_weight"]), 6),)


def _landslide(run: RunFolder, fold: int, lineage: pd.DataFrame) -> tuple[str, str, tuple[float, ...]]:
    anchor = pictures.landslide_picker(run, fold, LANDSLIDE)
    graph = model_queries.neighbours(run, fold, anchor, MOST)
    ssim = dict(zip(graph["nearest"], graph["ssim"], strict=True))
    if not ssim:
        raise LandslideLensError(f"'{anchor}' has no neighbour except copies of itself.")
    if st.session_state.get(NEIGHBOUR) not in ssim:
        st.session_state[NEIGHBOUR] = graph["nearest"][0]
    neighbour = st.selectbox(
        "Neighbour", list(ssim), format_func=lambda name: f"{gallery.short(name)}, SSIM {ssim[name]:.3f}",
        key=NEIGHBOUR, width=300,
    )  # fmt: skip
    return str(neighbour), anchor, ()


def _stops(
    data: Dataset, run: RunFolder, ends: Endpoints, path: dict[str, Any], seen: list[np.ndarray], waited: bool
) -> None:
    position = np.asarray(path["position"])
    titles = [stop_title(t, ends.extra) for t in position]
    start = int(np.abs(position - (ends.extra[0] if ends.extra else 0.5)).argmin())
    key = f"{KEY}_stop_{path['fold']}_{path['ids'][0]}_{path['ids'][1]}"
    at = st.select_slider("From the neighbour to the anchor, and on to the other class", list(range(len(titles))),
                          start, format_func=titles.__getitem__, key=key)  # fmt: skip
    maps = np.asarray(path["maps"], np.float32)
    top = float(maps.max()) or 1.0
    beside = st.grid(2, min_column_width=360, gap="medium")
    with beside.cell():
        _stop(data, path, seen, maps, top, at, titles)
    with beside.cell():
        figure = charts.interpolation_curves(path, float(position[at]), data.positive)
        downloads.show(figure, key="balance_interpolation_curves")
    _explanation(data, path)
    _strip(seen, maps, top, titles)
    interpolation_map.section(data, run, ends, path, at, waited)


def _stop(data, path, seen, maps, top, at: int, titles: list[str]) -> None:
    """One stop: picture, attention map, probabilities."""
    with st.grid(2, wrap=False, min_column_width=120, gap="small"):
        with st.container(gap="xxsmall"):
            st.image(seen[at], width="stretch", output_format="PNG", alt=titles[at])
            st.caption(f"**{titles[at].capitalize()}**")
        with st.container(gap="xxsmall"):
            st.image(
                render.overlay(seen[at], maps[at], 0.7, top), width="stretch", output_format="PNG", alt="Attention map"
            )
            method = METHOD_WORDS.get(path["method"], "Attention")
            st.caption(f"**{method}**, layer {escape_markdown(path['layer'])}, the same scale for all stops")
    rows = [
        {"head": theme.head_title(head), "probability": values[at], "threshold": path["thresholds"][head]}
        for head, values in path["probs"].items()
    ]
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, width="stretch",
        column_config={
            "head": "Head",
            "probability": st.column_config.NumberColumn(f"p of {data.positive}", format="%.3f"),
            "threshold": st.column_config.NumberColumn("Threshold", format="%.3f"),
        },
    )  # fmt: skip
    if path["margin_head"]:
        margin = path["margin"][at]
        st.caption(f"Margin of {theme.head_title(path['margin_head'])}: {margin:+.3f} (0 is its boundary).")


def _explanation(data: Dataset, path: dict[str, Any]) -> None:
    """Whose predictions these are, and which patches stand at the ends."""
    neighbour, anchor, other = (escape_markdown(name) for name in path["ids"])
    fold, head = theme.fold_title(path["fold"]), path["headline"]
    unseen = [escape_markdown(name) for name, known in zip(path["ids"], path["seen"], strict=True) if not known]
    training = f"not trained on {' and '.join(unseen)}" if unseen else "trained on all three real patches"
    is_alarm = path["labels"][2] == 0 and path["probs"][head][-1] >= path["thresholds"][head]
    alarm = ", itself a false alarm of the model" if is_alarm else ""
    gap = ""
    if path["largest_gap"] is not None:
        gap = f" Diamonds: probabilities stored by the run, at most {path['largest_gap']:.0e} away."
    st.caption(
        f"By the network of {fold}, {training}. Neighbour {neighbour}, anchor {anchor} (SSIM {path['ssim'][0]:.3f}); "
        f"{other} is a {escape_markdown(data.class_names[1 - path['labels'][1]])} patch of its training part, near the "
        f"anchor in the embedding ({path['metric']} distance {path['distance']:.3f}, SSIM "
        f"{path['ssim'][1]:.3f}){alarm}. Dotted: the threshold of {theme.head_title(head)}.{gap} Computed in "
        f"{path['seconds']:.2f} s."
    )


def _strip(seen: list[np.ndarray], maps: np.ndarray, top: float, titles: list[str]) -> None:
    chosen = np.unique(np.linspace(0, len(seen) - 1, STRIP).round().astype(int))
    with st.grid(len(chosen), min_column_width=90, gap="small"):
        for i in chosen:
            with st.container(gap="xxsmall"):
                overlay = render.overlay(seen[i], maps[i], 0.6, top)
                st.image(overlay, width="stretch", output_format="PNG", alt=titles[i])
                st.caption(titles[i])


def _table(path: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame({"position": path["position"]} | {f"prob_{k}": v for k, v in path["probs"].items()})
    if path["margin_head"]:
        table[f"margin_{path['margin_head']}"] = path["margin"]
    return table.assign(neighbour=path["ids"][0], anchor=path["ids"][1], other=path["ids"][2], fold=path["fold"])
