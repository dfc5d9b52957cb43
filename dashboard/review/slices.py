"""Kinds of patches that the run is wrong on more often than elsewhere; and which are hardest, easiest, most alone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analyses.review import slices
from core.analyses.review.slices import NAME, Slices
from core.data.store import Dataset
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.charts.base import arms, escape_html
from dashboard.jobs import analyses
from dashboard.patches import card, gallery
from dashboard.patches.outcomes import heads_of
from dashboard.review import judging, sets
from dashboard.review import table as review_table
from dashboard.review.filters import ORDERS
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, interval_percent, percent
from dashboard.ui.guards import or_stop

SLICE = "slice"  # kind of set
CHOSEN = "review_slice"
MOST_DRAWN = 6
STRIP = 6  # pictures in a row
WRAP, LINE_PX, BAR_PX, GAP_PX = 48, 18, 18, 14  # characters and height of a line of a name, and of a bar
MEASURES = {  # colour, legend, axis
    "wrong": (theme.FOLD[0], "Wrong, of all patches"),
    "missed": (theme.OUTCOME["FN"], "Missed, of positive patches"),
    "false_alarm": (theme.OUTCOME["FP"], "False alarms, of negative patches"),
}
STRIPS = {  # title, column, ascending, what stands below a picture
    "hardest": ("Hardest", "hardness", False, "hardness {:.2f}"),
    "easiest": ("Easiest", "hardness", True, "hardness {:.2f}"),
    "outlier": ("Farthest from the training patches", "outlier", False, "{:.1f} times the usual distance"),
    "unique": ("Most unlike any other", "uniqueness", False, "{:.1f} times the usual distance"),
}  # fmt: skip


def slices_view(run: RunFolder, data: Dataset) -> None:
    """Draw it."""
    found = or_stop(slices.read, run)
    if found is None:
        analyses.nothing_yet(
            run, NAME, "Slices of errors have not been looked for",
            "Which kinds of patches is the run wrong on more often? Groups of alike patches, ranges of bands and "
            "columns are searched on one half of the groups, and kept only if the other half agrees.",
            "Find slices of errors", ":material/pie_chart:",
        )  # fmt: skip
        return
    analyses.follow(run, NAME)
    table = _with_outcomes(or_stop(found.patches))
    kept = found.report["slices"]
    if kept:
        said = st.container()
        row = _actions(run, found)
        with said:
            _said(row, row is kept[0], data)
        _drawn(kept, row)
        ids = or_stop(found.ids, row["key"])
        inside = table[table["id"].isin(list(ids))].sort_values(["wrong", "hardness"], ascending=False, kind="stable")
        order = _strip(
            data,
            inside,
            "slice",
            f"{count(len(inside))} patches of this slice, wrong ones first",
            gallery.score_caption,
        )
    else:
        st.markdown(f"**{escape_markdown(slices.nothing(found.report))}**")
        _again(run, found)
        order = []
    for name, (title, column, ascending, words) in STRIPS.items():
        known = table[table[column].notna()].sort_values(column, ascending=ascending, kind="stable")
        order += _strip(data, known, name, title, partial(_measured, column, words))
    _method(run, found, table)
    tags = {
        tag for said in or_stop(review_table.said_of, Judgements(data.path)).values() for e in said for tag in e.tags
    }
    controls = partial(judging.card_controls, data, sorted(tags))
    card.show_opened(data, run, list(dict.fromkeys(order)), found.report["head"], None, controls)


def sentence(row: Mapping[str, Any], data: Dataset) -> str:
    """How often the run is wrong on a slice and how often elsewhere, in Markdown."""
    things, are = {
        "wrong": ("patches", "are wrong"),
        "missed": (f"{data.class_names[1]} patches", "are missed"),
        "false_alarm": (f"{data.class_names[0]} patches", "are false alarms"),
    }[row["measure"]]
    return (
        f"**{percent(row['rate'], 0)}** of {count(row['tested'])} {escape_markdown(things)} {are} (95%: "
        f"{interval_percent((row['lo'], row['hi']))}), against {percent(row['rest'], 0)} elsewhere."
    )


def bars(rows: Sequence[Mapping[str, Any]], chosen: str = "") -> go.Figure:
    """A bar a slice with its interval and its name above, and a line at the rate elsewhere. rows: of the report."""
    figure, seen, at = go.Figure(), set(), 0
    for row in rows:
        colour, legend = MEASURES[row["measure"]]
        value, low, high = (100 * row[key] for key in ("rate", "lo", "hi"))
        name = list(map(escape_html, textwrap.wrap(_short(row), WRAP)))
        at += BAR_PX + GAP_PX + LINE_PX * len(name)  # the axis counts px
        said = f"{escape_html(row['name'])}: {row['tested_wrong']:,} of {row['tested']:,}"
        figure.add_bar(
            x=[value], y=[at], width=BAR_PX, orientation="h", name=legend, legendgroup=row["measure"],
            showlegend=row["measure"] not in seen, error_x=arms(value, low, high, theme.INK),
            marker={"color": colour}, hovertemplate=f"{said}, %{{x:.0f}}%<extra></extra>",
        )  # fmt: skip
        seen.add(row["measure"])
        figure.add_scatter(
            x=[100 * row["rest"]], y=[at], mode="markers", name="Elsewhere", legendgroup="rest",
            showlegend=row is rows[-1],
            marker={"symbol": "line-ns", "size": BAR_PX, "line": {"width": 3, "color": theme.INK}},
            hovertemplate=f"elsewhere: %{{x:.0f}}% of {row['rest_n']:,}<extra></extra>",
        )  # fmt: skip
        words = "<br>".join(f"<b>{line}</b>" if row["key"] == chosen else line for line in name)
        figure.add_annotation(
            x=0, y=at - BAR_PX / 2, text=words, showarrow=False, xanchor="left", yanchor="bottom", align="left",
            font={"size": 13}, xshift=-2,
        )  # fmt: skip
    most = 100 * max(row["hi"] for row in rows)
    figure.update_xaxes(title_text="Wrong decisions, with 95% interval (%)", range=[0, min(103, 1.25 * most)])
    figure.update_yaxes(range=[at + BAR_PX, 0], showticklabels=False, showgrid=False, zeroline=False)
    return theme.apply(figure, 100 + at + BAR_PX)


# ------------------------------------------------------------------------------------------------------- the set


def slice_ids(run: RunFolder, data: Dataset, name: str) -> frozenset[str] | None:
    """The patches of the slice of this key, None where there is none (see ``dashboard.review.sets``)."""
    found = slices.read(run)
    return None if found is None else found.ids(name)


def slice_title(run: RunFolder, data: Dataset, name: str) -> str:
    """What the slice of this key is called."""
    found = slices.read(run)
    row = None if found is None else found.row(name)
    return "" if row is None else f"in the slice {row['name']}"


SLICE_KIND = sets.Kind(slice_ids, slice_title)


# ---------------------------------------------------------------------------------------------------------- parts


def _said(row: Mapping[str, Any], worst: bool, data: Dataset) -> None:
    name = escape_markdown(row["name"])
    st.markdown(f"{'The worst slice' if worst else 'This slice'}: **{name}**. {sentence(row, data)}")


def _actions(run: RunFolder, found: Slices) -> Mapping[str, Any]:
    """Which slice is looked at (the worst at first), and what can be done with it."""
    rows = {row["key"]: row for row in found.report["slices"]}
    places = {key: place for place, key in enumerate(rows, start=1)}
    with st.container(horizontal=True, vertical_alignment="center"):
        key = url_state.choose(
            st.selectbox, "Slice", list(rows), key=CHOSEN, default=next(iter(rows)), label_visibility="collapsed",
            format_func=lambda key: f"{places[key]}. {_short(rows[key])}", width=420,
        )  # fmt: skip
        st.button(
            "Look at these patches", type="primary", icon=":material/grid_view:", key="review_slice_go",
            on_click=_open, args=(found.report["head"], key),
        )  # fmt: skip
        _again(run, found)
    return rows[key]


def _again(run: RunFolder, found: Slices) -> None:
    with st.popover("Look again", icon=":material/refresh:", key="review_slices_again"):
        given, heads = {"head": found.report["head"]}, list(heads_of(or_stop(run.oof)))
        analyses.options_form(run, NAME, "Look again", given=given, choices={"head": heads})


def _open(head: str, key: str) -> None:
    """Callback: the slice in the Patches view, as the head whose errors it is made of decides."""
    url_state.forget(state.HEAD)
    st.query_params[state.HEAD] = head
    sets.open_set(SLICE, key)


def _drawn(kept: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> None:
    shown = list(kept[:MOST_DRAWN])
    downloads.show(bars(shown, row["key"]), key="review_slices")
    rest = f" {count(len(kept) - len(shown))} more are in the list above." if len(kept) > len(shown) else ""
    st.caption(f"Measured on the half of the groups that did not propose the slice, each patch held out.{rest}")


def _strip(data: Dataset, table: pd.DataFrame, name: str, title: str, caption: Callable[[pd.Series], str]) -> list[str]:
    """A row of pictures under its title; the ids of all of them in this order."""
    if table.empty:
        return []
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{escape_markdown(title)}**", width="content")
        if name in ORDERS:
            st.button(
                "All in this order", type="tertiary", icon=":material/arrow_forward:", key=f"review_all_{name}",
                on_click=_open_order, args=(name,),
            )  # fmt: skip
    way = gallery.composites(gallery.derived_bands.drawable(data.bands))[0]
    gallery.gallery(data, table.head(STRIP), gallery.Look(way), f"slices_{name}", caption=caption, columns=STRIP)
    return table["id"].head(STRIP).tolist()


def _open_order(order: str) -> None:
    """Callback: all patches in this order."""
    sets.clear()
    url_state.forget(*state.ERRORS_FILTERS)
    st.session_state["errors_order"] = order
    sets.open_from_within("review", "patches")


def _measured(column: str, words: str, row: pd.Series) -> str:
    return f"{gallery.score_caption(row)}  \n{words.format(row[column])}"


def _with_outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """With the outcome, for the chips of the pictures."""
    right = ~table["wrong"].to_numpy(bool)
    kinds = pd.Series(table["label"].to_numpy() * 2 + right).map({3: "TP", 2: "FN", 0: "FP", 1: "TN"})
    return table.assign(outcome=kinds.to_numpy())


def _short(row: Mapping[str, Any]) -> str:
    """The name with the numbers left out where words say enough."""
    name = row["name"]
    for clause in row["clauses"]:
        name = name.replace(f"{clause['words']} ({clause['numbers']})", clause["words"])
    return name


def _method(run: RunFolder, found: Slices, table: pd.DataFrame) -> None:
    report = found.report
    with st.expander("How this was measured"):
        resampled = f"{count(report['n_groups'])} groups, kept whole" if report["grouped"] else "single patches"
        st.markdown(
            f"Errors of {escape_markdown(theme.head_title(report['head']))} on {count(report['n'])} held-out patches "
            f"({count(report['n_positive'])} positive, {count(report['n_wrong'])} wrong, {report['n_folds']} folds). "
            f"{count(report['n_candidates'])} candidates were looked at: quarters of bands, indices, columns and "
            "distances, values of columns, and groups of alike patches in each fold's own embedding (spaces of "
            f"different folds do not align), alone and in pairs. Each half of the groups proposed its worst; the other "
            f"half tested them, {count(report['n_tested'])} in all, against all other patches by a bootstrap of "
            f"{resampled}. Kept: p below 0.05 after Holm's correction, over both halves. A pair must also be worse "
            "than the rest of each of its parts.\n\n"
            "**Hardness** is the mean log loss over all heads. **Distances** are in the embedding of the patch's own "
            "fold: from the 10 nearest patches that its network learnt from, and from the 3 nearest other held-out "
            "patches; 1 is the median of the fold."
        )
        _clauses(report)
        _listed(report)
        downloads.download(table.assign(fold=table["fold"] + 1), f"{run.name}_slices", "All patches (CSV)")


def _clauses(report: Mapping[str, Any]) -> None:
    rows = [
        {"Slice": row["name"], "Shares": clause["words"], "Numbers": clause["numbers"]}
        for row in report["slices"]
        for clause in row["clauses"] if clause["numbers"] not in row["name"]
    ]  # fmt: skip
    if rows:
        st.markdown("What the patches of a slice share:")
        downloads.table(pd.DataFrame(rows), hide_index=True, width="stretch")


def _listed(report: Mapping[str, Any]) -> None:
    """Every test, those that failed too."""
    if not report["tested"]:
        return
    rows = [
        {
            "Slice": row["name"], "Measure": MEASURES[row["measure"]][1], "Patches": row["tested"],
            "Wrong": row["tested_wrong"], "Share": row["rate"], "Elsewhere": row["rest"], "p (Holm)": row["p_adjusted"],
            "Kept": row["kept"],
            "All wrong": _of(row["also"]["wrong"]), "Missed": _of(row["also"]["missed"]),
            "False alarms": _of(row["also"]["false_alarm"]),
        }
        for row in report["tested"]
    ]  # fmt: skip
    st.markdown("All tests, on the half that did not propose the slice:")
    config = {name: st.column_config.NumberColumn(name, format="percent") for name in ("Share", "Elsewhere")}
    config["p (Holm)"] = st.column_config.NumberColumn("p (Holm)", format="%.3f")
    downloads.table(pd.DataFrame(rows), hide_index=True, width="stretch", column_config=config)


def _of(pair: Sequence[int]) -> str:
    return f"{pair[0]:,} of {pair[1]:,}"
