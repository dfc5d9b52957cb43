"""Where a patch lies among the others: on its fold's projection, and on the ground."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import LandslideLensError
from core.text import counted
from dashboard import theme
from dashboard.charts import embedding_map
from dashboard.dataset import geo_chart
from dashboard.embedding import projections
from dashboard.patches.sections.opened import Opened
from dashboard.ui import downloads
from dashboard.ui.formatting import count
from dashboard.ui.messages import show_error

HEIGHT = 360
MARK = "this patch"
MOST = 6000  # points that are drawn beside it


def has_projection(opened: Opened) -> bool:
    """Whether the run has one of the patch's fold."""
    return opened.scores is not None and (opened.run.fold_path(opened.scores["fold"]) / "umap.safetensors").is_file()


def has_place(opened: Opened) -> bool:
    """Whether it is known where the patch lies."""
    lonlat = opened.data.lonlat
    return lonlat is not None and bool(np.isfinite(lonlat[opened.row]).all())


def is_there(opened: Opened) -> bool:
    """Whether either can be drawn."""
    return has_projection(opened) or has_place(opened)


def draw(opened: Opened) -> None:
    """The projection and the map, as far as there are any."""
    parts = [part for part, there in ((_projection, has_projection), (_map, has_place)) if there(opened)]
    columns = st.columns(2, gap="medium")
    for column, part in zip(columns, parts, strict=False):
        with column:
            part(opened)


def _projection(opened: Opened) -> None:
    data, fold = opened.data, opened.scores["fold"]
    try:
        xy = projections.read(opened.run, fold).arrays["xy"]
    except LandslideLensError as error:
        show_error(error, ":material/scatter_plot:")
        return
    rows = _drawn(np.flatnonzero(np.isfinite(xy).all(axis=1)), opened.row)
    points = embedding_map.Points(xy=xy[rows], ids=data.ids[rows].astype(str).tolist(), group=_class_of(opened, rows))
    marked = embedding_map.Marked(MARK, xy[[opened.row]], [opened.patch_id])
    figure = embedding_map.boundary_map(
        points, _colours(opened), marked=[marked], height=HEIGHT, dark=st.context.theme.type == "dark"
    ).update_layout(dragmode="pan")
    st.markdown(f"**On the projection** of {theme.fold_title(fold)}")
    downloads.show(figure, key="card_projection", alt=f"Projection of {count(len(rows))} patches, this one marked.")
    st.caption(
        f"{count(len(rows))} patches by their label, in the embedding of the network that did not see this one. Near "
        "each other: alike to the network."
    )


def _map(opened: Opened) -> None:
    data = opened.data
    rows = _drawn(np.flatnonzero(np.isfinite(data.lonlat).all(axis=1)), opened.row)
    ids = data.ids[rows].astype(str).tolist()
    group = np.where(rows == opened.row, MARK, _class_of(opened, rows))
    places = geo_chart.Places(data.lonlat[rows], ids, ids, group)
    figure = geo_chart.place_map(places, _colours(opened) | {MARK: embedding_map.MARK})
    figure.update_layout(height=HEIGHT, dragmode="pan")
    figure.update_xaxes(title_text="").update_yaxes(title_text="")  # the line above it says what is degrees
    figure.data[-1].marker.update(size=15, symbol="star", line={"width": 1.5, "color": "#16191D"}, opacity=1)
    lon, lat = data.lonlat[opened.row]
    where = f"{abs(lat):.4f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.4f}° {'E' if lon >= 0 else 'W'}"
    st.markdown(f"**On the map**, {where}")
    downloads.show(figure, key="card_map", alt=f"Map of {count(len(rows))} patches, this one marked.")
    if data.groups is not None:
        n = int((data.groups == data.groups[opened.row]).sum()) - 1
        words = counted(n, "other patch is of its group and stays", "other patches are of its group and stay")
        st.caption(f"{words} in one fold with it." if n else "No other patch is of its group.")


def _drawn(rows: np.ndarray, own: int) -> np.ndarray:
    """At most ``MOST`` of the rows, evenly, the patch itself among them."""
    if len(rows) <= MOST:
        return rows
    return np.union1d(rows[np.linspace(0, len(rows) - 1, MOST).astype(int)], [own])


def _class_of(opened: Opened, rows: np.ndarray) -> np.ndarray:
    names = np.array([*opened.data.class_names, "unlabelled"], object)
    return names[np.where(opened.data.labels[rows] < 0, 2, opened.data.labels[rows])]


def _colours(opened: Opened) -> dict[str, str]:
    other, positive = opened.data.class_names
    return {other: theme.CLASS[0], positive: theme.CLASS[1], "unlabelled": theme.UNLABELLED}
