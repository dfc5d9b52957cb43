"""How surely data unlike the training set is told: planted faults, and false alarms without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analyses.novelty import NAME, read
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.charts.base import arms, escape_html, range_words
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, interval_percent, percent
from dashboard.ui.guards import or_stop

SURE = 0.95  # share of places from which a fault is found surely
WHAT = {"sets": "A whole place", "patches": "A single patch"}
EVIDENCE = {
    "both": "band values and embeddings", "bands": "band values", "embedding": "embeddings",
}  # fmt: skip


def novelty_view(run: RunFolder) -> None:
    """The rates, or the button that measures them."""
    report = or_stop(read, run)
    if report is None:
        analyses.nothing_yet(
            run, NAME, "Would this run notice wrong data?",
            "Predictions are compared with the training set: swapped bands, wrong units or another climate are "
            "reported before a map is believed. This measures how often such faults are found, and how often an alarm "
            "is false.",
            "Measure it", ":material/travel_explore:",
        )  # fmt: skip
        return
    analyses.follow(run, NAME)
    table = rates(report)
    st.markdown(sentence(report, table))
    downloads.show(figure(table, report["level"]), key="novelty_rates")
    st.caption(basis(report))
    shown = pd.DataFrame(
        {
            "Fault": table["title"],
            "Found in a whole place": table["sets_text"],
            "Found in a single patch": table["patches_text"],
            "Refused outright": [f"{n} of {report['n_folds']} folds" if n else "no" for n in table["refused"]],
            "Cause named rightly": [f"{n} of {report['n_folds']} folds" if n else "no" for n in table["named"]],
        }
    )
    downloads.table(shown, hide_index=True, width="stretch", height="content")
    with st.container(horizontal=True, vertical_alignment="center"):
        downloads.download(table, f"{run.name}_novelty", "Rates (CSV)")
        with st.popover("Measure again", icon=":material/refresh:"):
            analyses.options_form(run, NAME, "Measure again")
    _method(report)


def rates(report: Mapping[str, Any]) -> pd.DataFrame:
    """One row per fault, no fault first: key, title, sets and patches with lo, hi and text, refused, named."""
    evidence, rows = report["evidence"], []
    false = report["false_alarms"]
    found = {"none": {"title": "Nothing wrong (false alarms)", **_as_rates(false, evidence)}, **report["faults"]}
    for key, one in found.items():
        row = {"key": key, "title": one["title"], "refused": one.get("refused", 0), "named": one.get("named", 0)}
        for what in WHAT:
            of = one[what].get(evidence) or next(iter(one[what].values()))
            row |= {what: of["share"], f"{what}_lo": of["lo"], f"{what}_hi": of["hi"], f"{what}_n": of["n"]}
            row[f"{what}_text"] = _with_interval(of)
        rows.append(row)
    table = pd.DataFrame(rows)
    return pd.concat([table[:1], table[1:].sort_values(["sets", "patches"], ascending=False, kind="stable")])


def _as_rates(false: Mapping[str, Any], evidence: str) -> dict[str, Any]:
    return {"sets": {evidence: false["sets"]}, "patches": {evidence: false["patches"]}, "refused": false["refused"]}


def _with_interval(of: Mapping[str, Any]) -> str:
    ends = interval_percent((of["lo"], of["hi"]))
    return f"{percent(of['share'], 1 if of['share'] < 0.05 else 0)}" + (f" ({ends})" if ends else "")


def sentence(report: Mapping[str, Any], table: pd.DataFrame) -> str:
    """What it means, as Markdown."""
    faults = table[table["key"] != "none"]
    sure = int((faults["sets"] >= SURE).sum())
    false = report["false_alarms"]["sets"]
    hidden = [escape_markdown(text) for text in faults.loc[faults["sets"] < 0.2, "title"]]
    words = (
        f"**{sure} of {len(faults)} planted faults are found in at least {percent(SURE, 0)} of places; "
        f"{percent(false['share'], 1)} of places without a fault raise an alarm.**"
    )
    return words + (f" Hardly ever found: {'; '.join(hidden)}." if hidden else "")


def figure(table: pd.DataFrame, level: float) -> go.Figure:
    """Share of places and of patches in which each fault is found, with intervals."""
    made = go.Figure()
    titles = [escape_html(text) for text in table["title"]]
    colours = {"sets": theme.POSITIVE, "patches": theme.NEGATIVE}
    for what, words in WHAT.items():
        bounds = list(zip(table[f"{what}_lo"], table[f"{what}_hi"], strict=True))
        for k, (title, value, (low, high)) in enumerate(zip(titles, table[what], bounds, strict=True)):
            made.add_scatter(
                x=[value], y=[title], mode="markers", name=words, legendgroup=what, showlegend=k == 0,
                marker={"size": 11 if what == "sets" else 8, "color": colours[what],
                        "symbol": "circle" if what == "sets" else "diamond"},
                error_x=arms(value, low, high, colours[what]),
                hovertemplate=f"{title}<br>{words}: %{{x:.1%}}{range_words(low, high)}<extra></extra>",
            )  # fmt: skip
    made.add_vline(x=level, line_width=1, line_dash="dot", line_color=theme.INK)
    made.update_yaxes(autorange="reversed", showgrid=False)
    made.update_xaxes(title_text="Share found, with 95% interval", tickformat=".0%", range=[-0.03, 1.03])
    return theme.apply(made, 130 + 27 * len(table))


def basis(report: Mapping[str, Any]) -> str:
    """What the numbers rest on, as Markdown."""
    whose = "groups" if report["grouped"] else "patches (the run has no groups)"
    return (
        f"Dotted line: the promised rate of false alarms, 1 in {1 / report['level']:.0f}. Compared: "
        f"{EVIDENCE[report['evidence']]}. Calibrated on {count(report['n_calibrated'])} held-out patches of "
        f"{count(report['n_groups'])} {whose}, {report['n_folds']} folds; each fault planted in "
        f"{count(report['n'])} of them. A place is one held-out group. Measured {escape_markdown(report['made'][:10])}."
    )


def _method(report: Mapping[str, Any]) -> None:
    with st.expander("How this was measured"):
        notes = "".join(f"\n- {escape_markdown(note)}" for note in report["notes"])
        st.markdown(
            "Each held-out patch is scored by the fold that did not learn from it: how far quantiles, width and "
            "texture of each band, the bands together, and the embedding's five nearest training patches lie from the "
            "training part. Its p-value is the share of held-out groups that lie as far out, each group counting "
            "once. The largest of all these distances counts, so more bands do not mean more false alarms. "
            "A flipped or turned patch has the same values, and training turns patches too: that cannot be found."
            + notes
        )
