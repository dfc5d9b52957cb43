"""Why a run decides as it does: where it looks, if that can be trusted, which bands it needs, what their loss does."""

import streamlit as st

from dashboard import (
    cached,
    components,
    explain_bands,
    explain_checks,
    explain_drill,
    explain_maps,
    explain_patch,
    links,
    patch_card,
    state,
)
from dashboard.reading import needed

VIEWS = {"where": "Attention", "checks": "Lie detector", "bands": "Bands", "drill": "Drop-out drill"}
SCOPES = {"all": "Every patch", "one": "One patch"}


def main() -> None:
    st.title("Explain")
    run = components.need_finished_run("where a network looks and which bands it needs")
    data = components.need_dataset()
    summary, oof = needed(cached.summary, run), needed(cached.oof, run)
    links.taken("explain_view", list(VIEWS), "where")
    if (asked := state.asked_view("explain")) in VIEWS:
        st.session_state["explain_view"] = asked
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        view = st.segmented_control(
            "View", list(VIEWS), required=True, format_func=VIEWS.get, key="explain_view", label_visibility="collapsed",
            width="content",
        )  # fmt: skip
        scope = one_or_all() if view in ("where", "bands") else "all"
    links.kept("explain_view", view, "where")
    shown: list[str] = []
    if view == "checks":
        explain_checks.checks(run)
    elif view == "drill":
        shown = explain_drill.drill(data, run, summary, oof)
    elif view == "bands":
        shown = (explain_patch.bands if scope == "one" else explain_bands.every_patch)(data, run, summary, oof)
    else:
        shown = (explain_patch.maps if scope == "one" else explain_maps.every_patch)(data, run, summary, oof)
    components.picture_format()
    patch_card.show_opened(data, run, shown)


def one_or_all() -> str:
    """Whether the run as a whole is looked at, or one patch."""
    links.taken("explain_of", list(SCOPES), "all")
    scope = st.segmented_control(
        "Of", list(SCOPES), required=True, format_func=SCOPES.get, key="explain_of", label_visibility="collapsed",
        width="content",
    )  # fmt: skip
    links.kept("explain_of", scope, "all")
    return scope


main()
