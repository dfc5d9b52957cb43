"""What the Explain page lets its viewer choose: a layer, a method, a class, a patch."""

from __future__ import annotations

from typing import Any, get_args

import pandas as pd
import streamlit as st

from core.analyses.attention.maps import Method
from core.errors import LandslideLensError
from core.runs.store import RunFolder
from dashboard import cache, url_state
from dashboard.jobs import model_client
from dashboard.patches import gallery, outcomes
from dashboard.theme import BRANCH_WORDS
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

MOST_LISTED = 500  # patches offered in a list; any other can be typed


def layers(run: RunFolder) -> list[dict[str, Any]]:
    """The layers that maps can be made at: name, rows, columns, channels, alive; from the first to the deepest."""
    return _layers(str(run.path), cache.file_version(run.fold_path(0) / "fold.json"))


@st.cache_data(max_entries=16, show_spinner="Loading the network to list its layers…")
def _layers(path: str, version: cache.Version) -> list[dict[str, Any]]:
    return model_client.models().ask({"do": "layers", "run": path})["layers"]


def layer_picker(run: RunFolder, own: str, key: str) -> str | None:
    """A layer of the network, of those with a living map; at first the run's own. None where they cannot be listed."""
    try:
        known = {layer["name"]: layer for layer in layers(run) if layer["alive"]}
    except LandslideLensError as error:
        show_error(error)
        return None
    names = list(known)
    return url_state.choose(
        st.selectbox, "Layer", names, key=key, default=own if own in names else names[-1],
        format_func=lambda name: f"{layer_words(name)} · {known[name]['rows']}×{known[name]['columns']} cells",
        help="From the first to the deepest. Deeper layers know more about what they see and less about where it is.",
    )  # fmt: skip


def layer_words(name: str) -> str:
    """A layer's path; in a network of several branches, the branch in words before it."""
    branch, _, own = name.removeprefix("backbone.").partition(".")
    return f"{BRANCH_WORDS[branch]}: {own}" if branch in BRANCH_WORDS else name


def method_picker(own: str, key: str) -> str:
    """A method that can make the maps of whole runs; at first the run's own."""
    methods = get_args(Method)
    return url_state.choose(
        st.selectbox, "Method", methods, key=key, default=own if own in methods else methods[0],
        format_func=gallery.METHOD_WORDS.get,
    )  # fmt: skip


def target_picker(run: RunFolder, key: str) -> int | str:
    """The class that the maps show evidence for."""
    names = or_stop(run.summary)["class_names"]
    words = {1: str(names[1]), 0: str(names[0]), "predicted": "the predicted class"}
    return url_state.choose(st.selectbox, "Evidence for", list(words), key=key, default=1, format_func=words.get)


def patch_picker(judged: pd.DataFrame) -> str:
    """One judged patch: the worst mistakes are listed first, any can be typed. In the URL as ``explain_patch``."""
    key = "explain_patch"
    table = outcomes.chosen(judged, order="high_loss")
    known = dict(zip(table["id"].astype(str), table.itertuples(), strict=True))
    url_state.read_query_param(key, list(known), next(iter(known)))
    if st.session_state[key] not in known:
        typed, st.session_state[key] = st.session_state[key], next(iter(known))
        if typed == st.query_params.get(key):  # the patch of another dataset, which was left
            return patch_picker(judged)
        text = f"This run has no out-of-fold decision on a patch “{escape_markdown(gallery.short(str(typed), 60))}”."
        st.warning(text, icon=":material/search_off:")
    listed = list(dict.fromkeys([st.session_state[key], *list(known)[:MOST_LISTED]]))
    chosen = st.selectbox(
        "Patch", listed, key=key, width=360, accept_new_options=True,
        format_func=lambda i: _patch_words(i, known.get(i)),
        help=f"Lists the {min(len(known), MOST_LISTED):,} of {len(known):,} with the highest loss; type any other id.",
    )  # fmt: skip
    url_state.write_query_param(key, chosen, None)
    return chosen


def _patch_words(patch_id: str, row: Any) -> str:
    return patch_id if row is None else f"{gallery.short(patch_id, 28)} · {row.outcome} · p {row.prob:.2f}"
