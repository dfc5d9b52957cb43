"""What balancing did, in one sentence; where it did next to nothing, that and where to see more."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.labels import title_of
from core.runs.store import RunFolder
from dashboard import cache, state
from dashboard.ui.formatting import escape_markdown, percent
from dashboard.ui.view_switch import open_from_within

FEW = 10  # synthetic patches: with fewer there is nothing to compare
LOOKED_AT = 12  # runs at most, when one with synthetic patches is looked for


def sentence(data: Dataset, run: RunFolder, table: pd.DataFrame) -> str:
    """How many synthetic patches, what they change, and whether any leaks. table: ``counts.fold_counts``."""
    made, leaked = int(table["synthetic"].sum()), int(table["leaked"].sum())
    positive = escape_markdown(data.positive)
    known = table["landslide"] + table["other"]
    before = table["landslide"].sum() / max(known.sum(), 1)
    after = (table["landslide"].sum() + made) / max(known.sum() + made, 1)
    parts = "training" if len(table) == 1 else f"training ({len(table)} folds)"
    kind = "repeated" if run.config().smote.method == "random" else "synthetic"
    patches = f"{made:,} {kind} {positive} patch{'' if made == 1 else 'es'}"
    if leaked:
        leak = f"{leaked:,} of them {'has' if leaked == 1 else 'have'} a parent in the validation part of their fold"
    elif made == 1:
        leak = "its parents are not in the validation part"
    else:
        leak = "none has a parent in the validation part"
    if made < FEW:
        return (
            f"This run made only {patches}, because {positive} already makes up {percent(before)} of {parts}; {leak}."
        )
    return f"{patches} raise the share of {positive} from {percent(before)} to {percent(after)} in {parts}; {leak}."


def elsewhere(run: RunFolder, preview_view: bool) -> None:
    """Buttons for a run that has little to show: a preview (where it is a view of its own), and a run with more."""
    other = _richer(run)
    with st.container(horizontal=True):
        if preview_view:
            st.button(
                "Preview SSIM-SMOTE on this dataset", icon=":material/auto_awesome:", key="balance_to_preview",
                on_click=open_from_within, args=("balance", "preview"),
            )  # fmt: skip
        if other is not None and st.button(
            f"Open a run with {len(other.smote()):,} synthetic patches", icon=":material/open_in_new:",
            key="balance_to_run", help=escape_markdown(f"{title_of(other)}, on {state.choice().owner[other.name]}"),
        ):  # fmt: skip
            state.open_view("balance", run=other.name)


def _richer(run: RunFolder) -> RunFolder | None:
    """The newest other finished run with synthetic patches worth seeing; of this dataset where there is one."""
    choice = state.choice()
    names = sorted(choice.owner, key=lambda name: choice.owner[name] != choice.dataset)  # stable: newest first
    for name in [name for name in names if name != run.name][:LOOKED_AT]:
        other = cache.run(state.checkpoints() / name)
        try:
            if other.known_status()["state"] == "succeeded" and len(other.smote()) >= FEW:
                return other
        except (LandslideLensError, OSError, KeyError, TypeError):
            continue
    return None
