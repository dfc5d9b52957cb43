"""What is known of a patch beside its pixels: facts, everything that was measured of it, and what people said."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.attention import evidence
from core.explain import why
from dashboard.patches.sections.opened import Opened
from dashboard.ui import downloads


def draw(opened: Opened) -> None:
    """Judgements first, then the evidence and the facts."""
    if opened.history is not None:
        opened.history(opened.patch_id)
    if opened.measured:
        st.markdown("**All that was measured**")
        _evidence(opened)
    st.markdown("**Facts**")
    downloads.table(facts_of(opened), hide_index=True, width="stretch", height="content")


def _evidence(opened: Opened) -> None:
    """Everything that was measured, with the rule of each."""
    downloads.table(
        pd.DataFrame(
            {
                "Measured": [one.name for one in opened.measured],
                "This patch": [one.value for one in opened.measured],
                "Unusual if": [one.usual for one in opened.measured],
                "Unusual": ["yes" if one.unusual else "no" for one in opened.measured],
            }
        ),
        hide_index=True, width="stretch", height="content",
    )  # fmt: skip
    st.caption(
        f"Findings, not causes. The class is a random sample of at most {evidence.PER_CLASS} patches with the "
        "same label; brightness is the mean of the visible bands, SAR change the mean size of the change bands. "
        "Neighbours are of the training part of the patch's own fold, in that fold's embedding. Attention is that "
        "of the network's own classifier. Neighbours and attention therefore show how the network sees the patch, "
        f"not what is on the ground. The sentence names at most {why.MOST_SAID} possible reasons."
    )


def facts_of(opened: Opened) -> pd.DataFrame:
    """Id, label, fold, group, place and columns of the patch."""
    data, row, label = opened.data, opened.row, opened.label
    facts = {"Id": data.ids[row], "Label": "none" if label < 0 else data.class_names[label]}
    if opened.scores is not None:
        facts["Fold"] = opened.scores["fold"] + 1
    if data.groups is not None:
        facts["Group"] = data.groups[row]
    if data.split is not None:
        facts["Split"] = data.split[row]
    if data.lonlat is not None:
        facts["Longitude, latitude (°)"] = "{:.5f}, {:.5f}".format(*data.lonlat[row])
    facts |= {name: values[row] for name, values in data.columns.items()}
    return pd.DataFrame({"Fact": list(facts), "Value": [str(value) for value in facts.values()]})
