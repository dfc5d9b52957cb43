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
MOST_VALUES = 60  # a column with more distinct values is no filter


def main() -> None:
    st.title("Errors")
    run = guards.need_finished_run("the patches that a run misclassifies, and why")
    data = guards.need_dataset()
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        heads = outcomes.heads_of(oof)
        head = chosen_head(heads, summary)
        at = url_state.number(
            "Threshold", 0.0, 1.0, None, key=state.ERRORS_AT, step=0.01, format="%.3f", placeholder="own", width=130,
            help="One threshold for all folds. Empty: each fold's, learnt on the other folds.",
        )  # fmt: skip
        other = url_state.choose(
            st.selectbox, "Compared with", [NOBODY, *(name for name in heads if name != head)], key="errors_other",
            default=NOBODY, width=190, format_func=lambda name: NO_HEAD if name == NOBODY else theme.head_title(name),
        )  # fmt: skip
        order = url_state.choose(
            st.selectbox, "Order", list(outcomes.ORDERS), key="errors_order", default=next(iter(outcomes.ORDERS)),
            width=190, format_func=outcomes.ORDERS.get,
        )  # fmt: skip
        kept, wanted = extra_filter(data)
    table = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    if at is not None:
        table = outcomes.decided_at(table, at)
    equal = {}
    if other != NOBODY:
        table, equal = compared(table, outcomes.judged(oof, other), other)
    if kept is not None:
        table, equal = table.assign(_kept=table["id"].astype(str).map(kept)), equal | {"_kept": wanted}
    shown = filtered(table, order, equal)
    st.caption(sentence(table, shown, summary, head, at))
    if shown.empty:
        st.info("No patches match these filters. Add outcomes or folds.", icon=":material/search_off:")
    else:
        listing(data, run, shown, order)
    card.show_opened(data, run, shown["id"].tolist())


def extra_filter(data) -> tuple[dict | None, str | None]:
    """A column of the dataset to filter by, as id -> value, and the value wanted."""
    columns = {"group": data.groups, "split": data.split} | dict(data.columns)
    usable = {name: values for name, values in columns.items() if values is not None and _few(values)}
    if not usable:
        return None, None
    name = url_state.choose(
        st.selectbox, "Only where", [ANY, *usable], key="errors_column", default=ANY, width=150,
        format_func=lambda name: name or NO_COLUMN,
    )  # fmt: skip
    if name == ANY:
        return None, None
    values = sorted({str(value) for value in usable[name]})
    wanted = url_state.choose(st.selectbox, "is", values, key="errors_value", default=values[0], width=170)
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


def filtered(table: pd.DataFrame, order: str, equal: dict) -> pd.DataFrame:
    folds = sorted(table["fold"].unique().tolist())
    counts = outcomes.counts(table)
    which = url_state.choose_several(
        st.pills, "Outcome", outcomes.OUTCOMES, key=state.ERRORS_OUTCOME, default=["FP", "FN"], selection_mode="multi",
        wrap=True, format_func=lambda name: f"{theme.OUTCOME_WORDS[name]} · {counts[name]:,}",
    )  # fmt: skip
    chosen = url_state.choose_several(
        st.pills, "Fold", folds, key="errors_folds", selection_mode="multi", format_func=theme.fold_title, wrap=True
    )
    if "versus" in equal and which == ["FP", "FN"]:
        which = None  # what was fixed is right now
    return outcomes.chosen(table, which, chosen, equal, order)


def sentence(table: pd.DataFrame, shown: pd.DataFrame, summary: dict, head: str, at: float | None) -> str:
    where = "each fold's cross-fitted threshold" if at is None else f"one threshold of {at:.3f}"
    return (
        f"{len(shown):,} of {len(table):,} labelled patches, out of fold over {len(summary['folds'])} folds: "
        f"{escape_markdown(theme.head_title(head))} at {where}. Confidence is the distance of p, "
        "the probability of the positive class, from it, as a share of the largest on that side (1: p is 0 or 1), so "
        "that misses and false alarms can be compared; loss is the negative log of the true class's probability."
    )


def listing(data, run, shown: pd.DataFrame, order: str) -> None:
    cams = gallery.cams_of(run)
    look = gallery.look_controls(data, "errors", cams)
    gallery.outcome_legend()
    url_state.read_query_param("errors_size", PAGE_SIZES, PAGE_SIZES[1])
    page, _, pages = paging.of(shown, "errors_page", st.session_state["errors_size"])
    gallery.gallery(
        data, page, look, "errors", cams,
        caption=lambda row: f"{gallery.score_caption(row)}  \n{outcomes.measure(row, order)}",
    )  # fmt: skip
    if look.opacity:
        gallery.cam_legend(cams, look)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        paging.pages(pages, "errors_page", width=340)
        url_state.choose(st.selectbox, "A page holds", PAGE_SIZES, key="errors_size", default=PAGE_SIZES[1], width=110)
        downloads.download(shown.drop(columns="_kept", errors="ignore"), f"{run.name}_errors", "This list (CSV)")


main()
