"""The drop-out drill's view: what F1 remains when clouds come or a sensor fails, by how missing bands are filled.

Comes in: the chosen run and dataset. Goes out: figures of ``core.analyses.bands.robustness``'s report, the patches that flip, and a
comparison with a run that was trained without the bands in question.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.analyses.bands.robustness_retrained import against_retrained, flipped
from core.data.normalise import Normaliser
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.missing_bands import POLICIES
from core.runs.store import RunFolder
from dashboard import cache, state, theme
from dashboard.explain import charts
from dashboard.jobs import analyses
from dashboard.patches import gallery
from dashboard.ui import downloads, formatting, guards, sidebar
from dashboard.ui.formatting import escape_markdown, number
from dashboard.ui.guards import or_stop

SHORT = {
    "as_is": "left as it came",
    "mean": "training mean",
    "zero": "0 in the unit",
    "nearest": "nearest training patch",
    "regression": "told from the other bands",
}
RETRAINED = "band statistics trained on the rest"
CHANGES = {
    "missed": ("now missed", "FN"),
    "new alarm": ("new false alarms", "FP"),
    "found": ("now found", "TP"),
    "alarm gone": ("alarms gone", "TN"),
}
FLIPS_SHOWN = 24


def drill(data: Dataset, run: RunFolder, summary: dict, oof: pd.DataFrame) -> list[str]:
    """The report, or the button that makes it; the ids of patches that flip."""
    found = run.drill()
    if found is None:
        analyses.nothing_yet(
            run, "drill", "What if a sensor fails?",
            "Clouds are drawn over the optical bands, optical, SAR or one orbit is taken away, noise is added. Each "
            "loss is met by every policy for missing bands, at the run's own thresholds, out of fold.",
            "Run the drill", ":material/thunderstorm:",
        )  # fmt: skip
        return []
    table, report = found
    rows = pd.DataFrame(report["rows"]).astype({name: float for name in ("f1", "lo", "hi", "diff_lo", "diff_hi")})
    st.markdown(f"**{escape_markdown(report['sentence'])}**")
    _figure(run, report, rows)
    shown = _flips(data, run, table, report, rows)
    _compared(run, report)
    with st.container(horizontal=True, vertical_alignment="center"):
        running = analyses.follow(run, "drill")
        if not running and st.button(
            "Drill it again", icon=":material/refresh:", type="tertiary", key="explain_redrill"
        ):
            analyses.begin(run, "drill")
        st.caption(f"Drilled in {formatting.duration(report['seconds'])}.", width="content")
    return shown


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
        charts.dots(both, "F1, with 95 % interval", colours, [(float(intact["f1"]), "intact")]),
        key="explain_drill_f1",
    )
    st.caption(
        f"Intact F1 {number(intact['f1'])} ({formatting.interval((intact['lo'], intact['hi']))}); n = "
        f"{int(intact['n']):,} patches, out of fold, {escape_markdown(theme.head_title(report['head']))} at its cross-fitted "
        "thresholds; bootstrap over whole groups. Policies learn from the training part of each fold. Band statistics "
        "trained on the rest: logistic regression that never saw the lost bands, not the same model retrained."
    )
    with st.expander("All numbers"):
        st.dataframe(rows.drop(columns=["scenario"]), hide_index=True, width="stretch")
    downloads.download(rows, f"{run.name}_drill", "Drill (CSV)")


def _flips(data: Dataset, run: RunFolder, table: pd.DataFrame, report: Mapping, rows: pd.DataFrame) -> list[str]:
    st.subheader("Patches that flip", anchor=False)
    titles = {one["name"]: one["title"] for one in report["scenarios"] if one["kind"] != "intact"}
    if not titles:
        return []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scenario = st.selectbox("What happens", list(titles), format_func=titles.get, key="explain_scenario", width=280)
        policies = rows.loc[rows["scenario"] == scenario, "policy"].tolist()
        policy = st.selectbox(
            "Missing values are", policies, format_func=lambda p: POLICIES.get(p, p), key="explain_policy", width=440
        )
    one = rows[(rows["scenario"] == scenario) & (rows["policy"] == policy)].iloc[0]
    found = flipped(table, scenario, policy)
    counts = {"missed": "n_missed", "new alarm": "n_alarms", "found": "n_found", "alarm gone": "n_cleared"}
    with st.grid(min_column_width=180):
        for change, column in counts.items():
            st.metric(CHANGES[change][0].capitalize(), f"{int(one[column]):,}", border=True)
    st.caption(
        f"F1 {number(one['f1'])} ({formatting.interval((one['lo'], one['hi']))}), {one['difference']:+.3f} against "
        f"intact (95 % {one['diff_lo']:+.3f} to {one['diff_hi']:+.3f}); {len(found):,} of {int(one['n']):,} "
        "decisions flip."
    )
    if found.empty:
        st.markdown("No decision flips.")
        return []
    there = [change for change in CHANGES if (found["change"] == change).any()]
    kinds = st.pills(
        "Show", there, selection_mode="multi", default=there, key=f"explain_changes_{scenario}_{policy}",
        format_func=lambda c: CHANGES[c][0],
    )  # fmt: skip
    mine = found[found["change"].isin(kinds or there)].head(FLIPS_SHOWN)
    look = gallery.look_controls(data, "explain_flips", None)
    shown = mine.assign(outcome=mine["change"].map(lambda change: CHANGES[change][1]))
    gallery.gallery(
        data, shown, look, "explain_flips", None,
        caption=lambda row: f"p {row['prob']:.2f} → {row['prob_after']:.2f} · {row['change']}",
    )  # fmt: skip
    st.caption(f"The {len(mine):,} of {len(found):,} whose probability moved most, as they are without the loss.")
    downloads.download(found, f"{run.name}_flips_{scenario}_{policy}", "Flips (CSV)")
    return mine["id"].astype(str).tolist()


def _compared(run: RunFolder, report: Mapping) -> None:
    """A run trained on what a loss leaves, chosen among the runs of this dataset."""
    lost = {one["name"]: one for one in report["scenarios"] if one["kind"] == "lost"}
    if not lost:
        return
    st.subheader("Against a run trained on the rest", anchor=False)
    found = {}
    for other in state.choice().runs:
        if other.name != run.name and guards.run_state(other)["state"] == "succeeded":
            for scenario in lost:
                try:
                    found[other.name, scenario] = _against(run, other, scenario)
                except LandslideLensError:
                    continue  # it was not trained on exactly what this loss leaves
    if not found:
        _how_to(run, lost)
        return
    other, scenario = st.selectbox(
        "Trained without", list(found), key="explain_other", width=520,
        format_func=lambda key: f"{lost[key[1]]['title']}: {sidebar.run_title(key[0])}",
    )  # fmt: skip
    one = found[other, scenario]
    rows = pd.DataFrame(one["rows"])
    drawn = rows.assign(name=rows["policy"].map(SHORT), part="", value=rows["difference"], n=one["n"])
    title = "F1 of the retrained run minus F1 of this one, damaged"
    downloads.show(charts.dots(drawn, title, {"": theme.POSITIVE}, [(0.0, "")], "+.3f"), key="explain_retrained")
    within = [SHORT[policy] for policy in rows.loc[rows["within"], "policy"]]
    verdict = f"As good as training again, within the interval: {', '.join(within)}." if within else (
        "No policy comes as close as training again: every interval leaves out 0."
    )  # fmt: skip
    st.caption(
        f"{verdict} Retrained F1 {number(one['retrained'])}, this run intact {number(one['intact'])}; "
        f"n = {one['n']:,} patches that both judged out of fold, paired bootstrap."
    )
    downloads.download(rows, f"{run.name}_against_{other}", "Comparison (CSV)")


def _against(run: RunFolder, other: RunFolder, scenario: str) -> dict:
    return _against_kept(
        str(run.path),
        str(other.path),
        scenario,
        cache.file_version(run.path / "summary.json"),
        cache.file_version(other.path / "summary.json"),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _against_kept(path: str, other: str, scenario: str, version: cache.Version, theirs: cache.Version) -> dict:
    return against_retrained(cache.run(path), cache.run(other), scenario)


def _how_to(run: RunFolder, lost: Mapping[str, Mapping]) -> None:
    """No such run yet: the settings that make one, and the way to the form."""
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
            st.session_state[f"train_{preset}_overrides"] = setting
            state.open_view("train", view="new")
    st.caption(f"No run of this dataset was trained on exactly what is left. It takes {escape_markdown(setting)}.")
