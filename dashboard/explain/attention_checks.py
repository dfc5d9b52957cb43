"""The lie detector's view: the verdict on a run's attention maps, and every measurement that it stands on.

Comes in: the chosen run. Goes out: figures of the reports that ``core.analyses.attention.checks`` has kept in the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.explain.checks.verdict import MOST_ALIKE
from core.runs.store import RunFolder
from dashboard import theme
from dashboard.explain import attention, badges, charts, pickers
from dashboard.jobs import analyses
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import escape_markdown, number
from dashboard.ui.guards import or_stop

FINDING_WORDS = {
    "alive": "The maps say something",
    "faithful": "What they point at matters",
    "every_fold": "In every fold",
    "learnt": "They depend on what was learnt",
    "on_masks": "They lie on the outlined landslides",
    "in_place": "They follow the content, not the corners",
}
HOLDS = {
    True: ("green", ":material/check_circle:"),
    False: ("red", ":material/cancel:"),
    None: ("gray", ":material/help:"),
}
MASK_WORDS = {"pointing": "Pointing game", "energy": "Energy inside", "iou": "IoU"}
SET_WORDS = {"all": "all landslides", "tp": "found", "fn": "missed"}
SET_COLOURS = {"all landslides": theme.POSITIVE, "found": theme.OUTCOME["TP"], "missed": theme.OUTCOME["FN"]}
PLACE_WORDS = {
    "top_left": "Top left", "top_right": "Top right", "bottom_left": "Bottom left", "bottom_right": "Bottom right",
    "corners": "All corners", "border": "Border",
}  # fmt: skip
TEST_WORDS = {"roll": "Rolled by half", "flip": "Flipped", "inset": "Shrunk into the middle"}
FOLLOW_WORDS = {"content": "follows the content", "position": "stays in its place", "undecided": "undecided"}


def checks(run: RunFolder) -> None:
    """The newest report or the one chosen, and the form that makes another."""
    reports = run.attention_checks()
    if not reports:
        analyses.nothing_yet(
            run, "check", "Nobody has asked whether these maps can be trusted",
            "A map always shows something. The lie detector takes out the pixels that it points at and compares with "
            "random maps, makes the network forget what it learnt, looks where the landslides were outlined, and "
            "rolls, flips and shrinks patches to tell content from corners.",
            "Run the check", ":material/policy:",
        )  # fmt: skip
        _another(run)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Maps", list(reports), key="explain_check", width=420,
            format_func=lambda n: attention.map_words(reports[n]) if n in reports else n,
        )  # fmt: skip
    report, tables = reports[name], or_stop(run.attention_check, name)
    _verdict(report)
    _faithfulness(report, tables["curves"], run, name)
    _forgetting(report, tables["randomised"], run, name)
    _masks(report, run, name)
    _corners(report, run, name)
    downloads.download(tables["patches"], f"{run.name}_{name}_patches", "Every patch (CSV)")
    _another(run)


def _another(run: RunFolder) -> None:
    """The form of another check, and its progress."""
    own = or_stop(run.cams)[2]
    if st.toggle("Check with other settings", key="explain_check_more"):
        with st.container(border=True), st.container(horizontal=True, vertical_alignment="bottom"):
            layer = pickers.layer_picker(run, str(own["layer"]), "explain_check_layer")
            method = pickers.method_picker(str(own.get("method", "gradcam")), "explain_check_method")
            patches = st.number_input("Patches tested", 20, 2000, 100, 20, key="explain_check_patches", width=150)
            seeds = st.number_input("Draws of weights", 1, 10, 3, key="explain_check_seeds", width=150)
            running = analyses.under_way(run, "check")
            if st.button("Check", type="primary", icon=":material/policy:", key="explain_check_go", disabled=running):
                options = {"layer": layer, "method": method, "patches": int(patches), "seeds": int(seeds)}
                analyses.begin(run, "check", options)
    if run.attention_checks():
        analyses.follow(run, "check")


def _verdict(report: Mapping[str, Any]) -> None:
    colour, icon, words = badges.CHECK_LOOKS[report["verdict"]["word"]]
    with st.container(border=True):
        st.badge(words.capitalize(), icon=icon, color=colour)
        for finding in report["verdict"]["findings"]:
            colour, icon = HOLDS[finding["holds"]]
            name = FINDING_WORDS.get(finding["name"], finding["name"])
            st.markdown(f":{colour}[{icon}] **{name}.** {escape_markdown(finding['sentence'])}")
        height, width = report["size"]
        st.caption(
            f"{escape_markdown(attention.map_words(report))}, {height}×{width} cells, out of fold; the network's own "
            f"classifier. {report['n_tested']:,} patches labelled or called {escape_markdown(report['target'])} were tested, "
            f"all {report['silent']['n']:,} were looked at, in {formatting.duration(report['seconds'])}."
        )


def _faithfulness(report: Mapping[str, Any], curves: pd.DataFrame, run: RunFolder, name: str) -> None:
    st.subheader("Does it matter what they point at?", anchor=False)
    if curves.empty:
        st.markdown("No patch was labelled or called positive, so nothing could be taken out.")
        return
    grid = st.grid(2, min_column_width=340, gap="medium")
    for kind, words in charts.KIND_WORDS.items():
        if (curves["kind"] == kind).any():
            with grid.cell():
                st.markdown(f"**{words}**")
                downloads.show(charts.curves(curves, kind, str(report["target"])), key=f"explain_{name}_{kind}")
    road = report["faithfulness"]["road"]
    st.caption(
        "A good map's curve falls below that of random maps when the most relevant pixels go first, and stays above it "
        f"when the least relevant do. ROAD: {number(road['map'])} for the map, {number(road['random'])} for random "
        f"maps of the same cells, {number(road['moved'])} for the map moved elsewhere. Bands: 95 % bootstrap, "
        f"whole groups are drawn; n = {int(curves['n'].max()):,} patches."
    )
    rows = [
        {"name": theme.fold_title(one["fold"]), "part": "", **_mean(one["gain_random"])}
        for one in report["faithfulness_by_fold"]
    ]
    st.markdown("**Fold by fold**")
    title = "ROAD of the map minus that of random maps"
    downloads.show(
        charts.dots(pd.DataFrame(rows), title, {"": theme.POSITIVE}, [(0.0, "")], "+.3f"),
        key=f"explain_{name}_folds",
    )
    downloads.download(curves, f"{run.name}_{name}_curves", "Curves (CSV)")


def _forgetting(report: Mapping[str, Any], table: pd.DataFrame, run: RunFolder, name: str) -> None:
    st.subheader("Do they depend on what was learnt?", anchor=False)
    if table.empty:
        st.markdown("No weights were drawn anew.")
        return
    downloads.show(charts.randomised(table, MOST_ALIKE), key=f"explain_{name}_random")
    st.caption(
        "Weights are drawn anew block by block, from the classifier down to the first layer. Maps that stay alike show "
        "the picture's edges, not what the network knows. 95 % bootstrap bands, whole groups are drawn; "
        f"n = {int(table['n'].max()):,} comparisons over {report['randomised']['seeds']} draws and all folds."
    )
    downloads.download(table, f"{run.name}_{name}_randomised", "Likeness by block (CSV)")


def _masks(report: Mapping[str, Any], run: RunFolder, name: str) -> None:
    st.subheader("Do they lie on the landslides?", anchor=False)
    if "masks" not in report:
        st.markdown("This dataset has no masks of its landslides, so it cannot be told.")
        return
    rows = []
    for key, words in SET_WORDS.items():
        for measure, title in MASK_WORDS.items():
            one = report["masks"].get(key, {}).get(measure)
            if one and one["found"]["n"]:
                chance = {"chance": _mean(one["chance"])["value"]}
                rows.append({"name": title, "part": words, **_mean(one["found"]), **chance})
    if not rows:
        st.markdown("No landslide has a mask, so it cannot be told.")
        return
    table = pd.DataFrame(rows)
    downloads.show(charts.dots(table, "Share, 0 to 1, with 95 % interval", SET_COLOURS), key=f"explain_{name}_masks")
    st.caption(
        "Pointing game: the centre of the map's highest cell lies in the mask; chance: the mask's share of the patch. "
        f"Energy: the share of the map inside. IoU: with the pixels above {report['masks']['threshold']:.0%} of the "
        "map's peak; chance: as many random pixels. Grey ticks: chance. Intervals resample whole groups; "
        f"n = {int(table['n'].max()):,} landslides with a mask."
    )
    downloads.download(table, f"{run.name}_{name}_masks", "Agreement with masks (CSV)")


def _corners(report: Mapping[str, Any], run: RunFolder, name: str) -> None:
    st.subheader("Corners or content?", anchor=False)
    places = pd.DataFrame(report["places"]).astype({"ratio": float, "lo": float, "hi": float})
    flagged = [one for one in report.get("corners", []) if one["flagged"]]
    for one in flagged:
        words = theme.OUTCOME_WORDS.get(one["outcome"].upper(), "called positive")
        cause = "the network's own habit (position)" if one["cause"] == "position" else "a mark in the pixels"
        st.error(
            f"{PLACE_WORDS[one['corner']]}, {words}: {one['ratio']:.1f} times its share of the attention, and "
            f"{one['kept']:.0%} of it stays when everything else is rolled beneath. Cause: {cause}.",
            icon=":material/picture_in_picture:",
        )
    chosen = places[places["outcome"].isin(["tp", "fp", "fn", "tn"]) & (places["n"] > 0)]
    rows = chosen.assign(
        name=chosen["place"].map(PLACE_WORDS), part=chosen["outcome"].str.upper().map(theme.OUTCOME_WORDS),
        value=chosen["ratio"],
    )  # fmt: skip
    colours = {theme.OUTCOME_WORDS[key]: colour for key, colour in theme.OUTCOME.items()}
    downloads.show(
        charts.dots(
            rows, "Attention there, times its share of the area", colours, [(1.0, "uniform"), (3.0, "hot")], ".2f"
        ),
        key=f"explain_{name}_places",
    )
    wrong = {one["place"]: one for one in report["wrong_against_right"]}.get("corners", {})
    compared = ""
    if wrong.get("p") is not None and np.isfinite(wrong["p"]):
        compared = (
            f" Wrong patches (n = {wrong['n_wrong']:,}) hold {wrong['wrong']:.2f} times uniform in their corners, "
            f"found landslides (n = {wrong['n_right']:,}) {wrong['right']:.2f}; Mann-Whitney p = {wrong['p']:.2g}."
        )
    st.caption(
        f"Each corner is {report['corner']:.0%} of the patch's sides, the border {report['border']:.0%}; every "
        f"judged patch, n = {int(report['silent']['n']):,}; 95 % bootstrap, whole groups are drawn.{compared}"
    )
    if report.get("movement"):
        table = pd.DataFrame(
            {
                "Patch": [TEST_WORDS[one["test"]] for one in report["movement"]],
                "Likeness to the moved map": [_said(one["follow"]) for one in report["movement"]],
                "Likeness to the unmoved map": [_said(one["stay"]) for one in report["movement"]],
                "Attention": [FOLLOW_WORDS[one["follows"]] for one in report["movement"]],
                "n": [one["difference"]["n"] for one in report["movement"]],
            }
        )
        st.dataframe(table, hide_index=True, width="stretch")
        st.caption("Pearson's correlation of maps, with 95 % interval: attention that follows the content moves along.")
    downloads.download(places, f"{run.name}_{name}_places", "Corners and border (CSV)")


def _mean(one: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: float("nan") if one.get(key) is None else float(one[key]) for key in ("value", "lo", "hi")}
    return known | {"n": int(one.get("n") or 0)}


def _said(one: Mapping[str, Any]) -> str:
    bounds = formatting.interval((one.get("lo"), one.get("hi")), 2)
    return number(one.get("value"), 2) + (f" ({bounds})" if bounds else "")
