"""Inventories of landslides on the Map view: read, joined to the patches by place, shown, downloaded, removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data.by_class import balance
from core.data.inventories import read_inventory
from core.data.inventories.join import Join, join_dataset, join_path, read_join, remove_join, write_join
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cache, state
from dashboard.dataset import import_task
from dashboard.jobs import background
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

KIND = "inventory"
MOST_EVENTS = 2000  # on the map at once
COLUMN_WORDS = {
    "id": "Patch", "event_id": "Event", "event_inventory": "Inventory", "event_date": "Date", "event_size": "Size",
    "event_elevation_m": "Elevation (m)", "event_confidence": "Confidence", "event_accuracy_km": "Place known to (km)",
    "event_category": "Kind", "event_trigger": "Trigger", "distance_km": "Distance (km)",
    "n_within": "Events within reach", "n_tied": "As near", "n_shared": "Patches with this event",
}  # fmt: skip


def kept_join(data: Dataset) -> Join | None:
    """The join kept beside the dataset; one that cannot be used is told of and left out."""
    try:
        return _read(str(data.path), cache.file_version(data.path), cache.file_version(join_path(data.path)))
    except LandslideLensError as error:
        st.warning(escape_markdown(error), icon=":material/link_off:")
        st.button("Remove it", key="inventory_remove_damaged", on_click=remove_join, args=(data.path,))
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
    """The join that there is, and the form that makes one."""
    st.subheader("Inventories", anchor=False)
    root = state.checkpoints()
    task = background.newest(root, KIND)
    if task is not None and task.facts["dataset"] == data.name:
        st.fragment(_follow, run_every=1 if task.running else None)(task.running)
        if task.running:
            return
    if join is not None:
        _show(data, join)
    with st.expander("Join inventories to the patches", expanded=join is None):
        _form(data)


def _form(data: Dataset) -> None:
    st.markdown(
        "NASA's COOLR or Global Landslide Catalog, the USGS compilation, or any CSV with columns of longitude and "
        "latitude in degrees. Each patch gets the nearest event, its date, size, elevation and confidence where they "
        "are known; they are kept in a file beside the dataset, which itself stays as it is."
    )
    with st.form("inventory_form", border=False):
        uploads = st.file_uploader(
            f"CSV files, at most {import_task.MAX_UPLOAD_MB} MB each", type="csv", accept_multiple_files=True,
            key="inventory_upload",
        )  # fmt: skip
        source = st.text_input(
            "Or a CSV on the machine that runs this dashboard", key="inventory_source", placeholder="/data/coolr.csv"
        ).strip()
        with st.grid(min_column_width=220):
            within = st.number_input("Join within (km)", 0.01, 500.0, 1.0, step=0.5, key="inventory_within")
            accuracy = st.number_input(
                "Place known to at least (km)", 0.0, 500.0, None, key="inventory_accuracy", placeholder="any",
                help="NASA states how well each place is known, from exact to 250 km. Events known less well than this "
                "are left out; those that state nothing stay.",
            )  # fmt: skip
            confidence = st.number_input(
                "Confidence of at least", 1.0, 8.0, None, step=1.0, key="inventory_confidence", placeholder="any",
                help="The USGS says 1 possible, 2 probable, 3 likely, 5 confident, 8 high confidence in the extent.",
            )  # fmt: skip
        if not st.form_submit_button("Join", type="primary", icon=":material/join:"):
            return
    try:
        _begin(data, uploads or [], source, within, accuracy, confidence)
    except (LandslideLensError, OSError) as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    st.rerun()


def _begin(
    data: Dataset, uploads, source: str, within: float, accuracy: float | None, confidence: float | None
) -> None:
    if not uploads and not source:
        raise LandslideLensError("Upload a CSV, or write the path of one on the machine that runs this dashboard.")
    root = state.checkpoints()
    files = [(import_task.keep_upload(root, upload.name, upload, (".csv",)), upload.name) for upload in uploads]
    folders = [path.parent for path, _ in files]
    files += [(Path(source).expanduser(), Path(source).name)] if source else []

    def work(task: background.Task) -> dict:
        read = []
        for number, (path, name) in enumerate(files):
            task.step(number, len(files) + 1, f"Reading {name}.")
            read.append(read_inventory(path, name))
        task.step(len(files), len(files) + 1, "Joining by place.")
        made = join_dataset(data, read, within, max_accuracy_km=accuracy, min_confidence=confidence)
        write_join(data.path, made)
        aside = pd.concat([one.aside.assign(file=one.name) for one in read], ignore_index=True)
        notes = [f"{one.name}: {note}" for one in read for note in one.notes]
        return {"aside": aside, "notes": notes, "events": sum(map(len, read))}

    def after() -> None:
        for folder in folders:
            import_task.discard(folder)

    try:
        background.start(root, KIND, f"Joining inventories to {data.name}", work, {"dataset": data.name}, after)
    except LandslideLensError:
        after()
        raise


def _follow(was_running: bool) -> None:
    root = state.checkpoints()
    task = background.newest(root, KIND)
    if task is None or (was_running and not task.running):
        st.rerun()
    if task.running:
        background.show_progress(task, "", "inventory")
        return
    if task.cancelled:
        st.warning("Joining was cancelled; what was there before stays.", icon=":material/cancel:")
    elif task.error:
        st.error(escape_markdown(task.error), icon=":material/error:")
    else:
        _told(task.result)


def _told(result: dict) -> None:
    aside = result["aside"]
    st.success(f"{result['events']:,} events read, {len(aside):,} rows set aside.", icon=":material/check_circle:")
    for note in result["notes"]:
        st.info(escape_markdown(note), icon=":material/info:")
    if len(aside):
        with st.expander(f"Rows that were set aside ({len(aside):,})"):
            table = aside[["file", "line", "reason"]].rename(columns=str.capitalize)
            st.dataframe(table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 320)
            downloads.download(table, "inventory_set_aside", "Rows set aside")


def _show(data: Dataset, join: Join) -> None:
    """How many patches have an event, of which class; the table; the way back."""
    card, joined = join.card, join.joined
    shares = {
        name: (int(joined[data.labels == label].sum()), int((data.labels == label).sum()))
        for label, name in ((1, data.positive), (0, data.class_names[0]))
    }
    with st.grid(min_column_width=160):
        st.metric("With an event", f"{int(joined.sum()):,}", f"{joined.mean():.1%} of {len(data):,}",
                  border=True, delta_color="off", delta_arrow="off")  # fmt: skip
        for name, (k, n) in shares.items():
            st.metric(f"of {escape_markdown(name)}", f"{k:,}", f"{k / n:.1%} of {n:,}" if n else "no such patch", border=True,
                      delta_color="off", delta_arrow="off")  # fmt: skip
        st.metric("Events used", f"{card['n_used']:,}", f"of {card['n_events']:,} read", border=True,
                  delta_color="off", delta_arrow="off")  # fmt: skip
    st.caption(
        f"The nearest event of each patch within {card['within_km']:g} km, from "
        f"{escape_markdown(', '.join(card['inventories']))}. Several events equally near: {card['n_tied']:,} of the "
        f"patches; the surer event was taken. Sharing their event with another patch: {card['n_shared']:,}."
    )
    _warn_of_leak(shares)
    table = join.table[joined].rename(columns=COLUMN_WORDS)
    st.dataframe(
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
            on_click=_remove, args=(data.path,),
            help="Deletes the file beside the dataset; the dataset itself was never changed.",
        )  # fmt: skip


def _warn_of_leak(shares: dict[str, tuple[int, int]]) -> None:
    """An inventory lists landslides: having an event can be the label in other words."""
    (k1, n1), (k0, n0) = shares.values()
    if n1 and n0 and abs(k1 / n1 - k0 / n0) > 0.2:
        st.warning(
            "Whether a patch has an event says much about its class here. A model that is given these columns can read "
            "the label from a value being absent; judge it without them too.",
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
        st.dataframe(table.rename(columns=words), hide_index=True, width="stretch", height="content")


def _remove(dataset: Path) -> None:
    remove_join(dataset)
    background.forget(state.checkpoints(), KIND)
