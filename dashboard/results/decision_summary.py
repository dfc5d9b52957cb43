"""A result in one screen for people who decide: found, missed, false alarms, in words and as squares to count.

Comes in: a :class:`dashboard.results.predictions.Scored` and its numbers. It draws; the words come from ``verdicts``.
"""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st

from dashboard import theme
from dashboard.charts.base import plain
from dashboard.results import interpretation, predictions
from dashboard.results.predictions import Scored
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown


def story(of: Scored, standing: str, own: Mapping | None = None) -> None:
    """The screen. ``standing``: what stands behind the numbers; own: the head's part of a run's summary."""
    facts = own
    if facts is None:
        found = predictions.results(of)
        facts = {**found.values, "intervals": found.intervals}
    st.subheader(interpretation.in_hundred(facts, of.positive), anchor=False)
    st.markdown(interpretation.in_words(facts, of.positive))
    with st.grid(min_column_width=165):
        for card in interpretation.cards(facts, of.positive):
            st.metric(
                card.label, card.value, card.detail or None, delta_color="off", delta_arrow="off", border=True,
                height="stretch",
            )  # fmt: skip
    grid = st.grid(min_column_width=250)
    for i, figure in enumerate(_pictures(facts, plain(of.positive))):
        with grid.cell():
            downloads.show(figure, key=f"story_{i}")
    st.caption(f"{standing} Faint squares: where the 95 % interval reaches.")


def _pictures(facts: Mapping, name: str) -> list[go.Figure]:
    bounds, colours = facts.get("intervals", {}), theme.OUTCOME
    return [
        hundred(
            f"Of 100 with a {name}", facts.get("recall"), bounds.get("recall"), ("found", "missed"),
            (colours["TP"], colours["FN"]),
        ),
        hundred(
            "Of 100 alarms", facts.get("precision"), bounds.get("precision"), ("right", "false"),
            (colours["TP"], colours["FP"]),
        ),
        inspected(facts["confusion"], name),
    ]  # fmt: skip


def hundred(
    title: str, share: float | None, bounds: object, words: tuple[str, str], colours: tuple[str, str]
) -> go.Figure:
    """A hundred squares, ``share`` of them in the first colour; those within ``bounds`` (0-1) are faint."""
    if share is None or share != share:
        return _grid([("undefined: there is no such patch", theme.UNLABELLED, 1.0, 100)], title)
    value = round(100 * share)
    low, high = (round(100 * b) for b in bounds) if _known(bounds) else (value, value)
    low, high = min(low, value), max(high, value)
    parts = [
        (words[0], colours[0], 1.0, low), (words[0], colours[0], 0.45, value - low),
        (words[1], colours[1], 0.45, high - value), (words[1], colours[1], 1.0, 100 - high),
    ]  # fmt: skip
    return _grid(parts, f"{title}: <b>{value} {words[0]}, {100 - value} {words[1]}</b>")


def inspected(cells: Mapping[str, int], name: str) -> go.Figure:
    """A hundred patches by outcome, those to be inspected first."""
    n = sum(cells.values())
    if not n:
        return _grid([("undefined: there is no patch", theme.UNLABELLED, 1.0, 100)], "Of 100 patches")
    counts = _rounded([100 * cells[key] / n for key in ("tp", "fp", "fn", "tn")])
    words = (f"{name}, found", "false alarm", f"{name}, missed", "other, left alone")
    parts = [
        (text, theme.OUTCOME[key], 1.0 if key != "TN" else 0.55, count)
        for text, key, count in zip(words, ("TP", "FP", "FN", "TN"), counts, strict=True)
    ]
    return _grid(parts, f"Of 100 patches: <b>{counts[0] + counts[1]} to be inspected</b>")


def _rounded(shares: list[float]) -> list[int]:
    """Whole numbers that add up to 100 (largest remainders)."""
    whole = [int(share) for share in shares]
    rest = sorted(range(len(shares)), key=lambda i: whole[i] - shares[i])
    for i in rest[: 100 - sum(whole)]:
        whole[i] += 1
    return whole


def _grid(parts: list[tuple[str, str, float, int]], title: str) -> go.Figure:
    figure = go.Figure()
    place = 0
    for words, colour, opacity, count in parts:
        squares = range(place, place + count)
        figure.add_scatter(
            x=[i % 20 for i in squares], y=[i // 20 for i in squares], mode="markers", showlegend=False,
            marker={"symbol": "square", "size": 12, "color": colour, "opacity": opacity, "line": {"width": 0}},
            hovertemplate=f"{words}<extra></extra>",
        )  # fmt: skip
        place += count
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "fixedrange": True, "linewidth": 0}
    figure.update_xaxes(range=[-0.7, 19.7], **axis)
    figure.update_yaxes(range=[4.7, -0.7], **axis)
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=1, yref="paper", yanchor="bottom", text=title, showarrow=False,
        font={"size": 13}, align="left",
    )  # fmt: skip
    return theme.apply(figure, 140)


def _known(bounds: object) -> bool:
    try:
        low, high = bounds
        return low == low and high == high and low is not None and high is not None
    except (TypeError, ValueError):
        return False


def missing_class(of: Scored) -> None:
    """A sentence where one class is missing: then most numbers are undefined."""
    n_positive = int(of.labels.sum())
    if n_positive in (0, len(of.labels)):
        there = "no" if n_positive == 0 else "only"
        st.warning(
            f"There are {there} patches with a {escape_markdown(of.positive)} here: what needs both classes is undefined.",
            icon=":material/warning:",
        )
