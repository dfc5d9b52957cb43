"""A result in one screen for decision makers: found, missed and false alarms, in words and as squares to count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from dashboard import theme
from dashboard.charts.base import escape_html
from dashboard.results import interpretation
from dashboard.results.predictions import Predictions
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown


def summary_view(predictions: Predictions, basis: str, own: Mapping | None = None, more: Sequence[str] = ()) -> None:
    """One row of numbers, and what they mean in an expander, so that the views below stay in sight.

    basis: what stands behind the numbers. own: the head's part of a run's summary. more: further Markdown to read.
    """
    facts = own
    if facts is None:
        results = predictions.results()
        facts = {**results.values, "intervals": results.intervals}
    st.subheader(interpretation.headline(facts, predictions.positive), anchor=False)
    with st.grid(min_column_width=160, gap="small"):
        for card in interpretation.cards(facts):
            st.metric(
                card.label, card.value, card.detail or None, delta_color="off", delta_arrow="off", border=True,
                height="stretch",
            )  # fmt: skip
    with st.expander("What these numbers mean", icon=":material/info:"):
        st.markdown(interpretation.counts_in_words(facts, predictions.positive))
        grid = st.grid(min_column_width=250)
        for i, figure in enumerate(pictures(facts, escape_html(predictions.positive))):
            with grid.cell():
                downloads.show(figure, key=f"summary_{i}")
        st.caption(f"{basis} Each square is 1%. Faint squares: extent of the 95% interval.")
        for text in more:
            st.markdown(text)


def pictures(facts: Mapping, name: str) -> list[go.Figure]:
    bounds, colours = facts.get("intervals", {}), theme.OUTCOME
    return [
        hundred(
            name[:1].upper() + name[1:], facts.get("recall"), bounds.get("recall"), ("found", "missed"),
            (colours["TP"], colours["FN"]),
        ),
        hundred(
            "Alarms", facts.get("precision"), bounds.get("precision"), ("correct", "false"),
            (colours["TP"], colours["FP"]),
        ),
        inspected(facts["confusion"]),
    ]  # fmt: skip


def hundred(
    title: str, share: float | None, bounds: object, words: tuple[str, str], colours: tuple[str, str]
) -> go.Figure:
    """A hundred squares, ``share`` of them in the first colour; those within ``bounds`` (0-1) are faint."""
    if share is None or share != share:
        return _grid([("undefined: no such patches", theme.UNLABELLED, 1.0, 100)], title)
    value = round(100 * share)
    low, high = (round(100 * b) for b in bounds) if _known(bounds) else (value, value)
    low, high = min(low, value), max(high, value)
    parts = [
        (words[0], colours[0], 1.0, low), (words[0], colours[0], 0.45, value - low),
        (words[1], colours[1], 0.45, high - value), (words[1], colours[1], 1.0, 100 - high),
    ]  # fmt: skip
    return _grid(parts, f"{title}: <b>{value} {words[0]}, {100 - value} {words[1]}</b>")


def inspected(cells: Mapping[str, int]) -> go.Figure:
    """A hundred patches by outcome, alarms first."""
    n = sum(cells.values())
    if not n:
        return _grid([("undefined: no patches", theme.UNLABELLED, 1.0, 100)], "Patches")
    counts = _rounded([100 * cells[key] / n for key in ("tp", "fp", "fn", "tn")])
    parts = [
        (theme.OUTCOME_WORDS[outcome], theme.OUTCOME[outcome], 1.0 if outcome != "TN" else 0.55, count)
        for outcome, count in zip(("TP", "FP", "FN", "TN"), counts, strict=True)
    ]
    return _grid(parts, f"Patches: <b>{counts[0] + counts[1]} to inspect</b>")


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


def missing_class(predictions: Predictions) -> None:
    """A warning where one class is missing: most metrics are undefined then."""
    n_positive = int(predictions.labels.sum())
    if n_positive in (0, len(predictions.labels)):
        which = "None" if n_positive == 0 else "All"
        st.warning(
            f"{which} of these patches are {escape_markdown(predictions.positive)}. Metrics that need both classes are "
            "undefined.",
            icon=":material/warning:",
        )
