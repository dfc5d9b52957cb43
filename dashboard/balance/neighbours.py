"""The view of one landslide's neighbours: which are most similar to it, and between which synthetics were made."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.smote.neighbours import MOST, SHOWN
from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.balance import model_queries
from dashboard.balance import pictures as balance_pictures
from dashboard.balance.neighbour_graph import neighbour_figure
from dashboard.charts import embedding_map
from dashboard.patches import gallery
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

CLICKED = "balance_neighbours_clicked"
TABLE_PX = 420  # height of a long table


def section(data: Dataset, run: RunFolder, lineage: pd.DataFrame) -> list[str]:
    """Choices, the graph, its edges as a table; the ids in the graph. lineage: of all folds."""
    by_name = {composite.name: composite for composite in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        lineage = balance_pictures.of_chosen_fold(lineage)
        fold = int(lineage["fold"].iloc[0])
        patch_id = balance_pictures.landslide_picker(run, fold, "balance_neighbours_patch")
        k = int(url_state.number("Neighbours", 1, MOST, SHOWN[0], key="balance_neighbours_k", width=130))
        second = int(
            url_state.number("Of each neighbour", 0, MOST, SHOWN[1], key="balance_neighbours_second", width=150)
        )
        with st.popover("Picture", icon=":material/tune:"):
            composite = by_name[gallery.composite_picker(list(by_name), "balance_neighbours")]
    try:
        graph = model_queries.neighbours(run, fold, patch_id, k, second)
        pictures = balance_pictures.thumbnails(data, [patch_id, *graph["nearest"]], gallery.Look(composite))
    except LandslideLensError as error:
        show_error(error)
        return []
    made = between(lineage)
    table = edges(graph, made)
    st.markdown(reading(table, data))
    beside = st.grid(5, min_column_width=170, gap="small")
    with beside.cell(column_span=3):
        event = downloads.show(
            neighbour_figure(graph, made, pictures), key=f"balance_neighbours_{fold}_{patch_id}_{k}_{second}",
            on_select="rerun", selection_mode="points",
        )  # fmt: skip
        _open_clicked(embedding_map.selected_ids(event))
    with beside.cell(column_span=2):
        downloads.table(
            table, hide_index=True, width="stretch", height="content" if len(table) <= 12 else TABLE_PX,
            column_config={
                "from": "From", "to": "To", "degree": None,
                "ssim": st.column_config.NumberColumn("SSIM", format="%.3f"),
                "synthetics": st.column_config.NumberColumn("Synthetic", help="Made of the two, either way round."),
            },
        )  # fmt: skip
        downloads.download(table, f"{run.name}_neighbours_{fold}", "Edges (CSV)")
        st.caption("Number on a line: SSIM · synthetic patches made of the two. Click a picture to open its patch.")
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            f"{escape_markdown(patch_id)} among the {graph['n']:,} {escape_markdown(data.positive)} patches that "
            f"{theme.fold_title(fold)} was trained on, by SSIM of the patches as this fold normalises them (−1 to 1). "
            "Exact copies are not neighbours. Closer to the middle: more similar. Orange lines: synthetic patches were "
            f"made of the two. Faint points: the {second} most similar of each neighbour."
        )
    return list(dict.fromkeys([patch_id, *graph["nearest"], *(row[1] for row in graph["further"])]))


def reading(table: pd.DataFrame, data: Dataset) -> str:
    """Which landslide is the most similar and how many of the nearest were used, in a sentence. table: :func:`edges`"""
    nearest = table[table["degree"] == 1]
    if nearest.empty:
        return f"No other {escape_markdown(data.positive)} patch can be compared with this one."
    first, used = nearest.iloc[0], int((nearest["synthetics"] > 0).sum())
    similarity = f"{first['ssim']:.2f}".replace("-", "−")
    return (
        f"**{escape_markdown(first['from'])}** is most similar to **{escape_markdown(first['to'])}** (SSIM "
        f"{similarity}); {int(nearest['synthetics'].sum()):,} synthetic patches were made of it and {used} of these "
        f"{len(nearest)} neighbours."
    )


def between(lineage: pd.DataFrame) -> dict[tuple[str, str], int]:
    """(anchor, neighbour) -> how many synthetic patches were made of them."""
    counts = lineage.groupby(["anchor", "neighbour"]).size()
    return {(str(a), str(b)): int(n) for (a, b), n in counts.items()}


def edges(graph: dict, made: dict[tuple[str, str], int]) -> pd.DataFrame:
    """Every edge of the graph: from, to, degree, ssim, synthetics."""
    rows = [(str(graph["id"]), str(name), 1, ssim) for name, ssim in zip(graph["nearest"], graph["ssim"], strict=True)]
    rows += [(str(start), str(end), 2, ssim) for start, end, ssim in graph["further"]]
    table = pd.DataFrame(rows, columns=["from", "to", "degree", "ssim"])
    pairs = zip(table["from"], table["to"], strict=True)
    return table.assign(synthetics=[made.get((a, b), 0) + made.get((b, a), 0) for a, b in pairs])


def _open_clicked(ids: list[str]) -> None:
    """Open the patch of a new click; a rerun for another reason opens nothing again."""
    if ids and ids != st.session_state.get(CLICKED):
        gallery.open_patch(ids[0])
    st.session_state[CLICKED] = ids
