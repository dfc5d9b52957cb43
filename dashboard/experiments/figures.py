"""The figure of an experiment: paper A's Figure 5, paper B's Figures 6 and 7, Table 3 over C, or rows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard import theme
from dashboard.charts import intervals
from dashboard.charts.base import LINE, THIN, escape_html, interval_bounds

UNSEEN, TRAINING, RECALL = "#1F8A8A", "#D9822B", "#7B68B5"
VARIANTS = ("diamond", "square", "triangle-up", "star", "hexagon")


def drawn(table: dict[str, Any]) -> go.Figure:
    """The figure of the rows that have numbers. table: of ``core.experiments.results``."""
    rows = finished(table)
    if table["figure"] == "parameters" and any(row["parameters"] for row in rows):
        return by_parameters(rows, table["across"])
    if table["figure"] == "opened":
        return by_opening(rows, table["across"])
    if table["figure"] == "heads" and any(row["facts"].get("C") for row in rows):
        return over_c(rows, table["across"])
    return by_row(rows, table["baseline"])


def finished(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that have numbers, in the order of the experiment."""
    return [row for row in table["rows"] if row["state"] == "succeeded"]


def by_parameters(rows: Sequence[dict[str, Any]], across: str) -> go.Figure:
    """Out-of-fold F1 against the number of parameters, with training F1."""
    rows = [row for row in rows if row["parameters"]]
    figure = go.Figure()
    x = [row["parameters"] / 1e6 for row in rows]
    _training(figure, x, rows)
    names = [escape_html(row["title"].partition(" (")[0]) for row in rows]
    figure.add_scatter(
        x=x, y=[row["oof"]["f1"] for row in rows], mode="markers+text", name="Unseen patches", text=names,
        textposition="bottom center", marker={"size": 12, "color": UNSEEN}, error_y=_whiskers(rows, UNSEEN),
        hovertemplate="%{text}, %{x:.2f} million parameters: F1 %{y:.3f}<extra></extra>",
    )  # fmt: skip
    _seeds(figure, x, rows)
    figure.update_xaxes(title_text=across, type="log", tickformat="~g", dtick="D2")
    figure.update_yaxes(title_text="F1, with 95% interval")
    return theme.apply(figure, 460)


def by_opening(rows: Sequence[dict[str, Any]], across: str = "") -> go.Figure:
    """F1 on training and unseen patches and recall over how much of the network is trained; variants beside them."""
    plain = [row for row in rows if not row["facts"].get("variant")]
    plain.sort(key=lambda row: row.get("opened") or 0)  # blocks stand among the layers
    place = {row["facts"].get("opened"): _opened_words(row) for row in [*rows, *plain]}
    figure, x = go.Figure(), [place[row["facts"].get("opened")] for row in plain]
    _training(figure, x, plain, "lines+markers")
    figure.add_scatter(
        x=x, y=[row["oof"]["recall"] for row in plain], mode="lines+markers", name="Recall, unseen patches",
        line={"color": RECALL, "width": THIN, "dash": "dash"}, marker={"size": 8, "symbol": "diamond-open"},
        hovertemplate="%{x}: recall %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=[row["oof"]["f1"] for row in plain], mode="lines+markers", name="F1, unseen patches",
        line={"color": UNSEEN, "width": LINE}, marker={"size": 11}, error_y=_whiskers(plain, UNSEEN),
        hovertemplate="%{x}: F1 %{y:.3f}<extra></extra>",
    )  # fmt: skip
    _seeds(figure, x, plain)
    variants = list(dict.fromkeys(row["facts"]["variant"] for row in rows if row["facts"].get("variant")))
    for variant, symbol in zip(variants, VARIANTS, strict=False):
        mine = [row for row in rows if row["facts"].get("variant") == variant]
        figure.add_scatter(
            x=[place[row["facts"].get("opened")] for row in mine], y=[row["oof"]["f1"] for row in mine],
            mode="markers", name=f"F1, {escape_html(variant)}",
            marker={"size": 12, "symbol": f"{symbol}-open", "color": theme.INK, "line": {"width": 2}},
            hovertemplate=f"%{{x}}, {escape_html(variant)}: F1 %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    title = f"{across}, and its share of the network's parameters" if across else ""
    figure.update_xaxes(categoryorder="array", categoryarray=x, showgrid=False, title_text=title)
    figure.update_yaxes(title_text="F1 with 95% interval, recall")
    return theme.apply(figure, 460)


def over_c(rows: Sequence[dict[str, Any]], across: str) -> go.Figure:
    """F1 on training and unseen patches over C; heads without one as lines across."""
    svms = sorted((row for row in rows if row["facts"].get("C")), key=lambda row: row["facts"]["C"])
    figure, x = go.Figure(), [row["facts"]["C"] for row in svms]
    _training(figure, x, svms, "lines+markers")
    figure.add_scatter(
        x=x, y=[row["oof"]["f1"] for row in svms], mode="lines+markers", name="Unseen patches",
        line={"color": UNSEEN, "width": LINE}, marker={"size": 11}, error_y=_whiskers(svms, UNSEEN),
        hovertemplate="C %{x:g}: F1 %{y:.3f}<extra></extra>",
    )  # fmt: skip
    _seeds(figure, x, svms)
    for row, dash in zip((row for row in rows if not row["facts"].get("C")), ("dash", "dot", "dashdot"), strict=False):
        figure.add_scatter(
            x=[min(x), max(x)], y=[row["oof"]["f1"]] * 2, mode="lines", name=f"{escape_html(row['title'])}, unseen",
            line={"color": theme.INK, "width": THIN, "dash": dash}, hovertemplate="F1 %{y:.3f}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text=across, type="log", tickvals=x, ticktext=[f"{c:g}" for c in x])
    figure.update_yaxes(title_text="F1, with 95% interval")
    return theme.apply(figure, 440)


def by_row(rows: Sequence[dict[str, Any]], baseline: str) -> go.Figure:
    """Each row's F1 on training patches (open) and unseen ones; green and red: surely better or worse."""
    drawn = []
    for row in rows:
        gained = row.get("difference", {}).get("f1") or {}
        colour = theme.INK if not gained.get("settled") else theme.OUTCOME["TP" if gained["difference"] > 0 else "FN"]
        colour = UNSEEN if row["name"] == baseline else colour
        low, high = interval_bounds(row["oof"]["f1_interval"])
        drawn.append((row["title"], (row["train"] or {}).get("f1"), row["oof"]["f1"], low, high, colour))
    again = {row["title"]: _of_seeds(row) for row in rows}
    return intervals.training_and_unseen(drawn, "F1 with 95% interval", again)


def _opened_words(row: dict[str, Any]) -> str:
    """What is opened, with its share of the network's parameters below."""
    words, opened, parameters = row["facts"].get("opened") or row["title"], row.get("opened"), row.get("parameters")
    return f"{escape_html(words)}<br>{100 * opened / parameters:.0f}%" if opened and parameters else escape_html(words)


def _training(figure: go.Figure, x: Sequence[Any], rows: Sequence[dict[str, Any]], mode: str = "markers") -> None:
    """F1 on training patches, open."""
    values = [(row["train"] or {}).get("f1") for row in rows]
    if any(value is not None for value in values):
        figure.add_scatter(
            x=x, y=values, mode=mode, name="F1, training patches" if "lines" in mode else "Training patches",
            line={"color": TRAINING, "width": THIN}, hovertemplate="Training patches: %{y:.3f}<extra></extra>",
            marker={"size": 10, "color": TRAINING, "symbol": "circle-open", "line": {"width": 2}},
        )  # fmt: skip


def _seeds(figure: go.Figure, x: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    """F1 on unseen patches of each training, as ticks beside their mean."""
    points = [(at, value) for at, row in zip(x, rows, strict=True) for value in _of_seeds(row)]
    if points:
        figure.add_scatter(
            x=[at for at, _ in points], y=[value for _, value in points], mode="markers", name="Each training",
            marker={"size": 14, "symbol": "line-ew", "line": {"width": 2, "color": UNSEEN}},
            hovertemplate="One training: F1 %{y:.3f}<extra></extra>",
        )  # fmt: skip


def _of_seeds(row: dict[str, Any]) -> list[float]:
    return row["oof"].get("f1_seeds", {}).get("values", [])


def _whiskers(rows: Sequence[dict[str, Any]], colour: str) -> dict[str, Any]:
    values = np.array([row["oof"]["f1"] for row in rows], float)
    bounds = np.array([interval_bounds(row["oof"]["f1_interval"]) for row in rows], float).reshape(-1, 2)
    return {
        "type": "data", "symmetric": False, "array": bounds[:, 1] - values, "arrayminus": values - bounds[:, 0],
        "color": colour, "thickness": 2, "width": 6,
    }  # fmt: skip
