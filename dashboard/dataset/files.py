"""Shortcuts in the files: what size, format, compression, borders and names of the source give away of the label."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.data.check.files import sentence
from core.data.shortcuts.betrayed import ALL, PROPERTIES, Betrayal, Betrayals
from core.data.store import Dataset
from dashboard.dataset import exclusions, file_charts
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

PARTS = {"bytes_per_pixel": "Bytes a pixel", "blocks": "Steps at JPEG's block edges (log ratio)", "frame": "Border",
         "name_pattern": "Name, # for numbers", "format": "Format", "encoding": "Saved as",
         "order": "Place in the order of names"}  # fmt: skip


def shortcuts(data: Dataset, found: Betrayals | None) -> None:
    """What was found, with a picture; closed where nothing was, and why where it cannot be told."""
    if found is None:
        st.caption("Whether the source files give the label away was not looked at yet. Check the dataset again.")
        return
    if not found.rows:
        said = found.note or "All files are alike: none of their properties can tell the label."
        st.caption(f"Shortcuts in the files: {escape_markdown(said)}")
        return
    alarms = [row for row in found.rows if row.tells and row.kind == "pixels" and row.name != ALL]
    names = [row for row in found.rows if row.tells and row.kind == "names"]
    if alarms:
        st.header("Shortcuts in the files", anchor=False)
        _figures(data, found, alarms[0])
    else:
        with st.expander("Shortcuts in the files: nothing that a network can see"):
            _figures(data, found, (names or list(found.rows))[0])


def _figures(data: Dataset, found: Betrayals, worst: Betrayal) -> None:
    if worst.kind == "pixels" and worst.tells:
        words = f"How well each property alone tells the classes apart, and {worst.title} by class"
    else:
        words = sentence(worst, data.positive)
    st.markdown(f"{escape_markdown(words)}.")
    grid = st.grid(2, min_column_width=340, gap="medium")
    with grid.cell():
        downloads.show(file_charts.telling(found.rows), key="files_telling")
    if (figure := _by_class(data, worst)) is not None:
        with grid.cell():
            downloads.show(figure, key="files_by_class")
    same = f"The same for all files: {', '.join(found.same)}." if found.same else ""
    st.caption(
        f"{found.n:,} patches in {found.n_groups:,} groups, {found.n_positive / max(found.n, 1):.1%} "
        f"{escape_markdown(data.positive)}; lines are 95% intervals. Filled: leaves traces in the pixels; open: a "
        f"network does not see it, or it follows from what the picture shows. {escape_markdown(same)} "
        f"{escape_markdown(found.note)}".strip(),
        help="Trees learn each property on four of five folds (whole groups) and are judged on the fifth; groups are "
        "resampled for the intervals. A warning needs an AUC of at least 0.6 (dotted) and p below 0.05 after Holm's "
        "correction for all properties tested. Properties are read when the files are imported.",
    )


def _by_class(data: Dataset, row: Betrayal) -> go.Figure | None:
    """The property by class; None for all together."""
    labels = exclusions.labels_in_use(data)
    if row.name in ("size", "noted_size"):
        columns = data.files if row.name == "size" else {name.lower(): of for name, of in data.columns.items()}
        pairs = (("width", "height"), ("image_width", "image_height"), ("img_width", "img_height"))
        both = next(((a, b) for a, b in pairs if a in columns and b in columns), None)
        return both and file_charts.sizes(
            np.asarray(columns[both[0]], float), np.asarray(columns[both[1]], float), labels, data.class_names
        )
    part = PROPERTIES[row.name].parts[0] if row.name in PROPERTIES else ""
    if part not in data.files:
        return None
    values = data.files[part]
    draw = file_charts.shares if values.dtype.kind == "U" else file_charts.spread
    return draw(values, labels, data.class_names, PARTS[part])
