"""Which ensembles there are for a dataset, which of them is shown, and what their members are called."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.ensembles.folder import EnsembleFolder, list_ensembles
from core.errors import LandslideLensError
from core.runs.labels import titles_of
from dashboard import cache, state, theme, url_state
from dashboard.ui.formatting import escape_markdown

CHOSEN = "ensemble"  # in the URL: the name of the one that is shown
METHODS = {"stack": "Stack", "average": "Average"}


def of_dataset(checkpoints: Path, dataset_name: str, tell: bool = True) -> list[EnsembleFolder]:
    """Those of this dataset, the newest first; one that cannot be read is left out, and named where to ``tell``."""
    found = []
    for one in list_ensembles(checkpoints, cache.FILES):
        try:
            if one.summary()["dataset_name"] == dataset_name and one.card()["members"]:
                found.append(one)
        except (LandslideLensError, OSError) as error:
            if tell:
                st.caption(f"An ensemble cannot be read: {escape_markdown(error)}")
    return found


def chosen(found: list[EnsembleFolder]) -> EnsembleFolder:
    """The one that is chosen in a list of at least one, which is drawn where there are several."""
    named = {one.name: one for one in found}
    name = found[0].name
    if len(found) > 1:
        name = url_state.choose(
            st.selectbox, "Ensemble", list(named), key=CHOSEN, default=name, width=320,
            format_func=lambda key: str(named[key].card()["title"]), label_visibility="collapsed",
        )  # fmt: skip
    return named[name]


def titles(ensemble: EnsembleFolder) -> dict[str, str]:
    """What the combinations and the members are called, by their key; the headline first, the members last."""
    card = ensemble.card()
    runs = titles_of(state.choice().runs)
    several = len({one.get("run") for one in card["members"] if one["kind"] == "run"}) > 1
    named = {card["method"]: METHODS[card["method"]], **METHODS}
    for one in card["members"]:
        if one["kind"] != "run":
            named[one["key"]] = str(one["title"])
        else:
            head = theme.head_title(one["head"])
            named[one["key"]] = f"{head}, {runs.get(one['run'], one['run'])}" if several else head
    return named
