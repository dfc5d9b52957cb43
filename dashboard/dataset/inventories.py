"""Inventories of landslides on the Map view: joined to the patches by place, shown, downloaded, removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.datasets import inventory_join
from core.data import uploads
from core.data.by_class import balance
from core.data.inventories.join import Join, join_path, read_join, remove_join
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.targets import DatasetTarget
from dashboard import allowed, cache, state
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.fields import field_widget
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

NAME = inventory_join.ANALYSIS.name
FILTERS = ("within_km", "max_accuracy_km", "min_confidence")
MOST_EVENTS = 2000  # on the map at once
COLUMN_WORDS = {
    "id": "Patch", "event_id": "Event", "event_inventory": "Inventory", "event_date": "Date", "event_size": "Size",
    "event_elevation_m": "Elevation (m)", "event_confidence": "Confidence",
    "event_accuracy_km": "Location accuracy (km)",
    "event_category": "Kind", "event_trigger": "Trigger", "distance_km": "Distance (km)",
    "n_within": "Events within reach", "n_tied": "Equally near", "n_shared": "Patches with this event",
}  # fmt: skip


def kept_join(data: Dataset) -> Join | None:
    """The join kept beside the dataset; where it cannot be used, the reason, and None."""
    try:
        return _read(str(data.path), cache.file_version(data.path), cache.file_version(join_path(data.path)))
    except LandslideLensError as error:
        st.warning(escape_markdown(error), icon=":material/link_off:")
        st.button(
            "Remove it", key="inventory_remove_damaged", on_click=remove_join, args=(data.path,), **allowed.to("train")
        )
        return None


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(path: str, version: cache.Version, join_version: cache.Version) -> Join | None:
    return read_join(cache.dataset(path))


def drawn_events(join: Join) -> pd.DataFrame:
    """The events that a map can show at once: those of patches first, then as many others, drawn evenly, as fit."""
    events = join.events
    if len(events) <= MOST_EVENTS:
        return events
    known = join.table[join.joined][["event_longitude", "event_latitude"]].drop_duplicates()
    places = pd.MultiIndex.from_frame(events[["longitude", "latitude"]])
    has_patch = places.isin(pd.MultiIndex.from_frame(known))
    of_patches, others = np.flatnonzero(has_patch)[:MOST_EVENTS], np.flatnonzero(~has_patch)
    room = min(MOST_EVENTS - len(of_patches), len(others))
    evenly = others[np.linspace(0, len(others) - 1, room).astype(int)] if room else others[:0]
    return events.iloc[np.sort(np.concatenate([of_patches, evenly]))]


def inventories(data: Dataset, join: Join | None) -> None:
    """The join, and the form that makes one."""
    st.header("Inventories", anchor=False)
    target = cache.dataset_target(data.path, state.checkpoints())
    if analyses.follow(target, NAME):
        return
    if join is not None:
        _report(target)
        _show(data, join)
    with st.expander("Join inventories to the patches", expanded=join is None):
        _form(target)


def _form(target: DatasetTarget) -> None:
    st.markdown(
        "NASA's COOLR or Global Landslide Catalog, the USGS compilation, or any CSV with longitude and latitude in "
        "degrees. Each patch gets the nearest event, with date, size, elevation and confidence where they are known. "
        "The result is saved next to the dataset file, which does not change."
    )
    with st.form("inventory_form", border=False):
        sent = st.file_uploader(
            f"CSV files, at most {uploads.MAX_MB} MB each", type="csv", accept_multiple_files=True,
            key="inventory_upload",
        )  # fmt: skip
        source = st.text_input(
            "Or the path of a CSV on the server", key="inventory_source", placeholder="/data/coolr.csv"
        ).strip()
        options = {}
        with st.grid(min_column_width=220):
            for name in FILTERS:
                field = inventory_join.InventoryOptions.model_fields[name]
                key = f"inventory_{name}"
                options[name] = field_widget(field.title, field, field.default, key, placeholder="any")
        if not st.form_submit_button("Join", type="primary", icon=":material/join:", **allowed.to("train")):
            return
    try:
        _begin(target, sent or [], source, options)
    except (LandslideLensError, OSError) as error:
        show_error(error)


def _begin(target: DatasetTarget, sent: Sequence, source: str, options: dict) -> None:
    if not sent and not source:
        raise LandslideLensError("Upload a CSV, or give the path of one on the server.")
    files, names = [], [upload.name for upload in sent]
    folder = (
        uploads.keep([uploads.Upload(one.name, one, (".csv",)) for one in sent], target.checkpoints) if sent else None
    )
    if folder:
        files += uploads.files_in(folder)
    if source:
        files, names = [*files, source], [*names, Path(source).name]
    analyses.begin(target, NAME, {**options, "files": files, "names": names, "uploaded": folder is not None})
    if folder:  # it could not be queued
        uploads.forget(folder)


def _report(target: DatasetTarget) -> None:
    found = or_stop(lambda: inventory_join.read(target))
    if found is None:
        return
    aside = found.aside
    st.caption(f"{found.report['events']:,} events read, {len(aside):,} rows set aside.")
    for note in found.report["notes"]:
        st.info(escape_markdown(note), icon=":material/info:")
    if len(aside):
        with st.expander(f"Rows set aside ({len(aside):,})"):
            table = aside[["file", "line", "reason"]].rename(columns=str.capitalize)
            downloads.table(table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 320)
            downloads.download(table, "inventory_set_aside", "Rows set aside")


def _show(data: Dataset, join: Join) -> None:
    """How many patches have an event, by class; the table; how to undo it."""
    card, joined = join.card, join.joined
    shares = {
        name: (int(joined[data.labels == label].sum()), int((data.labels == label).sum()))
        for label, name in ((1, data.positive), (0, data.class_names[0]))
    }
    with st.grid(min_column_width=160):
        st.metric("With an event", f"{int(joined.sum()):,}", f"{joined.mean():.1%} of {len(data):,}",
                  border=True, delta_color="off", delta_arrow="off")  # fmt: skip
        for name, (k, n) in shares.items():
            share = f"{k / n:.1%} of {n:,}" if n else "no such patch"
            st.metric(f"of {escape_markdown(name)}", f"{k:,}", share, border=True, delta_color="off", delta_arrow="off")
        st.metric("Events used", f"{card['n_used']:,}", f"of {card['n_events']:,} read", border=True,
                  delta_color="off", delta_arrow="off")  # fmt: skip
    st.caption(
        f"The nearest event of each patch within {card['within_km']:g} km, from "
        f"{escape_markdown(', '.join(card['inventories']))}. "
        f"{card['n_tied']:,} patches have several equally near events; the one with the higher confidence was taken. "
        f"{card['n_shared']:,} patches share their event with another patch."
    )
    _warn_of_leak(shares)
    table = join.table[joined].rename(columns=COLUMN_WORDS)
    downloads.table(
        table[[word for word in COLUMN_WORDS.values() if word in table]], hide_index=True, width="stretch",
        height="content" if len(table) <= 8 else 320,
        column_config={"Distance (km)": st.column_config.NumberColumn(format="%.2f")},
    )  # fmt: skip
    _sizes(data, join)
    with st.container(horizontal=True):
        downloads.download(lambda: join.table, f"{data.name}_inventory", "Joined events of all patches")
        downloads.download(lambda: join.events, f"{data.name}_inventory_events", "Events around the patches")
        st.button(
            "Remove the joined events", icon=":material/undo:", type="tertiary", key="inventory_remove",
            on_click=remove_join, args=(data.path,),
            **allowed.to("train", help="Deletes the files next to the dataset; the dataset itself was never changed."),
        )  # fmt: skip


def _warn_of_leak(shares: dict[str, tuple[int, int]]) -> None:
    """An inventory lists landslides: having an event can give the label away."""
    (k1, n1), (k0, n0) = shares.values()
    if n1 and n0 and abs(k1 / n1 - k0 / n0) > 0.2:
        st.warning(
            "Whether a patch has an event says a lot about its class here. A model that uses these columns can read "
            "the label from missing values; evaluate it without them too.",
            icon=":material/warning:",
        )


def _sizes(data: Dataset, join: Join) -> None:
    sizes = join.table["event_size"].to_numpy(str)[join.joined]
    if not any(sizes):
        return
    with st.expander("Sizes of the joined events by class"):
        named = [size.replace("_", " ") or "not stated" for size in sizes]
        table = balance(data.labels[join.joined], named)[["value", "patches", "positive", "negative", "unlabelled"]]
        words = {"value": "Size", "positive": data.positive, "negative": data.class_names[0]}
        downloads.table(table.rename(columns=words), hide_index=True, width="stretch", height="content")
