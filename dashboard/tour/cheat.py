"""Catch the cheat: a score that is high on noise, and pictures whose size tells the label."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analyses.tour import cheat
from dashboard import cache, state, theme
from dashboard.tour import parts
from dashboard.ui import downloads
from dashboard.ui.formatting import interval, number

WAYS = {
    "folds_over_all": "Made first,<br>tested on them too",
    "before_folds": "Made first,<br>tested on real ones",
    "inside_fold": "Made inside each<br>fold (as here)",
}


def view() -> None:
    """The stop."""
    target = cache.checkpoints_target(state.checkpoints())
    report = cheat.read(target)
    if report is None:
        parts.one_click(
            target, cheat.NAME,
            "Labels are drawn like lots, so that there is nothing to learn, and a model is trained on them with "
            "synthetic landslides mixed in in three ways. Then pictures are made up whose size in the source tells the "
            "label. It takes a minute.",
        )  # fmt: skip
        return
    noise, size = report["noise"], report["size"]
    high = noise["folds_over_all"]
    parts.said(
        f"On labels drawn like lots, a careless test gives a model {number(high['value'], 2)} of 1. The honest test "
        f"gives it {number(noise['inside_fold']['value'], 2)}."
    )
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        st.markdown("**When the synthetic landslides are made**")
        downloads.show(noise_figure(report), key="tour_cheat_noise")
        parts.big_number(
            "Score of the careless test on noise", number(high["value"], 2), interval((high["lo"], high["hi"]), 2),
            f"F1, 1 is perfect. "
            f"Mean of {report['draws']} datasets of {report['n']:,} made-up patches each, labels pure noise, 5 folds; "
            "the interval is of that mean over the draws (Student's t). Calling everything a landslide gives "
            f"{number(report['f1_all_positive'], 2)}.",
        )  # fmt: skip
    with grid.cell():
        st.markdown("**Pictures whose size tells the label**")
        pictures = target.results(cheat.NAME).table("pictures")
        downloads.show(size_figure(pictures), key="tour_cheat_size")
        parts.big_number(
            "Label told by picture size alone", number(size["auc"], 2), interval((size["lo"], size["hi"]), 2),
            f"AUC: 0.5 is guessing, 1 is certain. "
            f"{report['n_landslides']:,} landslides among {size['n']:,} made-up pictures; trees on width and height, "
            "out of fold. Nothing of the pictures was looked at. The check of every dataset looks for "
            "this.",
        )  # fmt: skip
    with st.container(horizontal=True):
        downloads.download(lambda: target.results(cheat.NAME).table("noise"), "cheat_noise", "Draws (CSV)")
        downloads.download(pictures, "cheat_pictures", "Pictures and their sizes (CSV)")


def noise_figure(report: dict[str, Any]) -> go.Figure:
    """F1 by way of mixing, with the interval over draws, and what calling everything a landslide gives."""
    rows = [report["noise"][name] for name in WAYS]
    values = [row["value"] for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=list(WAYS.values()), y=values, marker_color=[theme.OUTCOME["FN"], theme.OUTCOME["FP"], theme.OUTCOME["TP"]],
        showlegend=False,
        error_y={
            "type": "data", "symmetric": False, "array": [row["hi"] - row["value"] for row in rows],
            "arrayminus": [row["value"] - row["lo"] for row in rows],
        },
        hovertemplate="F1 %{y:.3f}<extra></extra>",
    )  # fmt: skip
    for place, row in zip(WAYS.values(), rows, strict=True):
        figure.add_annotation(
            x=place, y=row["hi"], text=f"<b>{row['value']:.2f}</b>", showarrow=False, yanchor="bottom", yshift=4
        )
    figure.add_hline(
        y=report["f1_all_positive"], line_dash="dash", line_color=theme.INK,
        annotation_text=f"all called: {report['f1_all_positive']:.2f}", annotation_position="top right",
    )  # fmt: skip
    figure.update_yaxes(title_text="F1 on pure noise", range=[0, 1.12])
    return theme.apply(figure, 360)


def size_figure(pictures: pd.DataFrame) -> go.Figure:
    """Width against height of each picture, by class."""
    figure = go.Figure()
    for label, title in ((0, "Other ground"), (1, "Landslide")):
        own = pictures[pictures["label"] == label]
        figure.add_scatter(
            x=own["width"], y=own["height"], mode="markers", name=title,
            marker={"color": theme.CLASS[label], "size": 7, "opacity": 0.65},
            hovertemplate="%{x} × %{y} px<extra>" + title + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="Width of the source picture (px)")
    figure.update_yaxes(title_text="Height (px)")
    return theme.apply(figure, 360)
