"""Where the run is wrong: misclassified patches as pictures, sorted by how sure it was, each opening its card."""

import pandas as pd
import streamlit as st

from dashboard import state, theme, url_state
from dashboard.patches import card, gallery, outcomes
from dashboard.ui import downloads, guards, paging
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head

PAGE_SIZES = (12, 24, 48)
NOBODY, NO_HEAD = "", "(no other head)"
ANY, NO_COLUMN = "", "(any)"
VERSUS = {"fixed": "Fixed: only this head is right", "broken": "Broken: only the other is", "both wrong": "Both wrong"}
WRONG = ["FN", "FP"]
MOST_VALUES = 60  # a column with more distinct values is no filter


def main() -> None:
    st.title("Errors")
    run = guards.need_finished_run("the patches that a run misclassifies, and why")
    data = guards.need_dataset()
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    cams, heads = gallery.cams_of(run), outcomes.heads_of(oof)
    head = chosen_head(heads, summary)
    said, choices, looks = st.container(gap="xsmall"), st.container(gap="small"), st.container()
    with looks, st.container(horizontal=True, vertical_alignment="center"):
        look = gallery.look_choices(data, "errors", cams, overlay=False, named=False)
        filters = st.popover("More filters", icon=":material/filter_list:", key="errors_filters")
    with filters:
        at = url_state.number(
            "Threshold", 0.0, 1.0, None, key=state.ERRORS_AT, step=0.01, format="%.3f", placeholder="each fold's own",
            help="One threshold for all folds. Empty: each fold's, learnt on the other folds.",
        )  # fmt: skip
        other = url_state.choose(
            st.selectbox, "Compared with", [NOBODY, *(name for name in heads if name != head)], key="errors_other",
            default=NOBODY, format_func=lambda name: NO_HEAD if name == NOBODY else theme.head_title(name),
        )  # fmt: skip
        kept, wanted = extra_filter(data)
    table = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if at is not None:
        table = outcomes.decided_at(table, at)
    equal = {}
    with choices, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        which = outcome_pills(table)
        order = url_state.choose(
            st.selectbox, "Order", list(outcomes.ORDERS), key="errors_order", default=next(iter(outcomes.ORDERS)),
            width=210, format_func=outcomes.ORDERS.get, label_visibility="collapsed",
        )  # fmt: skip
    if other != NOBODY:
        with choices:
            table, equal = compared(table, outcomes.judged(oof, other), other)
    if kept is not None:
        table, equal = table.assign(_kept=table["id"].astype(str).map(kept)), equal | {"_kept": wanted}
    if "versus" in equal and which == WRONG:
        which = None  # what was fixed is right now
    with filters:
        folds = url_state.choose_several(
            st.pills, "Fold", sorted(table["fold"].unique().tolist()), key="errors_folds", selection_mode="multi",
            format_func=theme.fold_title, wrap=True,
        )  # fmt: skip
    shown = outcomes.chosen(table, which, folds, equal, order)
    with said:
        st.markdown(sentence(table, data.positive))
        st.caption(basis(table, shown, summary, head, at))
    if shown.empty:
        st.info("No patches match these filters. Add outcomes or folds.", icon=":material/search_off:")
    else:
        listing(data, run, shown, order, look, cams)
    method(cams, look, at)
    card.show_opened(data, run, shown["id"].tolist(), head, at)


def outcome_pills(table: pd.DataFrame) -> list[str]:
    counts = outcomes.counts(table)
    return url_state.choose_several(
        st.pills, "Outcome", outcomes.OUTCOMES, key=state.ERRORS_OUTCOME, default=WRONG, selection_mode="multi",
        wrap=True, format_func=lambda name: f"{theme.OUTCOME_WORDS[name]} · {counts[name]:,}", width="content",
        label_visibility="collapsed",
    )  # fmt: skip


def extra_filter(data) -> tuple[dict | None, str | None]:
    """A column of the dataset to filter by, as id -> value, and the value wanted."""
    columns = {"group": data.groups, "split": data.split} | dict(data.columns)
    usable = {name: values for name, values in columns.items() if values is not None and _few(values)}
    if not usable:
        return None, None
    name = url_state.choose(
        st.selectbox, "Only where", [ANY, *usable], key="errors_column", default=ANY,
        format_func=lambda name: name or NO_COLUMN,
    )  # fmt: skip
    if name == ANY:
        return None, None
    values = sorted({str(value) for value in usable[name]})
    wanted = url_state.choose(st.selectbox, "is", values, key="errors_value", default=values[0])
    return dict(zip(data.ids.tolist(), map(str, usable[name]), strict=True)), wanted


def _few(values) -> bool:
    return 1 < len(set(values.tolist())) <= max(MOST_VALUES, len(values) // 2)


def compared(table: pd.DataFrame, theirs: pd.DataFrame, other: str) -> tuple[pd.DataFrame, dict]:
    """What this head has fixed or broken that another one had decided otherwise, and which of it is wanted."""
    table = outcomes.against(table, theirs)
    counts = table["versus"].value_counts()
    which = url_state.choose(
        st.pills, f"Against {theme.head_title(other)}", list(VERSUS), key="errors_versus", default=None, wrap=True,
        format_func=lambda name: f"{VERSUS[name]} · {counts.get(name, 0):,}",
    )  # fmt: skip
    return table, {} if which is None else {"versus": which}


def sentence(table: pd.DataFrame, positive: str) -> str:
    counts = outcomes.counts(table)
    return (
        f"The run misses **{counts['FN']:,}** of {counts['TP'] + counts['FN']:,} {escape_markdown(positive)} patches "
        f"and raises **{counts['FP']:,}** false alarms on {counts['FP'] + counts['TN']:,} others."
    )


def basis(table: pd.DataFrame, shown: pd.DataFrame, summary: dict, head: str, at: float | None) -> str:
    where = "each fold's own threshold" if at is None else f"one threshold of {at:.3f}"
    return (
        f"{len(shown):,} shown · {escape_markdown(theme.head_title(head))} at {where} · measured on {len(table):,} "
        f"patches the model had not seen ({len(summary['folds'])} folds)"
    )


def listing(data, run, shown: pd.DataFrame, order: str, look: gallery.Look, cams: gallery.Cams) -> None:
    url_state.read_query_param("errors_size", PAGE_SIZES, PAGE_SIZES[1])
    page, _, pages = paging.of(shown, "errors_page", st.session_state["errors_size"])
    listed = shown.drop(columns="_kept", errors="ignore")
    gallery.gallery(
        data, page, look, "errors", cams, bar="above", everything=listed,
        caption=lambda row: f"{gallery.score_caption(row)}  \n{outcomes.measure(row, order)}",
    )  # fmt: skip
    if look.opacity:
        gallery.cam_legend(cams, look)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        paging.pages(pages, "errors_page", width=340)
        url_state.choose(
            st.selectbox, "Pictures a page", PAGE_SIZES, key="errors_size", default=PAGE_SIZES[1], width=130
        )
        downloads.download(listed, f"{run.name}_errors", "This list (CSV)")


def method(cams: gallery.Cams, look: gallery.Look, at: float | None) -> None:
    with st.expander("How this was measured"):
        st.markdown(
            "Every patch was scored by the fold that held it out. "
            + ("Each fold's threshold was learnt on the other folds. " if at is None else "")
            + "**p** is the probability of the positive class. **Confidence** is its distance from the threshold, as a "
            "share of the largest possible on that side (1: p is 0 or 1), so that misses and false alarms can be "
            "compared. **Loss** is the negative log of the true class's probability."
        )
        if cams.rows and not look.opacity:
            st.markdown(gallery.cam_sentence(cams))


main()
