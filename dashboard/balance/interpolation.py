"""The path on the Balance page: from a neighbour through the landslide to the other class, with the model's answers.

Comes in: the chosen dataset, run and fold. Goes out: pictures. One question gives the whole path; the slider only
chooses a stop of the answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import charts, model_queries, pictures
from dashboard.balance.model_queries import Way
from dashboard.charts import embedding_map
from dashboard.charts.base import plain
from dashboard.embedding import projections
from dashboard.jobs import model_client
from dashboard.patches import gallery, render
from dashboard.patches.gallery import METHOD_WORDS
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

TO = {False: "Nearest in the embedding", True: "Nearest that the model calls so"}
FROM = {"synthetic": "A synthetic patch", "landslide": "A landslide and a neighbour"}
SYNTHETIC, LANDSLIDE, STOP = "balance_path_synthetic", "balance_path_landslide", "balance_path_stop"
POLL_S = 1.0  # while the places are on their way
STRIP = 7  # stops in the strip of pictures
MOST_K = 12


def follow(synthetic: str) -> None:
    """Callback: walk this synthetic patch's path."""
    st.session_state[SYNTHETIC] = synthetic
    st.session_state["balance_path_from"] = "synthetic"
    st.session_state["balance_view"] = "path"


def section(data: Dataset, run: RunFolder, fold: int, lineage: pd.DataFrame) -> None:
    """Choices, then the path. lineage: of this fold."""
    model_client.warm().prepare(run, fold)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "From", list(FROM), default="synthetic", required=True, format_func=FROM.get, key="balance_path_from"
        )
        try:
            neighbour, anchor, also = (_synthetic if kind == "synthetic" else _landslide)(run, fold, lineage)
        except LandslideLensError as error:
            st.error(escape_markdown(error), icon=":material/error:")
            return
    ways = {way.name: way for way in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = ways[st.selectbox("Shown as", list(ways), key="balance_path_composite", width=300)]
        stretch = st.selectbox(
            "Stretch", list(gallery.STRETCHES), format_func=gallery.STRETCHES.get, key="balance_path_stretch", width=190
        )
        called = st.selectbox(
            f"To which {escape_markdown(data.class_names[0])}", list(TO), format_func=TO.get, key="balance_path_to", width=280,
            help="The nearest patch of the other class may be one that the model takes for a landslide as well.",
        )  # fmt: skip
    try:
        asked = model_queries.Way(fold, neighbour, anchor, also, bool(called))
        path = model_queries.walked(run, asked)
        seen = pictures.along(data, path, way, stretch)
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    try:
        waits = model_queries.places(run, asked, path["embeddings"]) is None
    except LandslideLensError:
        waits = False  # the map says why
    st.fragment(_walk, run_every=POLL_S if waits else None)(data, run, asked, path, seen, waits)
    downloads.download(_table(path), f"{run.name}_path_{fold}", "The path (CSV)")


def _synthetic(run: RunFolder, fold: int, lineage: pd.DataFrame) -> tuple[str, str, tuple[float, ...]]:
    rows = {str(row["synthetic"]): row for row in lineage.to_dict("records")}
    if st.session_state.get(SYNTHETIC) not in rows:
        st.session_state[SYNTHETIC] = next(iter(rows))

    def words(name: str) -> str:
        row = rows[name]
        short = gallery.short(str(row["anchor"])), gallery.short(str(row["neighbour"]))
        return f"{name}: {short[0]} × {row['anchor_weight']:.2f} and {short[1]}, SSIM {row['ssim']:.2f}"

    row = rows[st.selectbox("Synthetic patch", list(rows), format_func=words, key=SYNTHETIC, width=520)]
    return str(row["neighbour"]), str(row["anchor"]), (round(float(row["anchor_weight"]), 6),)


def _landslide(run: RunFolder, fold: int, lineage: pd.DataFrame) -> tuple[str, str, tuple[float, ...]]:
    anchor = pictures.landslide_picker(run, fold, LANDSLIDE)
    kin = model_queries.kin(run, fold, anchor, MOST_K)
    ssim = dict(zip(kin["nearest"], kin["ssim"], strict=True))
    if not ssim:
        raise LandslideLensError(f"'{anchor}' has no neighbour that is not its copy.")
    if st.session_state.get("balance_path_neighbour") not in ssim:
        st.session_state["balance_path_neighbour"] = kin["nearest"][0]
    neighbour = st.selectbox(
        "Neighbour", list(ssim), format_func=lambda name: f"{gallery.short(name)}, SSIM {ssim[name]:.3f}",
        key="balance_path_neighbour", width=300,
    )  # fmt: skip
    return str(neighbour), anchor, ()


def _walk(data: Dataset, run: RunFolder, way: Way, path: dict[str, Any], seen: list[np.ndarray], waited: bool) -> None:
    position = np.asarray(path["position"])
    words = [stop_words(t, way.also) for t in position]
    start = int(np.abs(position - (way.also[0] if way.also else 0.5)).argmin())
    key = f"{STOP}_{path['fold']}_{path['ids'][0]}_{path['ids'][1]}"
    at = st.select_slider("From the neighbour to the anchor, and on to the other class", list(range(len(words))), start,
                          format_func=words.__getitem__, key=key)  # fmt: skip
    maps = np.asarray(path["maps"], np.float32)
    top = float(maps.max()) or 1.0
    beside = st.grid(2, min_column_width=360, gap="medium")
    with beside.cell():
        _picture(data, path, seen, maps, top, at, words)
    with beside.cell():
        downloads.show(charts.path_curves(path, float(position[at]), data.positive), key="balance_path_curves")
    _says(data, path)
    _strip(seen, maps, top, words)
    _map(data, run, way, path, at, waited)


def stop_words(t: float, also: tuple[float, ...]) -> str:
    """A stop for people: which mixture it is."""
    if t in (0.0, 1.0, 2.0):
        return charts.ENDS[int(t)]
    if t < 1.0:
        return f"anchor × {t:.2f}" + (" (the synthetic patch)" if any(abs(t - w) < 1e-6 for w in also) else "")
    return f"anchor × {2 - t:.2f}, other"


def _picture(data, path, seen, maps, top, at: int, words: list[str]) -> None:
    with st.grid(2, wrap=False, min_column_width=120, gap="small"):
        with st.container(gap="xxsmall"):
            st.image(seen[at], width="stretch", output_format="PNG", alt=words[at])
            st.caption(f"**{words[at].capitalize()}**")
        with st.container(gap="xxsmall"):
            st.image(render.overlay(seen[at], maps[at], 0.7, top), width="stretch", output_format="PNG", alt="Grad-CAM")
            method = METHOD_WORDS.get(path["method"], "Attention")
            st.caption(f"**{method}**, layer {escape_markdown(path['layer'])}, one scale for the path")
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


def _says(data: Dataset, path: dict[str, Any]) -> None:
    neighbour, anchor, other = (escape_markdown(name) for name in path["ids"])
    fold = theme.fold_title(path["fold"])
    unseen = [escape_markdown(name) for name, known in zip(path["ids"], path["seen"], strict=True) if not known]
    whose = f"By the network of {fold}, which learnt from all three real patches"
    if unseen:
        whose = f"By the network of {fold}, which has not learnt from {' and '.join(unseen)}"
    head = path["headline"]
    takes = path["probs"][head][-1] >= path["thresholds"][head]
    mistaken = (
        f", which the model takes for {escape_markdown(data.positive)} as well"
        if takes and path["labels"][2] == 0
        else ""
    )
    gap = ""
    if path["largest_gap"] is not None:
        gap = f" Diamonds: the run's stored answers, {path['largest_gap']:.0e} away at most."
    st.caption(
        f"{whose}. Neighbour {neighbour}, anchor {anchor} (SSIM {path['ssim'][0]:.3f}); {other} is a "
        f"{escape_markdown(data.class_names[1 - path['labels'][1]])} of its training part near it in the embedding "
        f"({path['metric']} distance {path['distance']:.3f}, SSIM {path['ssim'][1]:.3f}){mistaken}. Dotted: the "
        f"threshold of {theme.head_title(path['headline'])}.{gap} Answered in {path['seconds']:.2f} s."
    )


def _map(data: Dataset, run: RunFolder, way: Way, path: dict[str, Any], at: int, waited: bool) -> None:
    fold, ids = way.fold, path["ids"]
    try:
        drawn = projections.read(run, fold)
        placed = model_queries.places(run, way, path["embeddings"])
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    if placed is None:
        st.info("The stops are being placed on the map. The first time, UMAP is compiled.", icon=":material/pending:")
        return
    if waited:
        st.rerun()  # there is nothing to wait for any more
    arrays, rows = drawn.arrays, data.index_of(ids)
    xy, position = np.asarray(placed["xy"], np.float32), np.asarray(path["position"])
    for where, row in zip((0.0, 1.0, 2.0), rows, strict=True):
        xy[position == where] = arrays["xy"][row]  # the real patches stand where the map has them
    train = np.asarray(arrays["train"]).astype(bool) & (data.labels >= 0)
    names = {1: plain(data.positive), 0: plain(data.class_names[0])}
    points = embedding_map.Points(
        arrays["xy"][train], [str(i) for i in data.ids[train]], np.array([names[int(v)] for v in data.labels[train]]),
        small=np.ones(int(train.sum()), bool),
    )  # fmt: skip
    regions, head = None, path["margin_head"]
    if head and f"values_{head}" in arrays:
        near = np.asarray(arrays["near"]).astype(bool)
        regions = embedding_map.Regions(arrays["x"], arrays["y"], arrays[f"values_{head}"], near)
    real = embedding_map.Marked("real patches", arrays["xy"][rows], list(charts.ENDS), symbol="diamond")
    stop = embedding_map.Marked("this stop", xy[[at]], [stop_words(position[at], way.also)])
    method = str(drawn.card.get("method", "umap")).upper()
    figure = embedding_map.boundary_map(
        points, {names[1]: theme.POSITIVE, names[0]: theme.NEGATIVE}, regions, marked=(real, stop), axes=method
    )
    figure.add_scatter(
        x=xy[:, 0], y=xy[:, 1], mode="lines+markers", name="the path", hoverinfo="skip",
        line={"color": "#16202A", "width": 1.5}, marker={"size": 5, "color": embedding_map.MARK},
    )  # fmt: skip
    downloads.show(figure, key="balance_path_map")
    boundary = f" Shaded: {theme.head_title(head)}'s decision." if regions is not None else ""
    st.caption(
        f"{int(train.sum()):,} training patches of {theme.fold_title(fold)} on the run's own map. "
        f"{escape_markdown(placed['note'])}{boundary}"
    )


def _strip(seen: list[np.ndarray], maps: np.ndarray, top: float, words: list[str]) -> None:
    chosen = np.unique(np.linspace(0, len(seen) - 1, STRIP).round().astype(int))
    with st.grid(len(chosen), min_column_width=90, gap="small"):
        for i in chosen:
            with st.container(gap="xxsmall"):
                st.image(render.overlay(seen[i], maps[i], 0.6, top), width="stretch", output_format="PNG", alt=words[i])
                st.caption(words[i])


def _table(path: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame({"position": path["position"]} | {f"prob_{k}": v for k, v in path["probs"].items()})
    if path["margin_head"]:
        table[f"margin_{path['margin_head']}"] = path["margin"]
    return table.assign(neighbour=path["ids"][0], anchor=path["ids"][1], other=path["ids"][2], fold=path["fold"])
