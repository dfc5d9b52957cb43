"""The stops of an interpolation on the run's own map of the fold."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import model_queries
from dashboard.balance.charts import ENDS
from dashboard.balance.model_queries import Endpoints
from dashboard.charts import embedding_map
from dashboard.charts.base import escape_html
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

FAILED = "balance_interpolation_failed"  # of which interpolation the positions could not be computed, and why


def positions(run: RunFolder, ends: Endpoints, path: dict[str, Any]) -> dict[str, Any] | None:
    """Positions of the stops on the map (xy, note), or why there are none (problem); None while they are computed."""
    which = (run.name, ends)
    failed, problem = st.session_state.get(FAILED, (None, ""))
    if failed == which:
        return {"problem": problem}  # asked again it would be tried again, at every refresh
    try:
        return model_queries.positions(run, ends.fold, path["embeddings"])
    except LandslideLensError as error:
        st.session_state[FAILED] = (which, str(error))
        return {"problem": str(error)}


def section(data: Dataset, run: RunFolder, ends: Endpoints, path: dict[str, Any], at: int, waited: bool) -> None:
    """The map with the stop at index ``at`` marked, or what it waits for. waited: the caller refreshes until then."""
    placed = positions(run, ends, path)
    if (placed is None) != waited:
        st.rerun()  # the whole page: it alone starts or stops refreshing this part
    if placed is None:
        st.info("Placing the stops on the map. The first time takes longer, because UMAP is compiled.",
                icon=":material/pending:")  # fmt: skip
        return
    if "problem" in placed:
        st.error(escape_markdown(placed["problem"]), icon=":material/error:")
        if st.button("Try again", icon=":material/replay:", key="balance_interpolation_again"):
            del st.session_state[FAILED]
            st.rerun()
        return
    try:
        arrays, _ = run.umap(ends.fold)
    except LandslideLensError as error:
        show_error(error)
        return
    downloads.show(_figure(data, ends, path, at, arrays, placed), key="balance_interpolation_map")
    head, n = path["margin_head"], int(_training(data, arrays).sum())
    boundary = f" Shaded: the decision of {theme.head_title(head)}." if f"values_{head}" in arrays else ""
    st.caption(
        f"{n:,} training patches of {theme.fold_title(ends.fold)} on the run's own map. "
        f"{escape_markdown(placed['note'])}{boundary}"
    )


def _training(data: Dataset, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(N,) bool: the labelled patches of the fold's training part."""
    return np.asarray(arrays["train"]).astype(bool) & (data.labels >= 0)


def _figure(
    data: Dataset,
    ends: Endpoints,
    path: dict[str, Any],
    at: int,
    arrays: dict[str, np.ndarray],
    placed: dict[str, Any],
) -> go.Figure:
    rows, position = data.index_of(path["ids"]), np.asarray(path["position"])
    xy = np.array(placed["xy"], np.float32)
    for t, row in zip((0.0, 1.0, 2.0), rows, strict=True):
        xy[position == t] = arrays["xy"][row]  # the real patches stand where the map has them
    train = _training(data, arrays)
    names = {1: escape_html(data.positive), 0: escape_html(data.class_names[0])}
    points = embedding_map.Points(
        arrays["xy"][train], [str(i) for i in data.ids[train]], np.array([names[int(v)] for v in data.labels[train]]),
        small=np.ones(int(train.sum()), bool),
    )  # fmt: skip
    regions, head = None, path["margin_head"]
    if head and f"values_{head}" in arrays:
        near = np.asarray(arrays["near"]).astype(bool)
        regions = embedding_map.Regions(arrays["x"], arrays["y"], arrays[f"values_{head}"], near)
    real = embedding_map.Marked("real patches", arrays["xy"][rows], list(ENDS), symbol="diamond")
    stop = embedding_map.Marked("this stop", xy[[at]], [stop_title(position[at], ends.extra)])
    figure = embedding_map.boundary_map(
        points, {names[1]: theme.POSITIVE, names[0]: theme.NEGATIVE}, regions, marked=(real, stop),
        dark=st.context.theme.type == "dark",
    )  # fmt: skip
    figure.add_scatter(
        x=xy[:, 0], y=xy[:, 1], mode="lines+markers", name="all stops", hoverinfo="skip",
        line={"color": theme.INK, "width": 1.5}, marker={"size": 5, "color": embedding_map.MARK},
    )  # fmt: skip
    return figure


def stop_title(t: float, extra: tuple[float, ...]) -> str:
    """A stop for people: which mixture it is. extra: the weights of synthetic patches."""
    if t in (0.0, 1.0, 2.0):
        return ENDS[int(t)]
    if t < 1.0:
        return f"anchor × {t:.2f}" + (" (the synthetic patch)" if any(abs(t - w) < 1e-6 for w in extra) else "")
    return f"anchor × {2 - t:.2f}, other"
