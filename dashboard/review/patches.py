"""The first view: one filter bar, and the pictures, numbers and maps that all show what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd
import streamlit as st

from core.analyses.review import label_issues
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.patches import card, gallery, outcomes
from dashboard.review import bar, filters, judging, places, saved_views, sets
from dashboard.review import table as review_table
from dashboard.review.filters import Filters
from dashboard.ui import downloads, paging
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head

PAGE_SIZES = (12, 24, 48)


def patches_view(run: RunFolder, data: Dataset, kinds: Mapping[str, sets.Kind]) -> None:
    """Draw it. kinds: of sets that the URL may name."""
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    cams, heads = gallery.cams_of(run), outcomes.heads_of(oof)
    head = chosen_head(heads, summary)
    said, choices, looks = st.container(gap="xsmall"), st.container(gap="small"), st.container(gap="small")
    with looks, st.container(horizontal=True, vertical_alignment="center"):
        look = gallery.look_choices(data, "errors", cams, overlay=False, named=False)
        beside = places.picker(data)
        popover = st.popover("More filters", icon=":material/filter_list:", key="errors_filters")
    bar.send_again()
    with popover:
        at, other = bar.threshold(), bar.other_head(heads, head)
        columns = review_table.columns_of(data)
        column, value = bar.column(columns)
    table = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if at is not None:
        table = outcomes.decided_at(table, at)
    table = _known(table, run, data, oof)
    alike = bar.alike_to(table)
    if alike:
        try:
            table = review_table.with_distance(table, run, data, alike)
        except LandslideLensError:
            alike = ""  # a run of an earlier version kept no embeddings
    if column:
        table[f"by:{column}"] = columns[column][data.index_of(table["id"].astype(str).tolist())]
    with choices, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        which = bar.outcome_pills(table)
        order = bar.order_picker(table, alike)
    versus = ""
    if other != bar.NOBODY:
        table = outcomes.against(table, outcomes.judged(oof, other))
        with choices:
            versus = bar.versus(table, other)
    shown_set = sets.chosen(run, data, kinds)
    with popover:
        folds = bar.folds(table)
        low, high = bar.probability()
        chosen = Filters(
            outcomes=() if versus and which == bar.WRONG else tuple(which),  # what was fixed is right now
            folds=tuple(folds), column=column, value=value, low=low, high=high, issue=bar.issue(table),
            judgement=bar.judgement(), tag=bar.tag(table), versus=versus, ids=shown_set.ids if shown_set else None,
        )  # fmt: skip
    shown = filters.ordered(table[filters.mask(table, chosen)], order)
    with said:
        st.markdown(sentence(table, data.positive))
        st.caption(basis(table, shown, summary, head, at))
    with looks:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            judging.name_field()
            saved_views.menu(run)
            _progress(data, table, chosen)
        sets.tell_trouble(shown_set)
        bar.said_filters(table, chosen, shown_set, alike, order)
        if gallery.PATCH not in st.query_params:  # the card tells it itself
            judging.tell_trouble()
    within = shown_set.ids if shown_set and shown_set.kind != sets.MARKED else None
    _pictures(run, data, table, shown, chosen, order, look, cams, beside, within)
    _method(cams, look, at)
    controls = partial(judging.card_controls, data, bar.known_tags(table))
    card.show_opened(data, run, shown["id"].tolist(), head, at, controls)


def _known(table: pd.DataFrame, run: RunFolder, data: Dataset, oof: pd.DataFrame) -> pd.DataFrame:
    """With what is known beside the decision: doubts, likely wrong labels, judgements."""
    table = review_table.with_doubts(table, oof)
    table = review_table.with_issues(table, or_stop(label_issues.read, run))
    said = or_stop(review_table.said_of, Judgements(data.path))
    return review_table.with_judgements(table, said, judging.reviewer())


def sentence(table: pd.DataFrame, positive: str) -> str:
    """How many are missed, and how many false alarms there are, in Markdown."""
    counts = outcomes.counts(table)
    return (
        f"The run misses **{counts['FN']:,}** of {counts['TP'] + counts['FN']:,} {escape_markdown(positive)} patches "
        f"and raises **{counts['FP']:,}** false alarms on {counts['FP'] + counts['TN']:,} others."
    )


def basis(table: pd.DataFrame, shown: pd.DataFrame, summary: Mapping, head: str, at: float | None) -> str:
    """How many are shown, whose decisions, and what they were measured on."""
    where = "each fold's own threshold" if at is None else f"one threshold of {at:.3f}"
    counts = outcomes.counts(shown)
    kinds = ", ".join(f"{theme.OUTCOME_WORDS[kind]} {n:,}" for kind, n in counts.items() if n)
    return (
        f"{len(shown):,} shown{f' ({kinds})' if kinds else ''} · {escape_markdown(theme.head_title(head))} at {where} "
        f"· measured on {len(table):,} patches the model had not seen ({len(summary['folds'])} folds)"
    )


def _progress(data: Dataset, table: pd.DataFrame, chosen: Filters) -> None:
    """How many of the patches that the other filters leave are judged, and how long the rest takes."""
    if not (table["judgement"] != "").any():
        return
    whole = table[filters.mask(table, Filters(**{**chosen.__dict__, "judgement": ""}))]
    if whole.empty:
        return
    by = judging.reviewer() or None
    pace = or_stop(lambda: Judgements(data.path).progress(whole["id"].tolist(), by=by))
    who = f"{escape_markdown(by)} has judged" if by else "Judged:"
    people = ", ".join(f"{escape_markdown(name)} {n:,}" for name, n in pace.by_person.items())
    st.caption(f"{who} **{pace.sentence}**" + (f" ({people})" if len(pace.by_person) > 1 else ""), width="content")


def _pictures(
    run: RunFolder,
    data: Dataset,
    table: pd.DataFrame,
    shown: pd.DataFrame,
    chosen: Filters,
    order: str,
    look: gallery.Look,
    cams: gallery.Cams,
    beside: str,
    within: frozenset[str] | None,
) -> None:
    if beside == places.NOTHING:
        where = st.container()
    else:
        left, where = st.columns(2, gap="medium")
        with left:
            places.beside(beside, data, run, table, shown["id"].tolist(), chosen.folds, within)
    with where:
        if shown.empty:
            st.info("No patches match these filters. Add outcomes or folds.", icon=":material/search_off:")
        else:
            _listing(data, run, shown, order, look, cams)


def _listing(
    data: Dataset, run: RunFolder, shown: pd.DataFrame, order: str, look: gallery.Look, cams: gallery.Cams
) -> None:
    url_state.read_query_param("errors_size", PAGE_SIZES, PAGE_SIZES[1])
    page, _, pages = paging.of(shown, "errors_page", st.session_state["errors_size"])
    listed = shown.drop(columns=[name for name in shown if name.startswith("by:") or name == "mine"])
    listed = listed.assign(tags=["; ".join(tags) for tags in listed["tags"]])
    gallery.gallery(
        data, page, look, "errors", cams, bar="above", everything=listed, actions=bar.ACTIONS,
        caption=lambda row: _caption(row, order),
    )  # fmt: skip
    if look.opacity:
        gallery.cam_legend(cams, look)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        paging.pages(pages, "errors_page", width=340)
        url_state.choose(
            st.selectbox, "Pictures a page", PAGE_SIZES, key="errors_size", default=PAGE_SIZES[1], width=130
        )
        downloads.download(lambda: listed, f"{run.name}_errors", "This list (CSV)")


def _caption(row: pd.Series, order: str) -> str:
    words = f"{gallery.score_caption(row)}  \n{filters.measure(row, order)}"
    if row["judgement"] and judging.reviewer() and not row["mine"]:
        words += "  \njudged by others"
    elif row["judgement"]:
        people = "" if row["judgement"] == filters.DIFFER else f" ({escape_markdown(row['judged_by'])})"
        words += f"  \n**{judging.WORDS[row['judgement']]}**{people}"
    return words


def _method(cams: gallery.Cams, look: gallery.Look, at: float | None) -> None:
    with st.expander("How this was measured"):
        st.markdown(
            "Every patch was scored by the fold that held it out. "
            + ("Each fold's threshold was learnt on the other folds. " if at is None else "")
            + "**p** is the probability of the positive class. **Confidence** is its distance from the threshold, as a "
            "share of the largest possible on that side (1: p is 0 or 1), so that misses and false alarms can be "
            "compared. **Loss** is the negative log of the true class's probability; **hardness** is its mean over all "
            "heads. **Heads differ** by the standard deviation of their probabilities. **Doubt** of a label is the "
            "mean of what speaks against it (see Label issues)."
        )
        if cams.rows and not look.opacity:
            st.markdown(gallery.cam_sentence(cams))
