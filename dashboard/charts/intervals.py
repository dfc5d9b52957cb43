"""Values with their intervals: heads, differences, bands; one patch's probability by head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts.base import (
    DARK_TEXT,
    METRIC_TITLES,
    THIN,
    arms,
    escape_html,
    interval_bounds,
    range_words,
)

RIM = "#FFFFFF"  # of whiskers


def heads_comparison(
    summary_heads: Mapping[str, Mapping], metric: str = "f1", again: Mapping[str, Sequence[float]] | None = None
) -> go.Figure:
    """Each head's value of a metric as a dot with its 95% interval. summary_heads: ``summary["heads"]``.

    again: by a head's title what other trainings have, as ticks.
    """
    names = tuple(summary_heads)
    rows = [(head, facts) for head, facts in summary_heads.items() if facts.get(metric) is not None]
    figure = go.Figure()
    for head, facts in rows:
        value = facts[metric]
        low, high = interval_bounds(facts.get("intervals", {}).get(metric))
        symbol = "diamond" if theme.sees_no_network(head) else "circle"
        figure.add_scatter(
            x=[value], y=[theme.head_title(head)], mode="markers", showlegend=False,
            marker={"size": 11, "color": theme.head_colour(head, names), "symbol": symbol},
            error_x=arms(value, low, high, theme.head_colour(head, names)),
            hovertemplate=f"{theme.head_title(head)}: %{{x:.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
        title = theme.head_title(head)
        ticks(figure, title, (again or {}).get(title, ()), theme.head_colour(head, names))
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"{METRIC_TITLES.get(metric, metric)}, with 95% interval")
    return theme.apply(figure, 110 + 34 * max(1, len(rows)))


def training_and_unseen(
    rows: Sequence[tuple[str, float | None, float, float, float, str]],
    title: str,
    again: Mapping[str, Sequence[float]] | None = None,
) -> go.Figure:
    """A score on training patches (open) and on unseen ones (filled, with interval), a line a row.

    rows: name, on training patches (None: not known), on unseen ones, low, high, colour. title: of the axis. again:
    by a row's name what other trainings have on unseen patches, as ticks.
    """
    figure = go.Figure()
    for name, train, unseen, low, high, colour in rows:
        words = escape_html(name)
        if train is not None:
            figure.add_scatter(
                x=[unseen, train], y=[words, words], mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": colour, "width": THIN, "dash": "dot"},
            )  # fmt: skip
            figure.add_scatter(
                x=[train], y=[words], mode="markers", showlegend=False,
                marker={"size": 10, "color": colour, "symbol": "circle-open", "line": {"width": 2}},
                hovertemplate=f"{words}, training patches: %{{x:.3f}}<extra></extra>",
            )  # fmt: skip
        figure.add_scatter(
            x=[unseen], y=[words], mode="markers", showlegend=False, marker={"size": 11, "color": colour},
            error_x=arms(unseen, low, high, colour),
            hovertemplate=f"{words}, unseen patches: %{{x:.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
        ticks(figure, words, (again or {}).get(name, ()), colour)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"{title} (open: on training patches)")
    return theme.apply(figure, 110 + 34 * max(1, len(rows)))


def ticks(figure: go.Figure, row: str, values: Sequence[float], colour: str) -> None:
    """What trainings of the recipe have in a row, as ticks. row: its name, escaped."""
    if len(values):
        figure.add_scatter(
            x=list(values), y=[row] * len(values), mode="markers", showlegend=False,
            marker={"size": 16, "symbol": "line-ns", "line": {"width": 2, "color": colour}},
            hovertemplate=f"{row}, trainings: %{{x:.3f}}<extra></extra>",
        )  # fmt: skip


def differences(
    rows: Sequence[tuple[str, float, float, float]], title: str, settled: Sequence[bool] | None = None
) -> go.Figure:
    """Differences (name, value, low, high) against a line at 0; those that are not settled are grey.

    settled: what was decided about each, where a correction for many comparisons or another test decides; otherwise
    those whose interval leaves 0 out.
    """
    if settled is None:
        settled = [bool(np.isfinite([low, high]).all() and (low > 0 or high < 0)) for _, _, low, high in rows]
    figure = go.Figure()
    for (name, value, low, high), is_settled in zip(rows, settled, strict=True):
        colour = theme.INK if not is_settled else (theme.OUTCOME["TP"] if value > 0 else theme.OUTCOME["FN"])
        figure.add_scatter(
            x=[value], y=[escape_html(name)], mode="markers", showlegend=False, marker={"size": 11, "color": colour},
            error_x=arms(value, low, high, colour),
            hovertemplate=f"{escape_html(name)}: %{{x:+.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line_width=THIN, line_color=theme.INK)
    ends = [x for _, *values in rows for x in values if np.isfinite(x)] + [0.0]
    margin = 0.06 * ((max(ends) - min(ends)) or 1.0)
    figure.update_xaxes(range=[min(ends) - margin, max(ends) + margin])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(
        title_text=title, tickformat=".2f" if max(ends) - min(ends) > 0.08 else ".3f", nticks=4, tickangle=0
    )
    return theme.apply(figure, 100 + 34 * max(1, len(rows)))


def occlusion_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """One bar per band with its interval, coloured by kind of band. table: title, family, drop; lo, hi if known.

    A whisker is dark with a light rim, so that it is seen on its bar and beside it, in both themes.
    """
    figure = go.Figure()
    order = [escape_html(text) for text in table["title"]]
    for family, rows in table.groupby("family", sort=False):
        colour = theme.FAMILY.get(family, theme.UNLABELLED)
        names, extra = [escape_html(text) for text in rows["title"]], [""] * len(rows)
        if "lo" in rows:
            extra = [range_words(low, high) for low, high in zip(rows["lo"], rows["hi"], strict=True)]
        figure.add_bar(
            x=rows["drop"].tolist(), y=names, name=theme.FAMILY_WORDS.get(family, escape_html(family)), orientation="h",
            marker_color=colour, customdata=extra, hovertemplate="%{y}: %{x:+.3f}%{customdata}<extra></extra>",
        )  # fmt: skip
    known = table[np.isfinite(table[["lo", "hi"]].to_numpy(float)).all(axis=1)] if "lo" in table else table.iloc[:0]
    for colour, thickness, width in ((RIM, 4, 6), (DARK_TEXT, 2, 5)) if len(known) else ():
        figure.add_scatter(
            x=known["drop"], y=[escape_html(text) for text in known["title"]], mode="markers", showlegend=False,
            hoverinfo="skip", marker={"size": 1, "color": colour, "opacity": 0},
            error_x={"type": "data", "symmetric": False, "array": known["hi"] - known["drop"],
                     "arrayminus": known["drop"] - known["lo"], "color": colour, "thickness": thickness,
                     "width": width},
        )  # fmt: skip
    figure.add_vline(x=0, line_width=1, line_color=theme.INK)
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1], showgrid=False)
    reach = np.abs(table[["drop", "lo", "hi"] if "lo" in table else ["drop"]].to_numpy(float))
    figure.update_xaxes(
        title_text=title, tickformat=".2f" if reach[np.isfinite(reach)].max(initial=0) > 0.04 else ".3f"
    )
    return theme.apply(figure, 130 + 26 * max(1, len(table)))


def head_probabilities(
    probs: Mapping[str, float], thresholds: Mapping[str, float], positive: str, named: str = "fold threshold"
) -> go.Figure:
    """One patch's probability by head (bars), each with its threshold (tick). named: what the ticks are."""
    names = tuple(probs)
    titles = [f"{theme.head_title(head)}  <b>{value:.3f}</b>" for head, value in probs.items()]
    figure = go.Figure()
    figure.add_bar(
        x=list(probs.values()), y=titles, orientation="h", showlegend=False,
        marker_color=[theme.head_colour(head, names) for head in names],
        hovertemplate="%{y}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[thresholds.get(head) for head in names], y=titles, mode="markers", name=named,
        marker={"symbol": "line-ns", "size": 20, "line": {"width": 2, "color": theme.INK}},
        hovertemplate="%{y}: alarm from %{x:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"Probability of {escape_html(positive)}", range=[0, 1])
    return theme.apply(figure, 130 + 28 * max(1, len(names)))
