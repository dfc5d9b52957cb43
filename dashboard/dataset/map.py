"""Where the patches lie: a map of their coordinates, a selection that opens patches, inventories joined by place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.inventories.join import Join
from core.data.store import Dataset
from dashboard import theme, url_state
from dashboard.charts import embedding_map
from dashboard.dataset import geo_chart, inventories
from dashboard.dataset.bands import value
from dashboard.patches import card, gallery
from dashboard.ui import downloads, empty_states
from dashboard.ui.formatting import class_word, escape_markdown

MOST_SHOWN = 36  # pictures of a selection
MOST_GROUPS = 8  # that get a colour of their own
OTHERS, NONE = "all others", "not stated"


def places(data: Dataset) -> None:
    """The map and the inventories; without coordinates, what would bring them."""
    if data.lonlat is None or not np.isfinite(data.lonlat).all(axis=1).any():
        empty_states.empty_state(
            "These patches have no coordinates",
            "A map, and inventories joined by place, need to know where each patch lies. GeoTIFFs with a coordinate "
            "system bring that when they are imported.",
            "Import GeoTIFFs",
            empty_states.open_import,
            ":material/location_off:",
        )
        return
    join = inventories.kept_join(data)
    placed = np.flatnonzero(np.isfinite(data.lonlat).all(axis=1))
    st.markdown(sentence(data, placed))
    ways = {"class": "Class"}
    ways |= {"split": "Split"} if data.split is not None else {}
    ways |= {"group": "Group"} if data.groups is not None else {}
    ways |= {"event": "Has an event"} if join is not None else {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = "class"
        if len(ways) > 1:
            way = url_state.choose(
                st.segmented_control, "Coloured by", list(ways), key="map_colour", default="class", required=True,
                format_func=ways.get,
            )  # fmt: skip
        tiles = url_state.toggle(
            "Background map from openstreetmap.org", key="map_tiles",
            help="Your browser then asks openstreetmap.org for pictures of this area. Without it nothing is asked of "
            "the network.",
        )  # fmt: skip
    group, colours = _grouping(data, way, join)
    hover = [f"{data.ids[row]}, {_class_name(data, int(data.labels[row]))}" for row in placed]
    shown = geo_chart.Places(data.lonlat[placed], data.ids[placed].tolist(), hover, group[placed])
    events = None if join is None else inventories.drawn_events(join)
    figure = geo_chart.place_map(shown, colours, events, None if join is None else _lines(data, join), tiles)
    key = f"data_map_{way}_{tiles}"
    if tiles:  # a selection on tiles does not reach the server
        event = None
        downloads.show(figure, key=key)
    else:
        event = downloads.show(figure, key=key, on_select="rerun", selection_mode=("points", "box", "lasso"))
    st.caption(
        f"{len(placed):,} of {len(data):,} patches of {escape_markdown(data.name)}"
        + (f"; {len(events):,} of {len(join.events):,} events around them" if join is not None else "")
        + "."
        + (" Background © OpenStreetMap contributors." if tiles else ""),
        help="Proportions are true at the middle latitude. Without the background map nothing is asked of the network.",
    )
    chosen = embedding_map.selected_ids(event)
    if tiles:
        st.markdown("Switch the background map off to select patches.")
    else:
        _selection(data, chosen)
    downloads.download(lambda: _coordinates(data, placed), f"{data.name}_coordinates", "Coordinates")
    inventories.inventories(data, join)
    card.show_opened(data, None, chosen)


def sentence(data: Dataset, placed: np.ndarray) -> str:
    """How many patches have a place, and how far they spread, as Markdown."""
    low, high = data.lonlat[placed].min(axis=0), data.lonlat[placed].max(axis=0)
    tall = (high[1] - low[1]) * geo_chart.KM_PER_DEGREE
    wide = (high[0] - low[0]) * geo_chart.KM_PER_DEGREE * np.cos(np.radians((low[1] + high[1]) / 2))
    n = "All" if len(placed) == len(data) else f"{len(placed):,} of"
    return f"**{n} {len(data):,} patches** have coordinates; they spread over {value(wide)} by {value(tall)} km."


def _selection(data: Dataset, ids: list[str]) -> None:
    if not ids:
        st.markdown("Drag a box over the map, or click a point: its patches appear here.")
        return
    rows = data.index_of(ids)
    table = pd.DataFrame({"id": ids, "label": data.labels[rows]})
    st.caption(
        f"{len(ids):,} patches selected, {int((table['label'] == 1).sum()):,} of them {escape_markdown(data.positive)}"
        + (f"; the first {MOST_SHOWN} are shown." if len(ids) > MOST_SHOWN else ".")
    )
    look = gallery.look_controls(data, "map_look")
    gallery.gallery(data, table.head(MOST_SHOWN), look, "map", caption=lambda row: class_word(data, int(row["label"])))


def _grouping(data: Dataset, way: str, join: Join | None) -> tuple[np.ndarray, dict[str, str]]:
    """(N,) name of each patch's legend entry, and the entries' colours."""
    if way == "class":
        names = {label: _class_name(data, label) for label in (0, 1, -1)}
        return np.array([names[int(v)] for v in data.labels], object), {names[k]: theme.CLASS[k] for k in (0, 1, -1)}
    if way == "event" and join is not None:
        words = {True: "has an event", False: "has none"}
        return np.array([words[bool(v)] for v in join.joined], object), {
            words[False]: theme.UNLABELLED, words[True]: geo_chart.EVENT,
        }  # fmt: skip
    values = np.asarray(data.split if way == "split" else data.groups).astype(object)
    values = np.where(values == "", NONE, values)
    names, counts = np.unique(values.astype(str), return_counts=True)
    first = names[np.argsort(-counts, kind="stable")][:MOST_GROUPS].tolist()
    colours = {name: theme.fold_colour(place) for place, name in enumerate(first)}
    if len(names) > len(first):
        values = np.where(np.isin(values.astype(str), first), values, OTHERS)
        colours = {OTHERS: theme.UNLABELLED, **colours}
    return values, colours


def _class_name(data: Dataset, label: int) -> str:
    return "unlabelled" if label < 0 else data.class_names[label]


def _lines(data: Dataset, join: Join) -> np.ndarray:
    """(m, 2, 2): from every joined patch to its event."""
    rows = np.flatnonzero(join.joined)
    to = join.table.loc[rows, ["event_longitude", "event_latitude"]].to_numpy(float)
    return np.stack([data.lonlat[rows], to], axis=1)


def _coordinates(data: Dataset, placed: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": data.ids[placed],
            "label": data.labels[placed],
            "longitude": data.lonlat[placed, 0],
            "latitude": data.lonlat[placed, 1],
        }
    )
