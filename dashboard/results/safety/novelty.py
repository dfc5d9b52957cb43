"""How surely data unlike the training set is told: planted faults, and false alarms without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analyses.novelty import NAME, read
from core.runs.store import RunFolder
from core.wording import novelty as wording
from core.wording.novelty import WHAT, rates
from dashboard import theme
from dashboard.charts.base import arms, escape_html, range_words
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.formatting import MARKDOWN, escape_markdown
from dashboard.ui.guards import or_stop


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


def sentence(report: Mapping[str, Any], table: pd.DataFrame) -> str:
    """What it means, as Markdown."""
    return wording.sentence(report, table, MARKDOWN)


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
    return wording.basis(report, MARKDOWN)


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
