"""A preview of SSIM-SMOTE on a dataset, without a run."""

from __future__ import annotations

import annotated_types as limits
import pandas as pd
import streamlit as st

from core.config import SmoteConfig
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.preflight.smote_preview import DEFAULTS, MOST
from dashboard import cache, url_state
from dashboard.balance.synthetic import recomputed, spread
from dashboard.balance.triplets import triplets
from dashboard.jobs import model_client
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

_BOUNDS = {type(item): item for item in SmoteConfig.model_fields["k_neighbors"].metadata}
NEIGHBOURS = (_BOUNDS[limits.Ge].ge, _BOUNDS[limits.Le].le)  # fewest and most


def section(data: Dataset) -> None:
    """The number of neighbours, the button, and what SSIM-SMOTE makes."""
    n_positive, positive = int((data.labels == 1).sum()), escape_markdown(data.positive)
    if n_positive < 2:
        st.info(
            f"SSIM-SMOTE needs at least two {positive} patches; this dataset has {n_positive}.", icon=":material/info:"
        )
        return
    st.markdown(
        f"A **preview** of SSIM-SMOTE on {min(n_positive, MOST):,} of the {n_positive:,} {positive} patches: one "
        "synthetic patch for each. It belongs to no run and no fold."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        k = url_state.number(
            "Neighbours", *NEIGHBOURS, DEFAULTS.k_neighbors, key="balance_preview_k", width=160,
            help=SmoteConfig.model_fields["k_neighbors"].description,
        )  # fmt: skip
        if st.button("Make the preview", type="primary", icon=":material/auto_awesome:", key="balance_preview"):
            st.session_state["balance_previewed"] = data.name
    if st.session_state.get("balance_previewed") != data.name:
        return
    try:
        lineage = _lineage(str(data.path), cache.file_version(data.path), int(k))
    except LandslideLensError as error:
        show_error(error)
        return
    if lineage.empty:
        st.info("All these patches are copies of one another, so there is nothing between them.",
                icon=":material/info:")  # fmt: skip
        return
    triplets(data, lineage.drop(columns="fold"), fold_picker=False)
    with st.expander("Similarity of all parents", icon=":material/scatter_plot:"):
        spread(lineage)
    with st.expander("How this was made", icon=":material/info:"):
        recomputed()
    downloads.download(lineage, f"{data.name}_smote_preview", "Lineage of the preview (CSV)")


@st.cache_data(max_entries=8, show_spinner="Comparing every pair of landslides…", show_time=True)
def _lineage(path: str, version: cache.Version, k_neighbors: int) -> pd.DataFrame:
    request = {"do": "smote_preview", "dataset": path, "k_neighbors": k_neighbors}
    return pd.DataFrame(model_client.models().ask(request)["lineage"])
