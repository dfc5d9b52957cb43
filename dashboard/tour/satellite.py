"""Take a satellite away: how many landslides are still found when clouds come up, or a sensor or an orbit is lost."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core import access
from core.analyses.bands import robustness
from core.analyses.showcase import UNREADABLE
from core.data.store import open_dataset
from core.explain.bands.corruptions import scenarios
from core.runs.store import RunFolder
from dashboard import stakeholder, theme, url_state
from dashboard.jobs import analyses
from dashboard.tour import parts
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number

NAME = robustness.ANALYSIS.name
KEY = "tour_taken"
INTACT = "intact"
COVERAGES = (0.5,)
ORBITS = ("descending_lost", "ascending_lost")
WORDS = {
    "optical_lost": "The optical satellite", "sar_lost": "The radar satellite",
    "descending_lost": "Radar's morning orbit", "ascending_lost": "Radar's evening orbit",
}  # fmt: skip


def view(run: RunFolder) -> None:
    """The stop."""
    try:
        found = robustness.ANALYSIS.read(run)
        rows = best_of(found.report["rows"]) if found is not None else []
    except UNREADABLE:
        rows = []
    if len(rows) < 2:
        parts.one_click(
            run, NAME,
            "Clouds come up over half of each image; then one satellite stops sending, or the radar loses an orbit. "
            "The patches are answered again without what is missing. Takes a few minutes.", lambda: _options(run),
        )  # fmt: skip
        return
    intact, hurt = rows[0], rows[1:]
    taken = url_state.choose(
        st.segmented_control, "Take away", [row["scenario"] for row in hurt], key=KEY, default=hurt[0]["scenario"],
        required=True, format_func=lambda name: title(next(row for row in hurt if row["scenario"] == name)), wrap=True,
    )  # fmt: skip
    row = next(one for one in hurt if one["scenario"] == taken)
    parts.said(
        f"{without(row)}, {100 * row['recall']:.0f} of 100 landslides are still found instead of "
        f"{100 * intact['recall']:.0f}."
    )
    left, right = st.columns([1, 2], gap="medium")
    with left:
        parts.big_number(
            "Score that is left", number(row["f1"], 2), interval((row["lo"], row["hi"]), 2),
            f"F1 (1 is perfect) of the headline head on n = {row['n']:,} patches out of fold, the missing values "
            f"filled in the best of the ways that were tried ({row['policy'].replace('_', ' ')}), chosen afterwards; "
            f"intact: {number(intact['f1'])}. Difference {number(row['difference'])} "
            f"(95% interval {interval((row['diff_lo'], row['diff_hi']), signed=True)}), whole groups resampled.",
        )  # fmt: skip
        lost, alarms = row["n_missed"] - row["n_found"], row["n_alarms"] - row["n_cleared"]
        st.markdown(f"{max(lost, 0):,} more missed, {max(alarms, 0):,} more false alarms, of {row['n']:,} patches.")
        downloads.download(pd.DataFrame(rows), "satellite_taken_away", "All of it (CSV)", key="tour_satellite_csv")
        _orbits(run, rows)
    with right:
        downloads.show(figure(rows, taken), key="tour_satellite_figure")
        st.caption("Share of 100 landslides that are found, by what is missing; the missing values are filled in.")


def best_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Intact first, then each scenario with its best way of filling what is missing, in their order."""
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["f1"] is not None and (row["scenario"] not in best or row["f1"] > best[row["scenario"]]["f1"]):
            best[row["scenario"]] = row
    return sorted(best.values(), key=lambda row: row["scenario"] != INTACT)


def title(row: dict[str, Any]) -> str:
    """What is missing, for anybody."""
    return WORDS.get(row["scenario"], row["title"])


def without(row: dict[str, Any]) -> str:
    """The same as circumstances: "Without the radar satellite", "With clouds over 50%"."""
    name = title(row)
    return f"{'Without' if row['scenario'] in WORDS else 'With'} {name[0].lower()}{name[1:]}"


def figure(rows: list[dict[str, Any]], taken: str) -> go.Figure:
    """Landslides found of 100, a bar a scenario; the chosen one and the intact one stand out."""
    shown = list(reversed(rows))
    strong = {INTACT: theme.OUTCOME["TP"], taken: theme.OUTCOME["FN"]}
    found = go.Figure()
    found.add_bar(
        y=["Nothing is missing" if row["scenario"] == INTACT else without(row) for row in shown],
        x=[100 * row["recall"] for row in shown], orientation="h", showlegend=False, cliponaxis=False,
        marker_color=[strong.get(row["scenario"], theme.UNLABELLED) for row in shown],
        text=[f"{100 * row['recall']:.0f}" for row in shown], textposition="outside",
        hovertemplate="%{x:.1f} of 100 found<extra></extra>",
    )  # fmt: skip
    found.update_xaxes(title_text="Landslides found, of 100", range=[0, 108])
    found.update_yaxes(showgrid=False)
    return theme.apply(found, 110 + 52 * len(shown))


def _orbits(run: RunFolder, rows: list[dict[str, Any]]) -> None:
    """One click for the scenarios that a quick demo leaves out."""
    known = {row["scenario"] for row in rows}
    if stakeholder.is_on() or set(ORBITS) <= known or analyses.follow(run, NAME):
        return
    refused = access.refusal("train")
    words = "Answers the patches again, also without each of the radar's orbits. Minutes on two cores."
    if st.button(
        "Lose an orbit too", icon=":material/play_arrow:", key="tour_orbits", disabled=bool(refused),
        help=escape_markdown(refused) or words,
    ):  # fmt: skip
        analyses.begin(run, NAME, robustness.ANALYSIS.options().model_dump(mode="json") | _options(run))


def _options(run: RunFolder) -> dict[str, Any]:
    """Half of the sky under clouds and each loss that the run's bands allow; all there is where they allow few."""
    chosen = run.config().data.bands
    bands = [band for band in open_dataset(run.dataset_path()).bands if chosen is None or band.name in chosen]
    known = {scenario.name for scenario in scenarios(bands, COVERAGES)}
    names = [name for name in (f"cloud_{COVERAGES[0]:.0%}".rstrip("%"), *WORDS) if name in known]
    return {"coverages": list(COVERAGES)} | ({"names": names} if len(names) > 1 else {})
