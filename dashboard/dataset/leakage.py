"""Leakage: patches that show the same ground or are made of each other, and what that does to scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.datasets.leakage import ANALYSIS
from core.analyses.datasets.split_pairs import split_pairs_of_run
from core.data.leakage.split_audit import Leaks, crossing
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.text import duration
from core.wording.leakage import verdict
from dashboard import cache, state, theme, url_state
from dashboard.dataset import exclusions, leakage_charts, leakage_cost
from dashboard.dataset.known_pairs import known_pairs
from dashboard.jobs import analyses
from dashboard.patches import card, gallery, pair
from dashboard.patches.pair import KIND_WORDS
from dashboard.train.prefill import prefill
from dashboard.ui import downloads, empty_states, guards, paging
from dashboard.ui.formatting import escape_markdown

NAME = ANALYSIS.name
ANY = "all pairs"  # no filter on what separates them
PAIRS_A_PAGE = 6
OF_RUN = "folds of the chosen run"
MEASURES = {"overlap": "Overlap (share of the patch)", "ssim": "SSIM over the overlap"}


def leakage(data: Dataset) -> None:
    """Pairs, what divides them, and what to do about them; before anything is known, how to find out."""
    exclusions.last_change()
    target = cache.dataset_target(data.path, state.checkpoints())
    found = known_pairs(data)
    if found is None:
        if not analyses.follow(target, NAME):
            empty_states.empty_state(
                "This dataset has not been checked for leakage yet",
                "If the same ground lies on both sides of a split, scores are too good. The search compares every "
                "patch with all others: duplicates, shifted crops, overlaps and blends.",
                "Look for leaks",
                lambda: analyses.begin(target, NAME, {"scores": False}),
                ":material/compare:",
            )
        return
    divisions = parts(data)
    _summary(data, found, divisions)
    table = _chosen(found, divisions)
    if len(found.pairs):
        _pairs(data, table)
        _figures(found)
    leakage_cost.cost(data)
    card.show_opened(data, None)


def parts(data: Dataset) -> dict[str, Mapping[str, str]]:
    """What may divide a pair, by name: the split of the source, the folds of the chosen run, the groups; id -> part."""
    found: dict[str, Mapping[str, str]] = {}
    counts = exclusions.labels_in_use(data) >= 0
    ids = data.ids[counts].tolist()
    if data.split is not None:
        found["split"] = dict(zip(ids, data.split[counts].tolist(), strict=True))
    run = guards.chosen_run()
    if run is not None:
        try:
            oof = run.oof()
            of = oof[oof["fold"] >= 0]
            found[OF_RUN] = {str(i): theme.fold_title(fold) for i, fold in zip(of["id"], of["fold"], strict=True)}
        except LandslideLensError:
            pass  # it has not finished
    if data.groups is not None:
        found["groups"] = dict(zip(ids, data.groups[counts].tolist(), strict=True))
    return found


def _summary(data: Dataset, found: Leaks, divisions: Mapping[str, Mapping[str, str]]) -> None:
    crossings = {name: len(divided(found.pairs, name, part)) for name, part in divisions.items()}
    severity, words = verdict(len(found.pairs), crossings)
    getattr(st, {"ok": "success"}.get(severity, severity))(escape_markdown(words), icon=theme.SEVERITY[severity][1])
    st.caption(
        f"All {found.n:,} patches of {escape_markdown(data.name)} compared with each other, in "
        f"{duration(found.seconds)}.",
        help="Hashes and descriptors of windows propose pairs; phase correlation, fine detail and SSIM decide, for "
        "shifts of up to half a side. Where places are known, overlap is computed from them, at any shift. Of several "
        "identical patches, each further one is paired with the first. Embeddings of a run are not used: they find "
        "what looks alike, not what is the same place (docs/leakage.md).",
    )
    for note in found.notes:
        st.caption(escape_markdown(note))


def _chosen(found: Leaks, divisions: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The pairs that match the filters."""
    if not len(found.pairs):
        return found.pairs
    counts = found.pairs["kind"].value_counts()
    present = [kind for kind in KIND_WORDS if kind in counts]
    divided_by = {name: len(divided(found.pairs, name, part)) for name, part in divisions.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = url_state.choose_several(
            st.pills, "Kinds", present, key="leakage_kind", default=present, selection_mode="multi",
            format_func=lambda kind: f"{KIND_WORDS[kind]} ({counts[kind]:,})",
        )  # fmt: skip
        across = url_state.choose(
            st.selectbox, "Show", [ANY, *divisions], key="leakage_across", default=ANY, width=260,
            format_func=lambda name: name if name == ANY else f"across the {name} ({divided_by[name]:,})",
        )  # fmt: skip
        if st.button("Decide group by group", icon=":material/content_copy:", key="leakage_decide",
                     help="On Review, one key each: keep one, keep together, exclude, not duplicates."):  # fmt: skip
            state.open_view("review", view="duplicates")
    table = found.pairs[found.pairs["kind"].isin(kinds or present)].reset_index(drop=True)
    return table if across == ANY else divided(table, across, divisions[across])


def divided(pairs: pd.DataFrame, name: str, part: Mapping[str, str]) -> pd.DataFrame:
    """Those of ``pairs`` that a division parts; of folds, those that one fold learns from and another judges."""
    found = crossing(pairs, part)
    run = guards.chosen_run() if name == OF_RUN else None
    if run is None or not len(found):
        return found
    learnt = split_pairs_of_run(run, found)
    both = set(zip(learnt["a"], learnt["b"], strict=True))
    keep = [pair in both for pair in zip(found["a"], found["b"], strict=True)]
    return found[np.array(keep, bool)].reset_index(drop=True)


def _pairs(data: Dataset, table: pd.DataFrame) -> None:
    if not len(table):
        st.markdown("No matching pairs. Change the filters above.")
        return
    st.header("Pairs", anchor=False)
    look = gallery.look_controls(data, "leakage_look")
    page, number, pages = paging.of(table, "leakage_page", PAIRS_A_PAGE)
    chosen = pair.pairs(data, page, look, "leakage")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"{len(table):,} pairs, page {number} of {pages}. Outlined: the ground that both patches show.",
            width="content",
            help="A flipped or rotated patch is drawn in the orientation of the other one.",
        )
        paging.pages(pages, "leakage_page")
    _actions(data, table, chosen)
    with st.expander("All matching pairs as a table"):
        downloads.table(table, hide_index=True, width="stretch", height=320)
    downloads.download(table, f"{data.name}_pairs", "Pairs")


def _actions(data: Dataset, table: pd.DataFrame, chosen: list[str]) -> None:
    one_of_each = one_of_each_pair(table)
    if st.checkbox(f"Select one patch of every matching pair ({len(one_of_each):,} patches)", key="leakage_all"):
        chosen = one_of_each
    exclusions.exclude_button(data, chosen, "Leakage: shows the same ground as another patch", "leakage")
    with st.container(horizontal=True, vertical_alignment="center"):
        settings = kept_together(data)
        if st.button("Train with pairs kept together", icon=":material/model_training:", key="leakage_train"):
            prefill("\n".join(settings))
            state.open_view("train", view="new")
        st.caption(f"Opens the form of a new run with {escape_markdown(', '.join(settings))}.", width="content")


def kept_together(data: Dataset) -> list[str]:
    """The settings of a run whose folds divide no pair: along with the dataset's groups, or by the pairs alone."""
    return [f"folds.group_by={'duplicates' if data.groups is None else 'groups'}", "folds.on_leak=group"]


def one_of_each_pair(table: pd.DataFrame) -> list[str]:
    """Patches that, once excluded, leave no complete pair: the right one of each, unless one of both is out already."""
    out: dict[str, None] = {}
    for a, b in zip(table["a"], table["b"], strict=True):
        if a not in out and b not in out:
            out[b] = None
    return list(out)


def _figures(found: Leaks) -> None:
    known = found.pairs[np.isfinite(found.pairs["overlap"])]
    if not len(known):
        return
    grid = st.grid(2, min_column_width=340, gap="medium")
    for column, title in MEASURES.items():
        with grid.cell():
            downloads.show(leakage_charts.pairs_histogram(known, column, title), key=f"leakage_{column}")
    st.caption(f"{len(known):,} pairs that show the same pixels. Blends of two patches are not included.")
