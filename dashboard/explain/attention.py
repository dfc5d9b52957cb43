"""Where a network looks: mean maps by outcome, examples over patches, maps of another layer, method or class."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.analyses.attention import checks, maps
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.explain import badges, charts, pickers, tables
from dashboard.jobs import analyses
from dashboard.patches import gallery, outcomes
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head

OWN = "own"
EXAMPLES = 6


def every_patch(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """Mean map and examples of each outcome; the ids shown, in order."""
    own = or_stop(run.cams)
    name = _map_picker(run, own[2])
    cams = _cams(run, name, own)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        head = chosen_head(outcomes.heads_of(oof), summary)
        order = url_state.choose(
            st.selectbox, "Examples", list(outcomes.ORDERS), key="explain_order", default=next(iter(outcomes.ORDERS)),
            format_func=outcomes.ORDERS.get, width=210,
        )  # fmt: skip
    look = gallery.look_controls(data, "explain", cams, overlay=True)
    facts = tables.map_facts(outcomes.judged(oof, head, outcomes.thresholds_of(summary, head)), cams.rows, cams.maps)
    st.markdown(reading(data, cams, head))
    check_badge(run, cams.card)
    _dead(facts)
    means = tables.means_of(facts, cams.maps)
    _means(run, name, means, facts, head)
    gallery.cam_legend(cams, look)
    shown: list[str] = []
    for outcome in outcomes.OUTCOMES:
        n = means[outcome.lower()].n
        st.subheader(f"{charts.OUTCOME_TITLES[outcome]} · {n:,}", anchor=False)
        examples = outcomes.chosen(facts, [outcome], order=order).head(EXAMPLES)
        if examples.empty:
            st.caption("No patch has this outcome.")
            continue
        gallery.gallery(data, examples, look, f"explain_{outcome}", cams, caption=_caption)
        shown += examples["id"].astype(str).tolist()
    downloads.download(facts.drop(columns="row"), f"{run.name}_{name}_maps", "Maps, one row each (CSV)")
    return shown


def _cams(run: RunFolder, name: str, own: tuple) -> gallery.Cams:
    if name == OWN:
        return gallery.cams_from(*own)
    made = or_stop(maps.read, run, name)
    return gallery.cams_from(made.index, made.maps, made.card)


def _means(run: RunFolder, name: str, means: Mapping, facts: pd.DataFrame, head: str) -> None:
    downloads.show(charts.mean_maps(means), key=f"explain_means_{name}")
    n_groups = max((one.n_groups for one in means.values()), default=0)
    grouped = f", groups kept together (up to {n_groups:,})" if n_groups < len(facts) else ""
    st.caption(
        "All four share one scale; 1 is the mean peak of a fold's maps, because each fold's network has its own scale. "
        f"Outcomes by {escape_markdown(theme.head_title(head))}, out of fold over {facts['fold'].nunique()} folds, "
        f"n = {len(facts):,}. Point at a cell to see its 95% interval{grouped}."
    )
    downloads.download(tables.mean_cells(means), f"{run.name}_{name}_mean_maps", "Mean maps with intervals (CSV)")


def reading(data: Dataset, cams: gallery.Cams, head: str) -> str:
    """What the maps show and what they do not."""
    cell = data.shape[1] / cams.maps.shape[1]
    target = escape_markdown(cams.card.get("target", data.positive))
    return (
        f"The maps show where the network's own classifier finds evidence for {target}, in cells of "
        f"about {cell:.0f}×{cell:.0f} pixels.{badges.what_maps_miss(head)} They do not outline the landslide, do not "
        "show which band was used, and do not prove that the place caused the decision."
    )


def check_badge(run: RunFolder, card: Mapping) -> None:
    """The verdict of the sanity checks on maps of this layer and method, where they were run."""
    layer, method = card.get("layer"), card.get("method", "gradcam")
    for report in or_stop(checks.reports, run).values():
        if (report["layer"], report["method"]) == (layer, method):
            colour, icon, words = badges.CHECK_LOOKS[report["verdict"]["word"]]
            st.badge(f"Sanity checks: {words}", icon=icon, color=colour)
            return
    st.badge("Sanity checks: not run for this layer and method yet", icon=":material/help:", color="gray")


def _dead(facts: pd.DataFrame) -> None:
    n = int(facts["cam_dead"].sum())
    if n:
        by = facts[facts["cam_dead"]]["outcome"].value_counts()
        parts = ", ".join(f"{by[name]:,} {charts.OUTCOME_TITLES[name]}" for name in outcomes.OUTCOMES if name in by)
        st.warning(
            f"{n:,} of {len(facts):,} maps are dead: they show no evidence anywhere at this layer ({parts}). "
            "These patches are shown without an overlay.",
            icon=":material/visibility_off:",
        )


def _caption(row: pd.Series) -> str:
    return gallery.score_caption(row) + (" · **dead map**" if row["cam_dead"] else "")


# ------------------------------------------------------------------------------------------------ other maps


def _map_picker(run: RunFolder, own: Mapping) -> str:
    """The run's own maps or ones that were made later, and the form that makes more."""
    made = or_stop(maps.cards, run)
    names = [OWN, *made]
    if st.session_state.get("explain_maps") not in names:
        st.session_state["explain_maps"] = OWN
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Maps", names, key="explain_maps", width=520, format_func=lambda n: map_words(made.get(n, own), n == OWN)
        )
        more = st.toggle(
            "Make others", key="explain_make_maps", help="For another layer, method or class; for every patch."
        )
    if more:
        with st.container(border=True):
            _form(run, own)
    analyses.follow(run, maps.ANALYSIS.name)
    return name


def _form(run: RunFolder, own: Mapping) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        given = {
            "layer": pickers.layer_picker(run, str(own["layer"]), "explain_new_layer"),
            "method": pickers.method_picker(str(own.get("method", "gradcam")), "explain_new_method"),
            "evidence_for": pickers.target_picker(run, "explain_new_target"),
        }
    analyses.options_form(run, maps.ANALYSIS.name, "Make these maps", given, hidden=tuple(given), key="explain_new")
    st.caption("Of every patch that the run has judged, by the network of its fold. They are then listed above.")


def map_words(card: Mapping, own: bool = False) -> str:
    """One set of maps in a line."""
    method = gallery.METHOD_WORDS.get(card.get("method", "gradcam"), "Attention")
    target = f" for {card['target']}" if card.get("target") else ""
    return f"{method}{target} at {card.get('layer', 'unknown')}" + (", the run's own" if own else "")
