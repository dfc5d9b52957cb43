"""Where a network looks: mean maps by outcome, examples raw and laid over patches, maps of another layer or class.

Comes in: the chosen run and dataset. Goes out: pictures, and the ids shown, in order. What is new is drawn in a process
of its own (``studies``).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.explain import badges, charts, pickers, tables
from dashboard.jobs import analyses
from dashboard.patches import gallery, outcomes
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import head_picker

OWN = "own"
EXAMPLES = 6


def every_patch(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """Mean map and examples of each outcome; the ids shown, in order."""
    or_stop(run.cams)
    name = _map_picker(run)
    cams = gallery.cams_of(run) if name == OWN else gallery.cams_from(*or_stop(run.attention_map, name))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        head = head_picker(
            "Outcomes of", outcomes.heads_of(oof), summary, "explain_head",
            "Whose decisions sort the patches into found, missed, false alarm. The maps stay the network's own.",
        )  # fmt: skip
        order = st.selectbox("Examples", list(outcomes.ORDERS), key="explain_order", width=210)
    look = gallery.look_controls(data, "explain", cams, overlay=True)
    facts = tables.map_facts(outcomes.judged(oof, head, outcomes.thresholds_of(summary, head)), cams.rows, cams.maps)
    st.markdown(reading(data, cams, head))
    worth_reading(run, cams.card)
    _dead(facts)
    means = tables.means_of(facts, cams.maps)
    _means(run, name, means, facts, head)
    gallery.cam_legend(cams, look)
    shown: list[str] = []
    for outcome in outcomes.OUTCOMES:
        n = means[outcome.lower()].n
        st.subheader(f"{theme.OUTCOME_WORDS[outcome].capitalize()} · {n:,}", anchor=False)
        examples = outcomes.chosen(facts, [outcome], order=order).head(EXAMPLES)
        if examples.empty:
            st.caption("No patch has this outcome.")
            continue
        gallery.gallery(data, examples, look, f"explain_{outcome}", cams, caption=_caption)
        shown += examples["id"].astype(str).tolist()
    downloads.download(facts.drop(columns="row"), f"{run.name}_{name}_maps", "Facts of every map (CSV)")
    return shown


def _means(run: RunFolder, name: str, means: Mapping, facts: pd.DataFrame, head: str) -> None:
    downloads.show(charts.mean_maps(means), key=f"explain_means_{name}")
    n_groups = max((one.n_groups for one in means.values()), default=0)
    grouped = f"whole groups are drawn (up to {n_groups:,})" if n_groups < len(facts) else "patches are drawn"
    st.caption(
        "Mean maps on one scale; 1 is the mean peak of a fold's maps, because each fold's network has its own scale. "
        f"Outcomes: {escape_markdown(theme.head_title(head))}, out of fold over {facts['fold'].nunique()} folds, "
        f"n = {len(facts):,}. Pointing at a cell gives its 95 % interval; {grouped}."
    )
    downloads.download(tables.mean_cells(means), f"{run.name}_{name}_mean_maps", "Mean maps with intervals (CSV)")


def reading(data: Dataset, cams: gallery.Cams, head: str) -> str:
    """What the maps show and what they do not."""
    cell = data.shape[1] / cams.maps.shape[1]
    target = escape_markdown(cams.card.get("target", data.positive))
    return (
        f"The maps show where the network's own classifier finds evidence for {target}, in cells of "
        f"about {cell:.0f}×{cell:.0f} pixels.{badges.what_maps_miss(head)} They do not outline the landslide, do not "
        "tell which band was used, and do not prove that the place caused the decision."
    )


def worth_reading(run: RunFolder, card: Mapping) -> None:
    """What the lie detector says of maps like these, where it was asked."""
    layer, method = card.get("layer"), card.get("method", "gradcam")
    for report in run.attention_checks().values():
        if (report["layer"], report["method"]) == (layer, method):
            colour, icon, words = badges.CHECK_LOOKS[report["verdict"]["word"]]
            st.badge(f"Lie detector: {words}", icon=icon, color=colour)
            return
    st.badge("Lie detector: not asked about this layer and method yet", icon=":material/help:", color="gray")


def _dead(facts: pd.DataFrame) -> None:
    n = int(facts["cam_dead"].sum())
    if n:
        by = facts[facts["cam_dead"]]["outcome"].value_counts()
        parts = ", ".join(f"{by[name]:,} {theme.OUTCOME_WORDS[name]}" for name in outcomes.OUTCOMES if name in by)
        st.warning(
            f"{n:,} of {len(facts):,} maps are dead: nowhere any evidence at this layer ({parts}). "
            "They are drawn without an overlay.",
            icon=":material/visibility_off:",
        )


def _caption(row: pd.Series) -> str:
    return gallery.score_caption(row) + (" · **dead map**" if row["cam_dead"] else "")


# ------------------------------------------------------------------------------------------------ other maps


def _map_picker(run: RunFolder) -> str:
    """The run's own maps or ones that were drawn later, and the form that draws more."""
    drawn = run.attention_maps()
    own = or_stop(run.cams)[2]
    names = [OWN, *drawn]
    if st.session_state.get("explain_maps") not in names:
        st.session_state["explain_maps"] = OWN
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Maps", names, key="explain_maps", width=520, format_func=lambda n: map_words(drawn.get(n, own), n == OWN)
        )
        more = st.toggle(
            "Draw others", key="explain_draw_more", help="Another layer, method or class, for every patch."
        )
    if more:
        with st.container(border=True):
            _form(run, own)
    elif analyses.follow(run, "maps"):
        pass
    return name


def _form(run: RunFolder, own: Mapping) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = pickers.layer_picker(run, str(own["layer"]), "explain_new_layer")
        method = pickers.method_picker(str(own.get("method", "gradcam")), "explain_new_method")
        target = target_picker(run, "explain_new_target")
        running = analyses.under_way(run, "maps")
        if st.button("Draw them", type="primary", icon=":material/draw:", key="explain_draw", disabled=running):
            analyses.begin(run, "maps", {"layer": layer, "method": method, "target": target})
    analyses.follow(run, "maps")
    st.caption("Every judged patch, by the network of its fold. They are kept in the run folder and listed above.")


def target_picker(run: RunFolder, key: str) -> int | str:
    """The class whose evidence is shown."""
    names = or_stop(run.summary)["class_names"]
    words = {1: str(names[1]), 0: str(names[0]), "predicted": "the class called"}
    return st.selectbox("Evidence for", list(words), format_func=words.get, key=key, width=200)


def map_words(card: Mapping, own: bool = False) -> str:
    """One set of maps in a line."""
    method = gallery.METHOD_WORDS.get(card.get("method", "gradcam"), "Attention")
    target = f" for {card['target']}" if card.get("target") else ""
    return f"{method}{target} at {card.get('layer', 'unknown')}" + (", the run's own" if own else "")
