"""Figures of the Explain page: mean maps, curves of the sanity checks, dots with intervals by band, group and policy.

Pure functions: numbers in, a plotly figure out; names that a user has chosen are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.explain.cam.group_means import MeanMap
from core.wording.attention import RIVAL_WORDS
from dashboard import theme
from dashboard.charts import intervals
from dashboard.charts.base import LINE, THIN, escape_html, range_words
from dashboard.patches import render
from dashboard.patches.outcomes import OUTCOMES

HEAT = [[i / 10, f"rgb({','.join(str(round(c)) for c in render.colours(np.array(i / 10)))})"] for i in range(11)]
OUTCOME_TITLES = theme.OUTCOME_WORDS
MAP_PX, TITLE_PX, GAP = 228, 44, 0.08  # of mean maps; the gap is a share of a map's width
RIVAL_LOOKS = {
    "random": (theme.INK, "dash"), "mean": (theme.NEGATIVE, "dot"), "edges": (theme.FAMILY["sar_change"], "dashdot"),
    "map": (theme.POSITIVE, "solid"),
}  # fmt: skip
POLICY_COLOURS = {
    "as_is": theme.FOLD[8], "mean": theme.FOLD[6], "zero": theme.FOLD[4], "nearest": theme.FOLD[3],
    "regression": theme.FOLD[1], "retrained": theme.FOLD[7],
}  # fmt: skip


def top_of(means: Mapping[str, MeanMap]) -> float:
    """The value that is drawn brightest in all mean maps, so that they can be compared."""
    return max((float(one.cam.max()) for one in means.values() if one.cam is not None), default=0.0) or 1.0


def mean_maps_of(means: Mapping[str, MeanMap], top: float, across: int = 4) -> go.Figure:
    """The mean map of each outcome, all on a scale from 0 to ``top``; hover gives a cell's interval.

    One figure: four are drawn and sent four times as slowly. across: maps in a row.
    """
    rows = -(-len(OUTCOMES) // across)
    traces, words, layout = [], [], {}
    for k, outcome in enumerate(OUTCOMES):
        one, at = means[outcome.lower()], "" if k == 0 else str(k + 1)
        left, high = (k % across) * (1 + GAP) / (across + GAP * (across - 1)), 1 - (k // across) / rows
        words.append(
            {
                "text": f"<b>{OUTCOME_TITLES[outcome]}</b><br>{_number_of_maps(one)}", "align": "left",
                "x": left, "y": high, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top",
                "showarrow": False,
            }
        )  # fmt: skip
        if one.cam is None:
            continue
        ends = zip(one.lo, one.hi, strict=True)
        bounds = [[range_words(*cell) for cell in zip(*row, strict=True)] for row in ends]
        place = f"{OUTCOME_TITLES[outcome]}, row %{{y}}, column %{{x}}"
        traces.append(
            go.Heatmap(
                z=one.cam, zmin=0, zmax=top, colorscale=HEAT, showscale=False, customdata=np.array(bounds, object),
                xaxis=f"x{at}", yaxis=f"y{at}", hovertemplate=f"{place}: %{{z:.3f}}%{{customdata}}<extra></extra>",
            )
        )  # fmt: skip
        axes = {"visible": False, "constrain": "domain", "fixedrange": True}
        width, height = 1 / (across + GAP * (across - 1)), MAP_PX / rows / (MAP_PX + TITLE_PX)
        layout[f"xaxis{at}"] = axes | {"domain": [left, left + width], "anchor": f"y{at}", "constraintoward": "left"}
        layout[f"yaxis{at}"] = axes | {
            "domain": [high - 1 / rows, high - 1 / rows + height], "anchor": f"x{at}",
            "autorange": "reversed", "scaleanchor": f"x{at}", "constraintoward": "top",
        }  # fmt: skip
    figure = go.Figure(traces, layout | {"annotations": words})
    theme.apply(figure, rows * (MAP_PX + TITLE_PX))
    figure.layout.margin = {"l": 0, "r": 0, "t": 0, "b": 0}
    return figure


def _number_of_maps(one: MeanMap) -> str:
    if one.cam is None:
        return "No patch has this outcome."
    return f"{one.n:,} map{'s' * (one.n != 1)}" + (f", {one.n_dead:,} empty" if one.n_dead else "")


def curves(table: pd.DataFrame, kind: str, positive: str) -> go.Figure:
    """Probability left over the share of pixels changed, for the map and its rivals, with 95% bands.

    table: the curves of ``core.analyses.attention.checks.AttentionCheck``.
    """
    figure = go.Figure()
    for rival in RIVAL_LOOKS:
        rows = table[(table["kind"] == kind) & (table["rival"] == rival)].sort_values("share")
        if rows.empty:
            continue
        colour, dash = RIVAL_LOOKS[rival]
        if np.isfinite(rows[["lo", "hi"]].to_numpy(float)).all():
            _band(figure, rows["share"], rows["lo"], rows["hi"], colour, rival)
        figure.add_scatter(
            x=rows["share"], y=rows["mean"], mode="lines+markers", name=RIVAL_WORDS[rival], legendgroup=rival,
            line={"color": colour, "width": LINE, "dash": dash}, marker={"size": 6, "color": colour},
            customdata=[range_words(low, high) for low, high in zip(rows["lo"], rows["hi"], strict=True)],
            hovertemplate=f"{RIVAL_WORDS[rival]}, %{{x:.0%}} of pixels: %{{y:.3f}}%{{customdata}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="Share of pixels changed", tickformat=".0%", range=[-0.02, 1.02])
    figure.update_yaxes(title_text=f"Probability of {escape_html(positive)}", rangemode="tozero")
    return theme.apply(figure, 300)


def randomised(table: pd.DataFrame, level: Mapping[str, float]) -> go.Figure:
    """Similarity of maps to the trained network's, by how many blocks from the top have random weights.

    level: of "ssim" and "spearman", how alike the trained network's maps of different patches are.
    """
    figure = go.Figure()
    for name, words, colour in (("ssim", "SSIM", theme.POSITIVE), ("spearman", "Spearman's rho", theme.NEGATIVE)):
        low, high = table[f"{name}_lo"], table[f"{name}_hi"]
        if np.isfinite(table[[f"{name}_lo", f"{name}_hi"]].to_numpy(float)).all():
            _band(figure, table["stage"], low, high, colour, name)
        notes = [
            f"{range_words(a, b)}<br>made random here: {escape_html(layers)}"
            for a, b, layers in zip(low, high, table["layers"], strict=True)
        ]
        figure.add_scatter(
            x=table["stage"], y=table[name], mode="lines+markers", name=words, legendgroup=name, customdata=notes,
            line={"color": colour, "width": LINE}, marker={"size": 7},
            hovertemplate=f"{words} %{{y:.3f}}%{{customdata}}<extra></extra>",
        )  # fmt: skip
        if np.isfinite(level[name]):
            figure.add_scatter(
                x=[table["stage"].min(), table["stage"].max()], y=[level[name]] * 2, mode="lines", legendgroup=name,
                name=f"{words}, maps of other patches", line={"color": colour, "width": THIN, "dash": "dot"},
                hovertemplate=f"{words} of maps of other patches %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
    figure.update_xaxes(title_text="Blocks with random weights, from the classifier down", dtick=1)
    figure.update_yaxes(title_text="Similarity to the trained network's maps")
    return theme.apply(figure, 300)


def _band(figure: go.Figure, x: Sequence, low: Sequence, high: Sequence, colour: str, group: str) -> None:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    figure.add_scatter(
        x=[*x, *list(x)[::-1]], y=[*high, *list(low)[::-1]], fill="toself", mode="lines", legendgroup=group,
        showlegend=False, fillcolor=f"rgba({red},{green},{blue},0.18)", line_width=0, hoverinfo="skip",
    )  # fmt: skip


def dots(
    rows: pd.DataFrame,
    title: str,
    colours: Mapping[str, str],
    lines: Sequence[tuple[float, str]] = (),
    form: str = ".3f",
) -> go.Figure:
    """Values with intervals as dots, the parts of a row next to each other. rows: name, part, value, lo, hi, n; chance.

    lines: (place, words) of dotted lines across; an unknown interval is not drawn.
    """
    figure = go.Figure()
    names, parts = list(dict.fromkeys(rows["name"])), list(dict.fromkeys(rows["part"]))
    beside = {name: [p for p in parts if ((rows["name"] == name) & (rows["part"] == p)).any()] for name in names}
    most = max((len(each) for each in beside.values()), default=1)
    step = 0.8 / most
    for part in parts:
        mine = rows[(rows["part"] == part) & rows["value"].notna()]
        places = [
            names.index(name) + (beside[name].index(part) - (len(beside[name]) - 1) / 2) * step for name in mine["name"]
        ]
        known = np.isfinite(mine[["lo", "hi"]].to_numpy(float)).all(axis=1)
        after, before = ((mine["hi"] - mine["value"]), (mine["value"] - mine["lo"]))
        notes = [
            f"{range_words(low, high)}, n = {n:,}"
            for low, high, n in zip(mine["lo"], mine["hi"], mine["n"].astype(int), strict=True)
        ]
        colour = colours.get(part, theme.INK)
        figure.add_scatter(
            x=mine["value"], y=places, mode="markers", name=escape_html(part), customdata=notes,
            text=[escape_html(name) for name in mine["name"]],
            marker={"size": 9, "color": colour}, showlegend=bool(part),
            error_x={"type": "data", "symmetric": False, "array": np.where(known, after, 0),
                     "arrayminus": np.where(known, before, 0), "color": colour, "thickness": 2, "width": 4},
            hovertemplate=f"%{{text}}{', ' if part else ''}{escape_html(part)}: %{{x:{form}}}%{{customdata}}"
            "<extra></extra>",
        )  # fmt: skip
        if "chance" in mine:
            figure.add_scatter(
                x=mine["chance"], y=places, mode="markers", showlegend=False,
                marker={"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": theme.INK}},
                hovertemplate="chance: %{x:.3f}<extra></extra>",
            )  # fmt: skip
    for place, words in lines:
        figure.add_vline(x=place, line_width=THIN, line_dash="dot", line_color=theme.INK)
        if words:
            above = {"x": place, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
            figure.add_annotation(text=words, font_size=11, **above)
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=[escape_html(name) for name in names], showgrid=False,
        range=[len(names) - 0.5, -0.5], zeroline=False,
    )  # fmt: skip
    figure.update_xaxes(title_text=title)
    rows_px = 26 + 9 * (most - 1)
    figure = theme.apply(figure, 130 + rows_px * max(1, len(names)))
    return figure.update_layout(legend_y=1.0 + 22 / (40 + rows_px * len(names)) if lines else 1.02)


def ranks(table: pd.DataFrame) -> go.Figure:
    """Each band's 95% interval of its rank and how often it comes first: title, family, first, rank_lo, rank_hi.

    The order is that of the table.
    """
    figure = go.Figure()
    for _, row in table.iterrows():
        colour, name = theme.FAMILY.get(row["family"], theme.UNLABELLED), escape_html(row["title"])
        figure.add_scatter(
            x=[row["rank_lo"], row["rank_hi"]], y=[name, name], mode="lines+markers", showlegend=False,
            line={"color": colour, "width": 5}, marker={"size": 9, "color": colour},
            hovertemplate=f"{name}: rank {row['rank_lo']:.0f} to {row['rank_hi']:.0f}, first in {row['first']:.0%} of "
            "resamples<extra></extra>",
        )  # fmt: skip
        figure.add_annotation(
            x=1.0, xref="paper", xanchor="left", y=name, showarrow=False, text=f" {row['first']:.0%}", font_size=12
        )
    figure.add_annotation(
        x=1.0, xref="paper", xanchor="left", y=1.0, yref="paper", yanchor="bottom", showarrow=False,
        text=" first in", font_size=12,
    )  # fmt: skip
    order = [escape_html(text) for text in table["title"]][::-1]
    figure.update_yaxes(categoryorder="array", categoryarray=order, showgrid=False)
    figure.update_xaxes(
        title_text="Rank of the mean drop, 95% interval (1: the largest)", range=[0.5, len(table) + 0.5],
        dtick=1 if len(table) < 16 else 5,
    )  # fmt: skip
    theme.apply(figure, 130 + 26 * max(1, len(table)))
    return figure.update_layout(margin_r=64)


def shapley_bars(table: pd.DataFrame, title: str) -> go.Figure:
    """A bar a group with its interval, one colour a sensor. table: ``core.explain.bands.tables.group_table``."""
    shown = table.rename(columns={"shapley": "drop"}).assign(
        title=table["group"].map(capital), band=table["group"], family=[group_family(row) for row in table.itertuples()]
    )
    return intervals.occlusion_bars(shown, title)


def capital(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def group_family(row: object) -> str:
    """The family whose colour a group of bands takes: that of its sensing, and of change where it is one."""
    if row.modality == "sar":
        return "sar_change" if "change" in str(row.group) or "_dv" in str(row.group) else "sar_post"
    return "optical" if row.modality == "optical" else "other"
