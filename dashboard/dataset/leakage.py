"""The split X-ray: patches that show the same ground or are made of each other, and what that does to a score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.config import PRESETS
from core.data.leakage.split_audit import Leaks, crossing
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import state, theme
from dashboard.dataset import check_task, exclusions, leakage_charts, leakage_cost
from dashboard.patches import card, gallery, outcomes, pair
from dashboard.patches.pair import KIND_WORDS
from dashboard.ui import downloads, empty_states, formatting, guards
from dashboard.ui.formatting import escape_markdown

PAIRS_A_PAGE = 6
METRIC_WORDS = {
    "identical": "Identical pairs", "near": "Nearly identical", "shifted": "Shifted crops", "synthetic": "Blends",
}  # fmt: skip
ACROSS = {"split": "splits", "folds of the chosen run": "folds", "groups": "groups"}
MEASURES = {"overlap": "Share of the patch that both show", "ssim": "SSIM over what both show"}


def xray(data: Dataset) -> None:
    """Pairs, what they cross, and what to do about them; before that, what there is to find."""
    exclusions.told()
    task = check_task.task_of(data)
    found = check_task.leaks(data)
    if task is not None and task.running:
        check_task.follow(data)
    if found is None:
        if task is None or not task.running:
            empty_states.empty_state(
                "Nobody has looked for leaks yet",
                "A split that tears one landslide apart scores too well: the network has seen what it is judged on. "
                "The X-ray compares every patch with every other one: identical and nearly identical ones, crops of "
                "one scene that are shifted against each other, and synthetic patches beside their parents.",
                "Look for leaks",
                lambda: _begin(data),
                ":material/radiology:",
            )
        return
    ways = parts(data)
    _summary(data, found, ways)
    table = _chosen(found, ways)
    _pairs(data, table)
    _figures(data, found)
    leakage_cost.cost(data, found)
    card.show_opened(data, None)


def _begin(data: Dataset) -> None:
    check_task.begin(data)
    st.rerun()


def parts(data: Dataset) -> dict[str, Mapping[str, str]]:
    """What a pair may cross, by name: the split of the source, the folds of the chosen run, the groups; id -> part."""
    found: dict[str, Mapping[str, str]] = {}
    counts = check_task.labels_that_count(data) >= 0
    ids = data.ids[counts].tolist()
    if data.split is not None:
        found["split"] = dict(zip(ids, data.split[counts].tolist(), strict=True))
    run = guards.chosen_run()
    if run is not None:
        try:
            oof = run.oof()
            of = oof[oof["fold"] >= 0]
            found["folds of the chosen run"] = {
                str(i): theme.fold_title(fold) for i, fold in zip(of["id"], of["fold"], strict=True)
            }
        except LandslideLensError:
            pass  # it has not finished
    if data.groups is not None:
        found["groups"] = dict(zip(ids, data.groups[counts].tolist(), strict=True))
    return found


def verdict(n_pairs: int, crossings: Mapping[str, int]) -> tuple[str, str]:
    """(severity, sentence): whether the pairs that were found lie on both sides of something."""
    if not n_pairs:
        return "ok", "No two patches show the same ground: no split of this dataset can leak through its pixels."
    crossed = {name: n for name, n in crossings.items() if n and name != "groups"}
    if crossed:
        said = " and ".join(f"{n:,} of them lie on both sides of the {name}" for name, n in crossed.items())
        return "error", f"{n_pairs:,} pairs show the same ground, and {said}: scores over it are too good."
    if crossings.get("groups"):
        return "warning", (
            f"{n_pairs:,} pairs show the same ground; {crossings['groups']:,} of them lie in different groups. "
            "Training joins such groups (folds.on_leak), so that no fold is torn."
        )
    return "ok", f"{n_pairs:,} pairs show the same ground, each within one part: nothing is torn apart."


def _summary(data: Dataset, found: Leaks, ways: Mapping[str, Mapping[str, str]]) -> None:
    crossings = {name: len(crossing(found.pairs, part)) for name, part in ways.items()}
    severity, words = verdict(len(found.pairs), crossings)
    getattr(st, {"ok": "success"}.get(severity, severity))(escape_markdown(words), icon=theme.SEVERITY[severity][1])
    counts = found.pairs["kind"].value_counts()
    with st.grid(min_column_width=150):
        for kind in KIND_WORDS:
            st.metric(METRIC_WORDS[kind], f"{int(counts.get(kind, 0)):,}", border=True)
        for name, n in crossings.items():
            st.metric(f"Across {ACROSS[name]}", f"{n:,}", border=True, help=f"Pairs on both sides of the {name}.")
    st.caption(
        f"All {found.n:,} patches of {escape_markdown(data.name)}, each compared with every other one in "
        f"{formatting.duration(found.seconds)}. Of identical patches each further one is paired with the first. "
        "Hashes and embeddings of windows propose pairs; phase correlation, fine detail and SSIM decide. A run's own "
        "embeddings are not asked: they tell what is alike, not what is the same place (docs/leakage.md)."
    )
    for note in found.notes:
        st.info(escape_markdown(note), icon=":material/info:")


def _chosen(found: Leaks, ways: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The pairs of the kinds and crossings that were asked for."""
    if not len(found.pairs):
        return found.pairs
    there = [kind for kind in KIND_WORDS if (found.pairs["kind"] == kind).any()]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = st.pills(
            "Kinds", there, selection_mode="multi", default=there, format_func=KIND_WORDS.get, key="xray_kind"
        )
        across = st.selectbox(
            "Lying across", ["anything", *ways], key="xray_across", width=260,
            format_func=lambda name: f"{name}" if name == "anything" else f"the {name}",
        )  # fmt: skip
    table = found.pairs[found.pairs["kind"].isin(kinds or there)].reset_index(drop=True)
    return table if across == "anything" else crossing(table, ways[across])


def _pairs(data: Dataset, table: pd.DataFrame) -> None:
    if not len(table):
        st.markdown("No pair is of these kinds and lies across that. Choose others above.")
        return
    st.subheader("Pairs", anchor=False)
    look = gallery.look_controls(data, "xray_look")
    page, number, pages = outcomes.page_of(table, st.session_state.get("xray_page", 1), PAIRS_A_PAGE)
    chosen = pair.pairs(data, page, look, "xray")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"{len(table):,} pairs, page {number} of {pages}. Outlined: the ground that both show. A patch that is "
            "flipped or turned is drawn as the other one lies.",
            width="content",
        )
        if pages > 1:
            st.pagination(pages, key="xray_page")
    _actions(data, table, chosen)
    with st.expander("All of these pairs as a table"):
        st.dataframe(table, hide_index=True, width="stretch", height=320)
    downloads.download(table, f"{data.name}_pairs", "Pairs")


def _actions(data: Dataset, table: pd.DataFrame, chosen: list[str]) -> None:
    one_of_each = one_of_each_pair(table)
    if st.checkbox(f"Choose one patch of every pair listed ({len(one_of_each):,} patches)", key="xray_all"):
        chosen = one_of_each
    exclusions.exclude_button(data, chosen, "Split X-ray: shows the same ground as another patch", "xray")
    with st.container(horizontal=True, vertical_alignment="center"):
        settings = kept_together(data)
        if st.button("Train with them kept together", icon=":material/model_training:", key="xray_train"):
            for name in PRESETS:
                st.session_state[f"train_{name}_overrides"] = "\n".join(settings)
            state.open_view("train", view="new")
        st.caption(f"Opens the form of a new run with {escape_markdown(', '.join(settings))}.", width="content")


def kept_together(data: Dataset) -> list[str]:
    """The settings of a run whose folds tear no pair apart: beside the dataset's groups, or by the pairs alone."""
    return [f"folds.group_by={'duplicates' if data.groups is None else 'groups'}", "folds.on_leak=group"]


def one_of_each_pair(table: pd.DataFrame) -> list[str]:
    """Patches that, excluded, leave no pair whole: the right one of each, unless one of both is out already."""
    out: dict[str, None] = {}
    for a, b in zip(table["a"], table["b"], strict=True):
        if a not in out and b not in out:
            out[b] = None
    return list(out)


def _figures(data: Dataset, found: Leaks) -> None:
    known = found.pairs[np.isfinite(found.pairs["overlap"])]
    if not len(known):
        return
    grid = st.grid(2, min_column_width=340, gap="medium")
    for column, title in MEASURES.items():
        with grid.cell():
            downloads.show(leakage_charts.pairs_histogram(known, column, title), key=f"xray_{column}")
    st.caption(f"{len(known):,} pairs that show the same pixels; blends of two are told by their parents instead.")
