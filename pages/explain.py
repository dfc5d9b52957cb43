"""Why a run decides as it does: where it looks and how exactly, whether its maps hold, which bands it needs."""

import streamlit as st

from dashboard import url_state
from dashboard.explain import attention, attention_checks, band_importance, robustness, single_patch
from dashboard.explain.location import view as location_view
from dashboard.patches import card
from dashboard.ui import downloads, guards
from dashboard.ui.guards import or_stop
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "where": "Attention",
    "checks": "Sanity checks",
    "location": "Location",
    "bands": "Bands",
    "robustness": "Robustness",
}
SCOPES = {"all": "Every patch", "one": "One patch"}


def main() -> None:
    st.title("Explain")
    run = guards.need_finished_run("where a network looks and which bands it needs")
    data = guards.need_dataset()
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        view = view_switch("explain", VIEWS, "where")
        scope = one_or_all() if view in ("where", "bands") else "all"
    shown: list[str] = []
    if view == "checks":
        attention_checks.checks(run)
    elif view == "location":
        shown = location_view.location(data, run)
    elif view == "robustness":
        shown = robustness.losses(data, run, summary, oof)
    elif view == "bands":
        shown = (single_patch.bands if scope == "one" else band_importance.every_patch)(data, run, summary, oof)
    else:
        shown = (single_patch.maps if scope == "one" else attention.every_patch)(data, run, summary, oof)
    downloads.picture_format()
    card.show_opened(data, run, shown)


def one_or_all() -> str:
    """Whether the page shows the run as a whole, or one patch."""
    return url_state.choose(
        st.segmented_control, "Of", list(SCOPES), key="explain_of", default="all", required=True,
        format_func=SCOPES.get, label_visibility="collapsed", width="content",
    )  # fmt: skip


main()
