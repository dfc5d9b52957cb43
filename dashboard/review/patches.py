"""The first view: one filter bar, and the pictures, numbers and maps that all show what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analyses.review import slices
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.predict.novelty.own import OwnNovelty
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
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
    summary, oof, stamp = or_stop(run.summary), or_stop(run.oof), Judgements(data.path).stamp
    cams, head = gallery.cams_of(run), chosen_head(outcomes.heads_of(oof), summary)
    said, choices, looks = st.container(gap="xsmall"), st.container(gap="small"), st.container(gap="small")
    with looks, st.container(horizontal=True, vertical_alignment="center"):
        look = gallery.look_choices(data, "errors", cams, overlay=False, named=False)
        beside = places.picker(data)
        popover = st.popover("More filters", icon=":material/filter_list:", key="errors_filters")
    with popover:
        at = bar.threshold()
        columns = review_table.columns_of(data)
        with _row():
            column, value = bar.column(columns)
        runs = bar.other_runs(review_table.runs_beside(run, state.choice().runs))
    able = _Able(run.has_scores(0), runs, or_stop(review_table.novelty_of, run))
    table, alike = _with_likeness(_known(run, data, head, at), run, data)
    if column:
        table[f"by:{column}"] = columns[column][data.index_of(table["id"].astype(str).tolist())]
    with choices, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        which = bar.outcome_pills(table)
        order = bar.order_picker(_orders(table, run, able, alike))
    shown_set = sets.chosen(run, data, kinds)
    with popover:
        chosen = _chosen(table, able, which, column, value, shown_set)
    table = _measured(table, chosen, order, run, data, head, able)
    shown = filters.ordered(table[filters.mask(table, chosen)], order)
    with said:
        st.markdown(sentence(table, data.positive))
        st.caption(basis(table, shown, summary, head, at))
    with looks:
        _told(run, data, table, chosen, shown_set, alike, order)
    within = shown_set.ids if shown_set and shown_set.kind != sets.MARKED else None
    listing = partial(_listing, data, run, shown, order, look, cams, stamp)
    _pictures(run, data, table, shown, chosen, beside, within, listing)
    _method(cams, look, at)
    controls = partial(judging.card_controls, data, bar.known_tags(table))
    card.show_opened(data, run, shown["id"].tolist(), head, at, controls, partial(judging.history, data))


@dataclass(frozen=True)
class _Able:
    """What this run can be asked beyond its decisions: by fold, beside other runs, how new a patch is."""

    folds: bool
    runs: list[RunFolder]
    own: OwnNovelty | None


def _with_likeness(table: pd.DataFrame, run: RunFolder, data: Dataset) -> tuple[pd.DataFrame, str]:
    """With the distance to the patch that others are to be like, and its id; empty where there is none."""
    alike = bar.alike_to(table)
    if alike:
        try:
            return review_table.with_distance(table, run, data, alike), alike
        except LandslideLensError:
            pass  # a run of an earlier version kept no embeddings
    return table, ""


def _orders(table: pd.DataFrame, run: RunFolder, able: _Able, alike: str) -> list[str]:
    """The orders that need something which is there."""
    known = {"issue": "issue_rank" in table, "alike": alike, "folds": able.folds, "runs": able.runs, "novel": able.own}
    known |= dict.fromkeys(("outlier", "unique"), or_stop(slices.read, run))
    return [name for name, there in known.items() if there]


def _chosen(
    table: pd.DataFrame, able: _Able, which: Collection[str], column: str, value: str, shown_set: sets.Chosen | None
) -> Filters:
    """What the other filters are set to; drawn where this is called."""
    folds = bar.folds(table)
    low, high = bar.probability()
    differ, least = bar.differing(able.folds, bool(able.runs))
    with _row():
        new, judged = bar.novelty(able.own, len(table)), bar.judgement()
    with _row():
        wrong, tag = bar.issue(table), bar.tag(table)
    return Filters(
        outcomes=tuple(which), folds=tuple(folds), column=column, value=value, low=low, high=high, issue=wrong,
        judgement=judged, tag=tag, differ=differ, least=least, novelty=new, level=able.own.level if able.own else 0.0,
        ids=shown_set.ids if shown_set else None,
    )  # fmt: skip


def _told(
    run: RunFolder,
    data: Dataset,
    table: pd.DataFrame,
    chosen: Filters,
    shown_set: sets.Chosen | None,
    alike: str,
    order: str,
) -> None:
    """Who judges, saved views, how far the judging is, and which filters are set."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        judging.name_field()
        saved_views.menu(run)
        _progress(data, table, chosen)
    sets.tell_trouble(shown_set)
    bar.said_filters(table, chosen, shown_set, alike, order)
    if gallery.PATCH not in st.query_params:  # the card tells it itself
        judging.tell_trouble()


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom", gap="small")


def _known(run: RunFolder, data: Dataset, head: str, at: float | None) -> pd.DataFrame:
    """The decisions of a head, with what is known beside them: doubts, likely wrong labels, judgements."""
    table = or_stop(review_table.decided, run, head)
    if at is not None:
        table = outcomes.decided_at(table, at)
    said = or_stop(review_table.said_of, Judgements(data.path))
    return review_table.with_judgements(table, said, judging.reviewer())


def _measured(
    table: pd.DataFrame, chosen: Filters, order: str, run: RunFolder, data: Dataset, head: str, able: _Able
) -> pd.DataFrame:
    """With what the filters and the order need, and nothing else: how far folds or runs differ, novelty, outliers."""
    try:
        if "folds" in (order, chosen.differ):
            table = review_table.with_fold_spread(table, run, data, head)
        if "runs" in (order, chosen.differ):
            table = review_table.with_run_spread(table, able.runs)
    except LandslideLensError as error:
        st.warning(escape_markdown(str(error)), icon=":material/call_split:")
    if able.own is not None and (chosen.novelty or order == "novel"):
        table = review_table.with_novelty(table, able.own, data)
    return review_table.with_spaces(table, run) if order in ("outlier", "unique") else table


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
    beside: str,
    within: frozenset[str] | None,
    listing: Callable[[], None],
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
            listing()


@st.fragment
def _listing(
    data: Dataset,
    run: RunFolder,
    shown: pd.DataFrame,
    order: str,
    look: gallery.Look,
    cams: gallery.Cams,
    stamp: tuple[int, int],
) -> None:
    """By itself: another page costs its pictures, and neither the table nor anything else of this page.

    stamp: of the judgements that the table knows.
    """
    if Judgements(data.path).stamp != stamp:
        st.rerun()  # somebody has judged since
    url_state.read_query_param("errors_size", PAGE_SIZES, PAGE_SIZES[1])
    size = st.session_state["errors_size"]
    page, number, pages = paging.of(shown, "errors_page", size)
    listed = partial(_listed, shown)
    gallery.gallery(
        data, page, look, "errors", cams, bar="above", everything=listed, actions=bar.ACTIONS,
        caption=lambda row: _caption(row, order), ahead=paging.ahead(shown, number, size),
    )  # fmt: skip
    if look.opacity:
        gallery.cam_legend(cams, look)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        paging.pages(pages, "errors_page", width=340)
        url_state.choose(
            st.selectbox, "Pictures a page", PAGE_SIZES, key="errors_size", default=PAGE_SIZES[1], width=130
        )
        downloads.download(listed, f"{run.name}_errors", "This list (CSV)")


def _listed(shown: pd.DataFrame) -> pd.DataFrame:
    """The list as others get it."""
    listed = shown.drop(columns=[name for name in shown if name.startswith("by:") or name == "mine"])
    return listed.assign(tags=["; ".join(tags) for tags in listed["tags"]])


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
            "heads. **Heads, folds or runs differ** by the standard deviation of their probabilities: only the patch's "
            "own fold has not learnt it, and other runs answer out of fold. **Doubt** of a label is the mean of what "
            "speaks against it (see Label issues). **Novelty** is how far a patch lies from what its own fold was "
            "trained on, as the share of other held-out groups that lie as far out."
        )
        if len(cams.maps) and not look.opacity:
            st.markdown(gallery.cam_sentence(cams))
