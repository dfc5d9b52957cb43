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
from core.explain.bands.corruptions import scenarios
from core.explain.bands.missing_bands import POLICIES
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from core.text import duration
from core.wording import bands
from core.wording.bands import SHORT
from dashboard import cache, state, theme, url_state
from dashboard.explain import charts, looks, quick
from dashboard.jobs import analyses
from dashboard.patches import gallery
from dashboard.train.prefill import prefill
from dashboard.ui import downloads, formatting, guards
from dashboard.ui.formatting import MARKDOWN, escape_markdown, number
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head

NAME = robustness.ANALYSIS.name
HIDDEN = ("names", "tta", "seed")
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
            f"{_planned(data, run)} Missing values are filled in several ways, and F1 is measured out of fold at the "
            "run's own thresholds.",
            "Test robustness", ":material/thunderstorm:",
        )  # fmt: skip
        return []
    table, report = tested.table, tested.report
    rows = pd.DataFrame(report["rows"]).astype({name: float for name in ("f1", "lo", "hi", "diff_lo", "diff_hi")})
    st.markdown(verdict(rows))
    chosen_head([report["head"]], summary)
    active = quick.follow(run, robustness.ANALYSIS, tested)
    _figure(run, report, rows)
    shown = _flips(data, run, table, report, rows)
    _compared(run, report)
    _method(report, rows)
    _again(run, report, active)
    return shown


def _planned(data: Dataset, run: RunFolder) -> str:
    """What the test would do to this run's patches, as Markdown."""
    chosen = or_stop(run.config).data.bands
    there = scenarios([band for band in data.bands if chosen is None or band.name in chosen])[1:]
    return escape_markdown(f"The patches are damaged in {len(there)} ways: {'; '.join(one.title for one in there)}.")


def verdict(rows: pd.DataFrame) -> str:
    """``core.wording.bands.robustness``, as Markdown."""
    return bands.robustness(rows, MARKDOWN)


def _method(report: Mapping, rows: pd.DataFrame) -> None:
    with st.expander("How this was measured"):
        st.markdown(
            "Clouds are drawn over the optical bands, a sensor or an orbit is removed, or noise is added to every "
            "patch. Missing values are filled in several ways, each learnt from the training part of the patch's fold, "
            f"and {escape_markdown(theme.head_title(report['head']))} decides at its cross-fitted thresholds. The best "
            "way of filling is chosen afterwards. “Trained on the rest” is a logistic regression that never saw the "
            "lost bands, not this model retrained."
        )
        downloads.table(rows.drop(columns=["scenario"]), hide_index=True, width="stretch")


def _again(run: RunFolder, report: Mapping, active: bool) -> None:
    st.caption(f"Computed in {duration(report['seconds'])}.")
    if not active and url_state.toggle("Test again with other settings", key="explain_robustness_more"):
        with st.container(border=True):
            analyses.options_form(run, NAME, "Test robustness", hidden=HIDDEN, key="explain_robustness")


def _figure(run: RunFolder, report: Mapping, rows: pd.DataFrame) -> None:
    intact = rows.iloc[0]
    titles = {one["name"]: one["title"] for one in report["scenarios"]}
    drawn = rows.iloc[1:].assign(
        name=lambda t: t["title"], part=lambda t: t["policy"].map(SHORT), value=lambda t: t["f1"]
    )
    colours = {SHORT[name]: colour for name, colour in charts.POLICY_COLOURS.items()}
    retrained = pd.DataFrame(
        [
            {"name": titles[one["scenario"]], "part": SHORT["retrained"], "value": one["f1"], "lo": one["lo"],
             "hi": one["hi"], "n": int(intact["n"])}
            for one in report["retrained"]
        ]
    )  # fmt: skip
    columns = ["name", "part", "value", "lo", "hi", "n"]
    both = pd.concat([drawn[columns], retrained], ignore_index=True).astype({"value": float, "lo": float, "hi": float})
    downloads.show(
        charts.dots(both, "F1, with 95% interval", colours, [(float(intact["f1"]), "all bands")]),
        key="explain_robustness_f1",
    )
    st.caption(
        f"With all bands: F1 {number(intact['f1'])} ({formatting.interval((intact['lo'], intact['hi']))}). n = "
        f"{int(intact['n']):,} patches, out of fold, {escape_markdown(theme.head_title(report['head']))}; colours: how "
        "missing values are filled."
    )
    downloads.download(rows, f"{run.name}_robustness", "Robustness (CSV)")


def _flips(data: Dataset, run: RunFolder, table: pd.DataFrame, report: Mapping, rows: pd.DataFrame) -> list[str]:
    st.header("Decisions that change", anchor=False)
    titles = {one["name"]: one["title"] for one in report["scenarios"] if one["kind"] != "intact"}
    if not titles:
        return []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(titles)
        scenario = url_state.choose(
            st.selectbox, "What happens", names, key="explain_scenario", default=names[0], format_func=titles.get,
            width=280,
        )  # fmt: skip
        policies = rows.loc[rows["scenario"] == scenario, "policy"].tolist()
        policy = url_state.choose(
            st.selectbox, "Missing values are", policies, key="explain_policy", default=policies[0], width=380,
            format_func=lambda p: POLICIES.get(p, p),
        )  # fmt: skip
        look = looks.look_popover(data, "explain_flips", maps=False)
    one = rows[(rows["scenario"] == scenario) & (rows["policy"] == policy)].iloc[0]
    flips = flipped(table, scenario, policy)
    counts = {"missed": "n_missed", "new alarm": "n_alarms", "found": "n_found", "alarm gone": "n_cleared"}
    with st.grid(4, min_column_width=140):
        for change, column in counts.items():
            st.metric(charts.capital(CHANGES[change][0]), f"{int(one[column]):,}", border=True)
    bounds = formatting.interval((one["diff_lo"], one["diff_hi"]))
    difference = f"{formatting.difference(one['difference'])}, 95% {bounds}"
    st.caption(
        f"{len(flips):,} of {int(one['n']):,} decisions change. F1 {number(one['f1'])} "
        f"({formatting.interval((one['lo'], one['hi']))}), against {number(rows.iloc[0]['f1'])} with all bands "
        f"({difference})."
    )
    if flips.empty:
        st.markdown("No decision changes.")
        return []
    changes = [change for change in CHANGES if (flips["change"] == change).any()]
    chosen = url_state.choose_several(
        st.pills, "Show", changes, key="explain_changes", default=[], selection_mode="multi",
        format_func=lambda c: charts.capital(CHANGES[c][0]), label_visibility="collapsed",
    )  # fmt: skip
    mine = flips[flips["change"].isin(chosen or changes)].head(FLIPS_SHOWN)
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
    st.header("Compared with a run trained on the remaining bands", anchor=False)
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
    named = {f"{scenario}/{name}": (name, scenario) for name, scenario in comparisons}
    picked = url_state.choose(
        st.selectbox, "Trained without", list(named), key="explain_other", default=next(iter(named)), width=520,
        format_func=lambda text: f"{lost[named[text][1]]['title']}: {titles[named[text][0]]}",
    )  # fmt: skip
    other, scenario = named[picked]
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
        f"n = {one['n']:,} patches that both runs have out of fold, paired."
    )
    downloads.download(rows, f"{run.name}_against_{other}", "Comparison (CSV)")


def _against(run: RunFolder, other: RunFolder, scenario: str) -> dict:
    files = (run.results(NAME).path / "report.json", other.path / "oof.parquet", other.path / "summary.json")
    return _against_run(str(run.path), str(other.path), scenario, cache.file_versions(*files))


@st.cache_data(max_entries=64, show_spinner=False)
def _against_run(path: str, other: str, scenario: str, versions: tuple[cache.Version, ...]) -> dict:
    return against_retrained(cache.run(path), cache.run(other), scenario)


def _how_to(run: RunFolder, lost: Mapping[str, Mapping]) -> None:
    """Without such a run: the settings that make one, and the way to the form."""
    names = Normaliser.from_json(run.normaliser_text(0)).band_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scenario = url_state.choose(
            st.selectbox, "Train without", list(lost), key="explain_train_without", default=next(iter(lost)), width=280,
            format_func=lambda name: lost[name]["title"],
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
