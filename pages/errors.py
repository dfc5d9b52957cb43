"""Where the run is wrong: misclassified patches as pictures, sorted by how sure it was, each opening its card."""

import pandas as pd
import streamlit as st

from dashboard import cached, components, gallery, outcomes, patch_card, theme
from dashboard.components import literal
from dashboard.reading import head_picker, needed

PAGE_SIZES = (12, 24, 48)
MOST_VALUES = 60  # a column with more distinct values is no filter


def main() -> None:
    st.title("Errors")
    run = components.need_finished_run("the patches that a run gets wrong, and why")
    data = components.need_dataset()
    summary, oof = needed(cached.summary, run), needed(cached.oof, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        head = head_picker("Head", outcomes.heads_of(oof), summary, "errors_head")
        order = st.selectbox("Order", list(outcomes.ORDERS), key="errors_order", width=210)
        kept, wanted = extra_filter(data)
    table = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    shown = filtered(table, order, kept, wanted)
    st.caption(sentence(table, shown, summary, head))
    if shown.empty:
        st.info("No patch is like that. Choose more outcomes or folds.", icon=":material/search_off:")
    else:
        listing(data, run, shown)
    patch_card.show_opened(data, run, shown["id"].tolist())


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


def filtered(table: pd.DataFrame, order: str, kept: dict | None, wanted: str | None) -> pd.DataFrame:
    folds = sorted(table["fold"].unique().tolist())
    counts = outcomes.counts(table)
    which = st.pills(
        "Outcome", outcomes.OUTCOMES, selection_mode="multi", default=["FP", "FN"], key="errors_outcome", wrap=True,
        format_func=lambda name: f"{theme.OUTCOME_WORDS[name]} · {counts[name]:,}",
    )  # fmt: skip
    chosen = st.pills(
        "Fold", folds, selection_mode="multi", format_func=theme.fold_title, key="errors_folds", wrap=True
    )
    if kept is not None:
        table = table.assign(_kept=table["id"].astype(str).map(kept))
    return outcomes.chosen(table, which, chosen, {"_kept": wanted} if kept is not None else None, order)


def sentence(table: pd.DataFrame, shown: pd.DataFrame, summary: dict, head: str) -> str:
    return (
        f"{len(shown):,} of {len(table):,} labelled patches, out of fold over {len(summary['folds'])} folds: "
        f"{literal(theme.head_title(head))} at each fold's cross-fitted threshold. Confidence is the distance of p, "
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
        components.download(shown.drop(columns="_kept", errors="ignore"), f"{run.name}_errors", "This list (CSV)")


main()
