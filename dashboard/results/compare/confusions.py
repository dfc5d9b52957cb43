"""The confusion matrices of what is compared, beside each other, on the patches that all of them answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pandas as pd
import streamlit as st

from dashboard.charts.scores import confusion_matrix
from dashboard.patches import outcomes
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown


def confusions_view(sides: Sequence[tuple[str, pd.DataFrame]], class_names: tuple[str, str], key: str) -> None:
    """One matrix a side. sides: title, and what it decides (``outcomes.judged``). class_names: (negative, positive)."""
    shared = reduce(lambda a, b: a & b, (set(table["id"]) for _, table in sides))
    st.header("Confusion matrices", anchor=False)
    with st.grid(min_column_width=380, gap="medium"):
        for number, (title, table) in enumerate(sides):
            with st.container(gap=None):
                st.markdown(f"**{escape_markdown(title)}**")
                counts = outcomes.counts(table[table["id"].isin(shared)])
                cells = {name.lower(): n for name, n in counts.items()}
                downloads.show(confusion_matrix(cells, class_names), key=f"{key}_confusion_{number}")
    st.caption(f"Out of fold, the same {len(shared):,} patches for each, at each fold's own threshold.")
