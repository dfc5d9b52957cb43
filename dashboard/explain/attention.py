"""Where a network looks: one patch large, others by outcome to choose from, mean maps, other layers and classes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.analyses.attention import checks, maps
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain import why
from core.explain.cam.group_means import MeanMap
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.explain import attention_numbers, badges, charts, looks, patch_panels, pickers, tables
from dashboard.jobs import analyses
from dashboard.patches import gallery, outcomes, render
from dashboard.ui import downloads, narrow
from dashboard.ui.formatting import escape_markdown, percent
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.messages import show_error
from dashboard.ui.view_switch import open_from_within

OWN = "own"
OUTCOME = "explain_outcome"


def every_patch(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """One patch large, the strip that it is chosen from, and the mean map of each outcome; the ids listed, in order."""
    own = or_stop(run.cams)
    made = or_stop(maps.cards, run)
    above = st.container(gap="small")
    head = chosen_head(outcomes.heads_of(oof), summary)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        choice = st.container(width="content")
        controls = st.container(horizontal=True, width="content")
    with controls, st.popover("Maps", icon=":material/layers:", key="explain_maps_more"):
        name = url_state.choose(
            st.selectbox, "Maps", [OWN, *made], key="explain_maps", default=OWN,
            format_func=lambda n: map_words(made.get(n, own[2]), n == OWN),
        )  # fmt: skip
        order = url_state.choose(
            st.selectbox, "Order of the patches", list(outcomes.ORDERS), key="explain_order",
            default=next(iter(outcomes.ORDERS)), format_func=outcomes.ORDERS.get,
        )  # fmt: skip
    known = attention_numbers.all_maps(data, run, _cams(run, name, own), head)
    cams, facts = known.cams, known.facts
    if facts.empty:
        st.info("No labelled patch has a map.", icon=":material/info:")
        return []
    with controls:
        look = looks.look_popover(data, "explain")
    with choice:
        outcome, patch_id = _chosen(known, order)
    table = known.ordered(outcome, order)
    try:
        _patch(data, cams, look, table, patch_id)
    except LandslideLensError as error:  # the dataset file is another one than the run's
        show_error(error, ":material/broken_image:")
    with above:
        _verdict(run, cams, known)
        if theme.sees_no_network(head):
            st.caption(badges.what_maps_miss(head).strip())
    _means(run, name, known, head)
    _method(data, cams, facts, head)
    downloads.download(lambda: facts.drop(columns="row"), f"{run.name}_{name}_maps", "Maps, one row each (CSV)")
    _others(run, own[2])
    return table["id"].astype(str).tolist()


def _cams(run: RunFolder, name: str, own: tuple) -> gallery.Cams:
    if name == OWN:
        return gallery.Cams(*own)
    made = or_stop(maps.read, run, name)
    return gallery.Cams(made.index, made.maps, made.card)


# ---------------------------------------------------------------------------------------------------- the sentence


def _verdict(run: RunFolder, cams: gallery.Cams, known: attention_numbers.AllMaps) -> None:
    st.markdown(attention_numbers.sentence(known.found, known.missed, strength(known.means)))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        check_badge(run, cams.card)
        if basis := attention_numbers.basis(known.found, known.missed):
            st.caption(basis, width="content")


def strength(means: Mapping[str, MeanMap]) -> float | None:
    """How many times as much evidence found landslides have as patches correctly left; None where it is unknown."""
    found, left = means["tp"].cam, means["tn"].cam
    if found is None or left is None or not left.mean() > 0:
        return None
    return float(found.mean() / left.mean())


def check_badge(run: RunFolder, card: Mapping) -> None:
    """The verdict of the sanity checks on maps of this layer and method, where they were run; a click leads to them."""
    layer, method = card.get("layer"), card.get("method", "gradcam")
    colour, icon, words = "gray", ":material/help:", "not run for these maps yet"
    for report in or_stop(checks.reports, run).values():
        if (report["layer"], report["method"]) == (layer, method):
            colour, icon, words = badges.CHECK_LOOKS[report["verdict"]["word"]]
            break
    st.badge(f"Sanity checks: {words}", icon=icon, color=colour)
    st.button(
        "See the checks", type="tertiary", key="explain_to_checks", on_click=open_from_within,
        args=("explain", "checks"),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------- one patch


def _chosen(maps: attention_numbers.AllMaps, order: str) -> tuple[str, str]:
    """The outcome and the patch that are shown: the patch decides its outcome, a new outcome brings its first patch."""
    counts = outcomes.counts(maps.facts)
    there = [name for name in outcomes.OUTCOMES if counts[name]]
    firsts = {name: str(maps.ordered(name, order)["id"].iloc[0]) for name in there}
    known = maps.outcome_of
    key = patch_panels.PATCH
    url_state.read_query_param(key, known, firsts[there[0]])
    if st.session_state[key] not in known:
        st.session_state[key] = firsts[there[0]]
    patch_id = st.session_state[key]
    st.session_state[OUTCOME] = known[patch_id]
    outcome = st.segmented_control(
        "Patches", there, key=OUTCOME, required=True, on_change=_first_of, args=(firsts,), wrap=True, width="content",
        format_func=lambda name: f"{theme.OUTCOME_WORDS[name]} · {counts[name]:,}", label_visibility="collapsed",
    )  # fmt: skip
    url_state.write_query_param(key, patch_id, None)
    return outcome, patch_id


def _first_of(firsts: Mapping[str, str]) -> None:
    patch_panels.choose_patch(firsts[st.session_state[OUTCOME]])


def _patch(data: Dataset, cams: gallery.Cams, look: gallery.Look, table: pd.DataFrame, patch_id: str) -> None:
    ids = table["id"].astype(str).tolist()
    patch_panels.panels(data, patch_id, look, cams)
    patch_panels.scale(look)
    row = table.iloc[ids.index(patch_id)]
    patch_panels.stepper(ids, patch_id, patch_words(data, cams, row))
    if len(ids) > 1:
        patch_panels.strip(data, table, look, cams, patch_id, gallery.score_caption)


def patch_words(data: Dataset, cams: gallery.Cams, row: pd.Series) -> str:
    """What a patch is and where its attention lies, as Markdown."""
    patch_id = str(row["id"])
    text = f"**{escape_markdown(gallery.short(patch_id, 24))}** · probability {row['prob']:.2f}"
    if row["cam_dead"]:
        return f"{text} · **empty map**"
    if weak := gallery.weakness(cams, patch_id):
        text += f" · **{weak}**"
    if data.has_masks:
        one = attention_numbers.on_masks(data, pd.Series([patch_id]), cams.of(patch_id)[None]).iloc[0]
        if pd.notna(one["energy"]):
            text += f" · **{percent(one['energy'], 0)}** of the attention on the mask"
    return text


# ------------------------------------------------------------------------------------------ mean maps, method


def _means(run: RunFolder, name: str, known: attention_numbers.AllMaps, head: str) -> None:
    means, facts = known.means, known.facts
    st.header("Mean map by outcome", anchor=False)
    alt = "Mean attention maps. " + ". ".join(
        f"{theme.OUTCOME_WORDS[outcome]}: {means[outcome.lower()].n:,} patches" for outcome in outcomes.OUTCOMES
    )
    downloads.show(known.figure(2 if narrow.is_narrow() else 4), key=f"explain_mean_{name}", alt=alt)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("No evidence", width="content")
        st.image(render.legend(), width=160, alt="Colour scale from dark (no evidence) to light (most evidence)")
        st.caption(
            f"{percent(charts.top_of(means), 0)} of the mean peak of a fold's maps (same scale for all four)",
            width="content",
        )
    n_groups = max((one.n_groups for one in means.values()), default=0)
    grouped = f", groups kept together (up to {n_groups:,})" if n_groups < len(facts) else ""
    st.caption(
        f"Decisions of {escape_markdown(theme.head_title(head))}, out of fold over {facts['fold'].nunique()} folds, "
        f"n = {len(facts):,}. Point at a cell to see its 95% interval{grouped}."
    )
    downloads.download(
        lambda: tables.mean_cells(means), f"{run.name}_{name}_mean_maps", "Mean maps with intervals (CSV)"
    )


def _method(data: Dataset, cams: gallery.Cams, facts: pd.DataFrame, head: str) -> None:
    with st.expander("How this was measured"):
        st.markdown(gallery.cam_sentence(cams))
        st.markdown(reading(data, cams, head))
        st.markdown(
            "The attention on a landslide is the share of the map that lies inside its mask. Each fold's network has "
            "its own scale, so the brightest colour is the mean peak of its living maps. Weak evidence: a peak below "
            f"{why.WEAK:.0%} of that."
        )
        if n := int(facts["cam_dead"].sum()):
            by = facts[facts["cam_dead"]]["outcome"].value_counts()
            parts = ", ".join(f"{by[name]:,} {theme.OUTCOME_WORDS[name]}" for name in outcomes.OUTCOMES if name in by)
            st.markdown(
                f"{n:,} of {len(facts):,} maps are empty: they show no evidence anywhere at this layer ({parts}). "
                "These patches are shown without an overlay; in means they count as zero."
            )


def reading(data: Dataset, cams: gallery.Cams, head: str) -> str:
    """What the maps show and what they do not."""
    cell = data.shape[1] / cams.maps.shape[1]
    target = escape_markdown(cams.card.get("target", data.positive))
    return (
        f"The maps show where the network's own classifier finds evidence for {target}, in cells of "
        f"about {cell:.0f}×{cell:.0f} pixels.{badges.what_maps_miss(head)} They do not outline the landslide, do not "
        "show which band was used, and do not prove that the place caused the decision."
    )


# ------------------------------------------------------------------------------------------------ other maps


def _others(run: RunFolder, own: Mapping) -> None:
    """The form that makes maps of another layer, method or class, and its progress."""
    more = url_state.toggle(
        "Make other maps", key="explain_make_maps", help="For another layer, method or class; for every patch."
    )
    if more:
        with st.container(border=True):
            _form(run, own)
    analyses.follow(run, maps.ANALYSIS.name)


def _form(run: RunFolder, own: Mapping) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        given = {
            "layer": pickers.layer_picker(run, str(own["layer"]), "explain_new_layer"),
            "method": pickers.method_picker(str(own.get("method", "gradcam")), "explain_new_method"),
            "evidence_for": pickers.target_picker(run, "explain_new_target"),
        }
    analyses.options_form(run, maps.ANALYSIS.name, "Make these maps", given, hidden=tuple(given), key="explain_new")
    st.caption("One map of every patch, by the network of its fold. Choose them under Maps when they are ready.")


def map_words(card: Mapping, own: bool = False) -> str:
    """One set of maps in a line."""
    method = gallery.METHOD_WORDS.get(card.get("method", "gradcam"), "Attention")
    target = f" for {card['target']}" if card.get("target") else ""
    return f"{method}{target} at {card.get('layer', 'unknown')}" + (", the run's own" if own else "")
