"""Where the run is wrong: misclassified patches as pictures, sorted by how sure it was, each opening its card."""

import pandas as pd
import streamlit as st

from dashboard import state, theme, url_state
from dashboard.patches import card, gallery, outcomes
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import head_picker

PAGE_SIZES = (12, 24, 48)
NOBODY = "(no other head)"
VERSUS = {"fixed": "Fixed: only this head is right", "broken": "Broken: only the other is", "both wrong": "Both wrong"}
MOST_VALUES = 60  # a column with more distinct values is no filter


def main() -> None:
    st.title("Errors")
    run = guards.need_finished_run("the patches that a run misclassifies, and why")
    data = guards.need_dataset()
    summary, oof = or_stop(run.summary), or_stop(run.oof)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        heads = outcomes.heads_of(oof)
        head = head_picker("Head", heads, summary, state.ERRORS_HEAD)
        url_state.read_query_number(state.ERRORS_AT, 0.0, 1.0)
        at = st.number_input(
            "Threshold", 0.0, 1.0, None, 0.01, format="%.3f", key=state.ERRORS_AT, placeholder="own",
            width=130,
            help="One threshold for all folds. Empty: each fold's, learnt on the other folds.",
        )  # fmt: skip
        url_state.write_query_param(state.ERRORS_AT, at, None)
        other = st.selectbox(
            "Compared with", [NOBODY, *(name for name in heads if name != head)], key=f"errors_other_{head}", width=190,
            format_func=lambda name: name if name == NOBODY else theme.head_title(name),
        )  # fmt: skip
        order = st.selectbox("Order", list(outcomes.ORDERS), key="errors_order", width=190)
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
        listing(data, run, shown)
    card.show_opened(data, run, shown["id"].tolist())


def extra_filter(data) -> tuple[dict | None, str | None]:
    """A column of the dataset to filter by, as id -> value, and the value wanted."""
    columns = {"group": data.groups, "split": data.split} | dict(data.columns)
    usable = {name: values for name, values in columns.items() if values is not None and _few(values)}
    if not usable:
        return None, None
    name = st.selectbox("Only where", ["(any)", *usable], key="errors_column", width=150)
    if name not in usable:
        return None, None
    values = sorted({str(value) for value in usable[name]})
    wanted = st.selectbox("is", values, key=f"errors_value_{name}", width=170)
    return dict(zip(data.ids.tolist(), map(str, usable[name]), strict=True)), wanted


def _few(values) -> bool:
    return 1 < len(set(values.tolist())) <= max(MOST_VALUES, len(values) // 2)


def compared(table: pd.DataFrame, theirs: pd.DataFrame, other: str) -> tuple[pd.DataFrame, dict]:
    """What this head has fixed or broken that another one had decided otherwise, and which of it is wanted."""
    table = outcomes.against(table, theirs)
    counts = table["versus"].value_counts()
    which = st.pills(
        f"Against {theme.head_title(other)}", VERSUS, key="errors_versus", wrap=True,
        format_func=lambda name: f"{VERSUS[name]} · {counts.get(name, 0):,}",
    )  # fmt: skip
    return table, {} if which is None else {"versus": which}


def filtered(table: pd.DataFrame, order: str, equal: dict) -> pd.DataFrame:
    folds = sorted(table["fold"].unique().tolist())
    counts = outcomes.counts(table)
    url_state.read_query_params(state.ERRORS_OUTCOME, outcomes.OUTCOMES, ["FP", "FN"])
    which = st.pills(
        "Outcome", outcomes.OUTCOMES, selection_mode="multi", key=state.ERRORS_OUTCOME, wrap=True,
        format_func=lambda name: f"{theme.OUTCOME_WORDS[name]} · {counts[name]:,}",
    )  # fmt: skip
    url_state.write_query_param(state.ERRORS_OUTCOME, which, ["FP", "FN"])
    chosen = st.pills(
        "Fold", folds, selection_mode="multi", format_func=theme.fold_title, key="errors_folds", wrap=True
    )
    if "versus" in equal and which == ["FP", "FN"]:
        which = None  # what was fixed is right now
    return outcomes.chosen(table, which, chosen, equal, order)


def sentence(table: pd.DataFrame, shown: pd.DataFrame, summary: dict, head: str, at: float | None) -> str:
    where = "each fold's cross-fitted threshold" if at is None else f"one threshold of {at:.3f}"
    return (
        f"{len(shown):,} of {len(table):,} labelled patches, out of fold over {len(summary['folds'])} folds: "
        f"{escape_markdown(theme.head_title(head))} at {where}. Confidence is the distance of p, "
        "the probability of the positive class, from it; loss is the negative log of the true class's probability."
    )


def listing(data, run, shown: pd.DataFrame) -> None:
    cams = gallery.cams_of(run)
    look = gallery.look_controls(data, "errors", cams)
    gallery.outcome_legend()
    size = st.session_state.get("errors_size", PAGE_SIZES[1])
    asked = st.session_state.get("errors_page", 1)
    page, number, pages = outcomes.page_of(shown, asked, size)
    if number != asked:  # a filter has left fewer pages than the one that was open
        st.session_state["errors_page"] = number
    gallery.gallery(data, page, look, "errors", cams, caption=gallery.score_caption)
    if look.opacity:
        gallery.cam_legend(cams, look)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        if pages > 1:
            st.pagination(pages, key="errors_page", width=340)
        st.selectbox("A page holds", PAGE_SIZES, index=1, key="errors_size", width=110)
        downloads.download(shown.drop(columns="_kept", errors="ignore"), f"{run.name}_errors", "This list (CSV)")


main()
