"""The graph of one landslide's neighbours on the Balance page: whom it is most like, and which of them gave synthetics.

Comes in: the chosen dataset, run and fold. Goes out: the ids in the graph, for the patch card that a click opens.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.balance import charts, model_queries
from dashboard.balance import pictures as balance_pictures
from dashboard.charts import embedding_map
from dashboard.patches import gallery
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

CLICKED = "balance_kin_clicked"


def section(data: Dataset, run: RunFolder, fold: int, lineage: pd.DataFrame) -> list[str]:
    """Choices, the graph, its edges as a table. lineage: of this fold."""
    ways = {way.name: way for way in composites(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patch_id = balance_pictures.landslide_picker(run, fold, "balance_kin_patch")
        k = int(st.number_input("Neighbours", 1, 12, 5, key="balance_kin_k", width=130))
        second = int(st.number_input("Of each of those", 0, 6, 3, key="balance_kin_second", width=150))
        way = ways[st.selectbox("Shown as", list(ways), key="balance_kin_composite", width=300)]
    try:
        kin = model_queries.kin(run, fold, patch_id, k, second)
        pictures = balance_pictures.thumbnails(data, [patch_id, *kin["nearest"]], gallery.Look(way))
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return []
    made = between(lineage)
    event = downloads.show(
        charts.kin_graph(kin, made, pictures), key=f"balance_kin_{fold}_{patch_id}_{k}_{second}",
        on_select="rerun", selection_mode="points",
    )  # fmt: skip
    _open_clicked(embedding_map.selected_ids(event))
    st.caption(
        f"{escape_markdown(patch_id)} among the {kin['n']:,} {escape_markdown(data.positive)} patches that {theme.fold_title(fold)} "
        "learnt from, by SSIM of the patches as this fold normalises them (−1 to 1); copies of a patch are not its "
        "neighbours. Nearer to the middle: more similar. Orange: synthetic patches were made between the two, their "
        f"number after the SSIM. Faint: the {second} most similar of each neighbour. Click a picture or a point to "
        "open its patch."
    )
    table = edges(kin, made)
    st.dataframe(
        table, hide_index=True, width="stretch", height="content" if len(table) <= 12 else 420,
        column_config={
            "from": "From", "to": "To", "degree": "Degree",
            "ssim": st.column_config.NumberColumn("SSIM", format="%.4f"),
            "synthetics": st.column_config.NumberColumn("Synthetics between", help="Either way round, in this fold."),
        },
    )  # fmt: skip
    downloads.download(table, f"{run.name}_neighbours_{fold}", "Edges (CSV)")
    return list(dict.fromkeys([patch_id, *kin["nearest"], *(row[1] for row in kin["further"])]))


def between(lineage: pd.DataFrame) -> dict[tuple[str, str], int]:
    """(anchor, neighbour) -> how many synthetic patches were made of them."""
    counts = lineage.groupby(["anchor", "neighbour"]).size()
    return {(str(a), str(b)): int(n) for (a, b), n in counts.items()}


def edges(kin: dict, made: dict[tuple[str, str], int]) -> pd.DataFrame:
    """Every edge of the graph: from, to, degree, ssim, synthetics."""
    rows = [(str(kin["id"]), str(name), 1, value) for name, value in zip(kin["nearest"], kin["ssim"], strict=True)]
    rows += [(str(here), str(there), 2, value) for here, there, value in kin["further"]]
    table = pd.DataFrame(rows, columns=["from", "to", "degree", "ssim"])
    pairs = zip(table["from"], table["to"], strict=True)
    return table.assign(synthetics=[made.get((a, b), 0) + made.get((b, a), 0) for a, b in pairs])


def _open_clicked(ids: list[str]) -> None:
    """Open the patch of a new click; a rerun for another reason opens nothing again."""
    if ids and ids != st.session_state.get(CLICKED):
        gallery.open_patch(ids[0])
    st.session_state[CLICKED] = ids
