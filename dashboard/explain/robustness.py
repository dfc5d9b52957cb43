"""Robustness: F1 when clouds come or a sensor fails, by how missing bands are filled; the decisions that change.

With a comparison to runs that were trained without the bands in question.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.analyses.bands import robustness
from core.analyses.bands.flips import flipped
from core.analyses.bands.robustness_retrained import against_retrained
from core.data.normalise import Normaliser
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.missing_bands import POLICIES
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from core.text import duration
from dashboard import cache, state, theme
from dashboard.explain import charts
from dashboard.jobs import analyses
from dashboard.patches import gallery
from dashboard.train.prefill import prefill
from dashboard.ui import downloads, formatting, guards
from dashboard.ui.formatting import escape_markdown, number
from dashboard.ui.guards import or_stop

NAME = robustness.ANALYSIS.name
HIDDEN = ("names", "tta", "seed")
SHORT = {
    "as_is": "left unchanged",
    "mean": "training mean",
    "zero": "0 in the band's unit",
    "nearest": "nearest training patch",
    "regression": "estimated from other bands",
}
RETRAINED = "band statistics, trained on the rest"
CHANGES = {
    "missed": ("newly missed", "FN"),
    "new alarm": ("new false alarms", "FP"),
    "found": ("newly found", "TP"),
    "alarm gone": ("false alarms gone", "TN"),
}
FLIPS_SHOWN = 24


def losses(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The report, or the button that makes it; the ids of patches whose decision changes."""
    tested = or_stop(robustness.read, run)
    if tested is None:
        analyses.nothing_yet(
            run, NAME, "What if a sensor fails?",
            "Clouds are drawn over the optical bands; optical, SAR or one orbit is removed; noise is added. Missing "
            "values are filled in several ways, and F1 is measured out of fold at the run's own thresholds.",
            "Test robustness", ":material/thunderstorm:",
        )  # fmt: skip
        return []
    table, report = tested.table, tested.report
    rows = pd.DataFrame(report["rows"]).astype({name: float for name in ("f1", "lo", "hi", "diff_lo", "diff_hi")})
    st.markdown(f"**{escape_markdown(report['sentence'])}**")
    _figure(run, report, rows)
    shown = _flips(data, run, table, report, rows)
    _compared(run, report)
    _again(run, report)
    return shown


def _again(run: RunFolder, report: Mapping) -> None:
    active = analyses.follow(run, NAME)
    st.caption(f"Computed in {duration(report['seconds'])}.")
    if not active and st.toggle("Test again with other settings", key="explain_robustness_more"):
        with st.container(border=True):
            analyses.options_form(run, NAME, "Test robustness", hidden=HIDDEN, key="explain_robustness")


def _figure(run: RunFolder, report: Mapping, rows: pd.DataFrame) -> None:
    intact = rows.iloc[0]
    titles = {one["name"]: one["title"] for one in report["scenarios"]}
    drawn = rows.iloc[1:].assign(
        name=lambda t: t["title"], part=lambda t: t["policy"].map(SHORT), value=lambda t: t["f1"]
    )
    colours = {SHORT[name]: colour for name, colour in charts.POLICY_COLOURS.items()} | {RETRAINED: theme.POSITIVE}
    retrained = pd.DataFrame(
        [
            {"name": titles[one["scenario"]], "part": RETRAINED, "value": one["f1"], "lo": one["lo"], "hi": one["hi"],
             "n": int(intact["n"])}
            for one in report["retrained"]
        ]
    )  # fmt: skip
    columns = ["name", "part", "value", "lo", "hi", "n"]
    both = pd.concat([drawn[columns], retrained], ignore_index=True).astype({"value": float, "lo": float, "hi": float})
    downloads.show(
        charts.dots(both, "F1, with 95% interval", colours, [(float(intact["f1"]), "intact")]),
        key="explain_robustness_f1",
    )
    st.caption(
        f"Intact F1 {number(intact['f1'])} ({formatting.interval((intact['lo'], intact['hi']))}); n = "
        f"{int(intact['n']):,} patches, out of fold, {escape_markdown(theme.head_title(report['head']))} at its "
        "cross-fitted thresholds; groups kept together. Ways of filling learn from the training part of each fold. "
        "“Trained on the rest” is a logistic regression that never saw the lost bands, not this model retrained."
    )
    with st.expander("All numbers"):
        downloads.table(rows.drop(columns=["scenario"]), hide_index=True, width="stretch")
    downloads.download(rows, f"{run.name}_robustness", "Robustness (CSV)")


def _flips(data: Dataset, run: RunFolder, table: pd.DataFrame, report: Mapping, rows: pd.DataFrame) -> list[str]:
    st.subheader("Decisions that change", anchor=False)
    titles = {one["name"]: one["title"] for one in report["scenarios"] if one["kind"] != "intact"}
    if not titles:
        return []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scenario = st.selectbox("Scenario", list(titles), format_func=titles.get, key="explain_scenario", width=280)
        policies = rows.loc[rows["scenario"] == scenario, "policy"].tolist()
        policy = st.selectbox(
            "Missing values are", policies, format_func=lambda p: POLICIES.get(p, p), key="explain_policy", width=440
        )
    one = rows[(rows["scenario"] == scenario) & (rows["policy"] == policy)].iloc[0]
    flips = flipped(table, scenario, policy)
    counts = {"missed": "n_missed", "new alarm": "n_alarms", "found": "n_found", "alarm gone": "n_cleared"}
    with st.grid(min_column_width=180):
        for change, column in counts.items():
            st.metric(charts.capital(CHANGES[change][0]), f"{int(one[column]):,}", border=True)
    st.caption(
        f"F1 {number(one['f1'])} ({formatting.interval((one['lo'], one['hi']))}), {one['difference']:+.3f} against "
        f"intact (95% {one['diff_lo']:+.3f} to {one['diff_hi']:+.3f}); {len(flips):,} of {int(one['n']):,} "
        "decisions change."
    )
    if flips.empty:
        st.markdown("No decision changes.")
        return []
    changes = [change for change in CHANGES if (flips["change"] == change).any()]
    chosen = st.pills(
        "Show", changes, selection_mode="multi", default=changes, key=f"explain_changes_{scenario}_{policy}",
        format_func=lambda c: charts.capital(CHANGES[c][0]),
    )  # fmt: skip
    mine = flips[flips["change"].isin(chosen or changes)].head(FLIPS_SHOWN)
    look = gallery.look_controls(data, "explain_flips", None)
    shown = mine.assign(outcome=mine["change"].map(lambda change: CHANGES[change][1]))
    gallery.gallery(
        data, shown, look, "explain_flips", None,
        caption=lambda row: f"p {row['prob']:.2f} → {row['prob_after']:.2f} · {CHANGES[row['change']][0]}",
    )  # fmt: skip
    st.caption(f"The {len(mine):,} of {len(flips):,} whose probability changed most, shown without the loss.")
    downloads.download(flips, f"{run.name}_flips_{scenario}_{policy}", "Changed decisions (CSV)")
    return mine["id"].astype(str).tolist()


def _compared(run: RunFolder, report: Mapping) -> None:
    """A run trained on the bands that a loss leaves, chosen from the runs of this dataset."""
    lost = {one["name"]: one for one in report["scenarios"] if one["kind"] == "lost"}
    if not lost:
        return
    st.subheader("Compared with a run trained on the remaining bands", anchor=False)
    comparisons = {}
    for other in state.choice().runs:
        if other.name != run.name and guards.run_state(other)["state"] == "succeeded":
            for scenario in lost:
                try:
                    comparisons[other.name, scenario] = _against(run, other, scenario)
                except LandslideLensError:
                    continue  # it was not trained on exactly the bands that this loss leaves
    if not comparisons:
        _how_to(run, lost)
        return
    titles = titles_of(state.choice().runs)
    other, scenario = st.selectbox(
        "Trained without", list(comparisons), key="explain_other", width=520,
        format_func=lambda key: f"{lost[key[1]]['title']}: {titles[key[0]]}",
    )  # fmt: skip
    one = comparisons[other, scenario]
    rows = pd.DataFrame(one["rows"])
    drawn = rows.assign(name=rows["policy"].map(SHORT), part="", value=rows["difference"], n=one["n"])
    title = "F1 of the retrained run minus F1 of this run without the bands"
    downloads.show(charts.dots(drawn, title, {"": theme.POSITIVE}, [(0.0, "")], "+.3f"), key="explain_retrained")
    within = [SHORT[policy] for policy in rows.loc[rows["within"], "policy"]]
    verdict = f"No significant difference to training again: {', '.join(within)}." if within else (
        "Training again is different from every way of filling: no interval includes 0."
    )  # fmt: skip
    st.caption(
        f"{verdict} Retrained F1 {number(one['retrained'])}, this run intact {number(one['intact'])}; "
        f"n = {one['n']:,} patches that both runs judged out of fold, paired."
    )
    downloads.download(rows, f"{run.name}_against_{other}", "Comparison (CSV)")


def _against(run: RunFolder, other: RunFolder, scenario: str) -> dict:
    files = (run.results(NAME).path / "report.json", other.path / "oof.parquet", other.path / "summary.json")
    return _against_run(str(run.path), str(other.path), scenario, tuple(cache.file_version(path) for path in files))


@st.cache_data(max_entries=64, show_spinner=False)
def _against_run(path: str, other: str, scenario: str, versions: tuple[cache.Version, ...]) -> dict:
    return against_retrained(cache.run(path), cache.run(other), scenario)


def _how_to(run: RunFolder, lost: Mapping[str, Mapping]) -> None:
    """Without such a run: the settings that make one, and the way to the form."""
    names = Normaliser.from_json(run.normaliser_text(0)).band_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scenario = st.selectbox(
            "Train without", list(lost), format_func=lambda name: lost[name]["title"], key="explain_train_without",
            width=280,
        )  # fmt: skip
        left = [name for name in names if name not in lost[scenario]["bands"]]
        setting = f"data.bands={','.join(left)}"
        if st.button("Train such a run", icon=":material/model_training:", key="explain_train"):
            preset = or_stop(run.summary).get("preset") or "demo"
            prefill(setting, preset)
            state.open_view("train", view="new")
    st.caption(
        "No run of this dataset was trained on exactly the bands that are left. Train one with "
        f"{escape_markdown(setting)}."
    )
