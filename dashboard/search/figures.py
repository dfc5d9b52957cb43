"""The figures of a search: its history, which settings mattered, how each one mattered, and what is left outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.experiments.search.record import NAMES, settings_words, short_name
from core.experiments.search.study import AS_THEY_ARE, Trial
from dashboard import theme
from dashboard.charts import intervals
from dashboard.charts.base import LINE, THIN, arms, escape_html, range_words

UNSEEN, INSIDE = "#1F8A8A", "#D9822B"  # as on the page of experiments: outside of what is chosen by, and inside
LATER = [[0.0, "#C9D6D6"], [1.0, UNSEEN]]
SLICES_A_ROW = 3
INSIDE_OUTSIDE_PX = 230  # of the two figures side by side


def history(trials: Sequence[Trial], metric: str) -> go.Figure:
    """Each trial's score in the order of trying, the best so far, and where hopeless ones were stopped."""
    figure, name = go.Figure(), NAMES[metric]
    whole = [one for one in trials if one.state == "complete"]
    stopped = [one for one in trials if one.state == "pruned" and one.folds]
    best, steps = float("-inf"), []
    for one in whole:
        best = max(best, one.value)
        steps.append(best)
    figure.add_scatter(
        x=[one.number for one in whole], y=steps, mode="lines", name="Best so far",
        line={"color": INSIDE, "width": LINE, "shape": "hv"}, hovertemplate="Best so far: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    for group, words, symbol, colour in (
        (whole, "Whole trial", "circle", INSIDE),
        (stopped, "Stopped early, on fewer folds", "x-thin", theme.INK),
    ):
        figure.add_scatter(
            x=[one.number for one in group], y=[one.folds[-1] for one in group], mode="markers", name=words,
            marker={"size": 10, "symbol": symbol, "color": colour, "line": {"width": 2, "color": colour}},
            customdata=[escape_html(settings_words(dict(one.settings))) for one in group],
            hovertemplate=f"Trial %{{x}}: {name} %{{y:.3f}}<br>%{{customdata}}<extra></extra>",
        )  # fmt: skip
    if whole and whole[0].number == AS_THEY_ARE:
        figure.add_hline(
            y=whole[0].value, line_width=THIN, line_dash="dot", line_color=theme.INK,
            annotation_text="settings as they are", annotation_position="bottom right",
        )  # fmt: skip
    last = max((one.number for one in trials), default=0)
    figure.update_xaxes(title_text="Trial (0: the settings as they are)", range=[-0.6, last + 0.6], tickformat="d")
    figure.update_yaxes(title_text=f"{name} inside the search, out of fold")
    return theme.apply(figure, 400)


def importance(shares: dict[str, float]) -> go.Figure:
    """How much of the scores' spread each setting explains, largest first."""
    figure = go.Figure()
    names = list(shares)
    figure.add_bar(
        x=[shares[name] for name in names], y=[escape_html(name) for name in names], orientation="h",
        marker_color=UNSEEN, text=[f"{shares[name]:.0%}" for name in names], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:.0%}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text="Share of the spread between whole trials", tickformat=".0%", rangemode="tozero")
    return theme.apply(figure, 110 + 40 * max(1, len(names)))


def slices(trials: Sequence[Trial], space: Sequence[dict[str, Any]], metric: str) -> go.Figure:
    """Score over each setting by itself; later trials are darker."""
    whole = [one for one in trials if one.state == "complete"]
    rows = -(-len(space) // SLICES_A_ROW)
    columns = min(len(space), SLICES_A_ROW)
    figure = make_subplots(
        rows=rows, cols=columns, shared_yaxes=True, horizontal_spacing=0.04, vertical_spacing=0.3 / rows
    )
    for i, one in enumerate(space):
        at = {"row": i // SLICES_A_ROW + 1, "col": i % SLICES_A_ROW + 1}
        values = [trial.settings[one["name"]] for trial in whole]
        is_choice = one["kind"] == "choice"
        words = [_word(value) for value in values] if is_choice else values
        figure.add_scatter(
            x=words, y=[trial.value for trial in whole], mode="markers", showlegend=False,
            marker={"size": 10, "color": [trial.number for trial in whole], "colorscale": LATER,
                    "line": {"width": 1, "color": UNSEEN}},
            customdata=[trial.number for trial in whole],
            hovertemplate=f"Trial %{{customdata}}: {escape_html(short_name(one['name']))} %{{x}}, "
            f"{NAMES[metric]} %{{y:.3f}}<extra></extra>",
            **at,
        )  # fmt: skip
        kind = {"type": "category"} if is_choice else _ticks(one) if one["log"] else {}
        figure.update_xaxes(title_text=escape_html(one["name"]), **kind, **at)
    figure.update_yaxes(title_text=NAMES[metric], col=1)
    return theme.apply(figure, 60 + 250 * rows)


def inside_outside(judged: dict[str, Any], metric: str) -> go.Figure:
    """The score inside the search (open) and on patches that no trial saw (filled), of the winner and of what was."""
    figure, name = go.Figure(), NAMES[metric]
    rows = [("Best of the search", judged)]
    if set(judged["best"]) != {AS_THEY_ARE}:
        rows.append(("Settings as they are", judged["as_they_are"]))
    for i, (words, values) in enumerate(rows):
        inner, outer = values["inner"], values["outer"]
        low, high = (float("nan") if outer[end] is None else outer[end] for end in ("lo", "hi"))
        figure.add_scatter(
            x=[inner, outer["value"]], y=[words, words], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": INSIDE, "width": THIN, "dash": "dot"},
        )  # fmt: skip
        figure.add_scatter(
            x=[inner], y=[words], mode="markers", name="Inside the search (chosen by)", showlegend=not i,
            marker={"size": 12, "color": INSIDE, "symbol": "circle-open", "line": {"width": 2.5}},
            hovertemplate=f"{words}, inside: {name} %{{x:.3f}}<extra></extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[outer["value"]], y=[words], mode="markers", name="On patches that no trial saw", showlegend=not i,
            marker={"size": 13, "color": UNSEEN}, error_x=arms(outer["value"], low, high, UNSEEN),
            hovertemplate=f"{words}, outside: {name} %{{x:.3f}}{range_words(low, high)}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(title_text=f"{name}, with 95% interval")
    return theme.apply(figure, INSIDE_OUTSIDE_PX)


def differences(judged: dict[str, Any], metric: str) -> go.Figure:
    """What was promised over the settings as they are, what is left of it, and what the search's number is too high."""
    named = [("Search's number too high by", "inflation")]
    if set(judged["best"]) != {AS_THEY_ARE}:
        named = [("Promised over as they are", "promised"), ("Left on unseen patches", "kept"), *named]
    rows = [(words, *(_number(judged[key][end]) for end in ("value", "lo", "hi"))) for words, key in named]
    figure = intervals.differences(rows, f"Difference of {NAMES[metric]}, with 95% interval")
    figure.data[-1].marker.color = figure.data[-1].error_x.color = INSIDE  # too high is neither gain nor loss
    return figure.update_layout(height=INSIDE_OUTSIDE_PX)


def _ticks(one: dict[str, Any]) -> dict[str, Any]:
    """Powers of ten, and 2 and 5 between them where the range is short; written out (0.0001, not 100 micro)."""
    return {"type": "log", "tickformat": "~g", "dtick": 1 if one["high"] >= 100 * one["low"] else "D2"}


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else escape_html(value)
