"""The sanity checks of attention maps: the verdict, and every measurement that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.attention import checks as attention_checks
from core.runs.store import RunFolder
from core.text import duration
from core.wording import attention as wording
from core.wording.attention import FINDING_WORDS
from dashboard import theme, url_state
from dashboard.explain import attention, badges, charts, pickers, quick
from dashboard.jobs import analyses
from dashboard.ui import downloads, formatting
from dashboard.ui.formatting import MARKDOWN, escape_markdown, number, small
from dashboard.ui.guards import or_stop

NAME = attention_checks.ANALYSIS.name
HOLDS = {
    True: ("green", ":material/check_circle:"),
    False: ("red", ":material/cancel:"),
    None: ("gray", ":material/help:"),
}
MASK_WORDS = {"pointing": "Pointing game", "energy": "Energy inside", "iou": "IoU"}
SET_WORDS = {"all": "All landslides", "tp": charts.OUTCOME_TITLES["TP"], "fn": charts.OUTCOME_TITLES["FN"]}
SET_COLOURS = {
    SET_WORDS["all"]: theme.POSITIVE, SET_WORDS["tp"]: theme.OUTCOME["TP"], SET_WORDS["fn"]: theme.OUTCOME["FN"],
}  # fmt: skip
PLACE_WORDS = {
    "top_left": "Top left", "top_right": "Top right", "bottom_left": "Bottom left", "bottom_right": "Bottom right",
    "corners": "All corners", "border": "Border",
}  # fmt: skip
TEST_WORDS = {"roll": "Rolled by half", "flip": "Flipped", "inset": "Shrunk into the middle"}
FOLLOW_WORDS = {"content": "follows the content", "position": "stays in place", "undecided": "undecided"}


def checks(run: RunFolder) -> None:
    """The newest report or the one chosen, and the form that makes another."""
    reports = or_stop(attention_checks.reports, run)
    if not reports:
        or_stop(run.cams)  # a run without maps has none to check
        analyses.nothing_yet(
            run, NAME, "These maps have not been checked yet",
            "An attention map always shows something. The sanity checks remove the pixels that it points at and "
            "compare with random maps, the mean map and edge strength; give the network random weights; compare with "
            "masks of landslides where there are any; and roll, flip and shrink patches to tell content from corners.",
            "Run the checks", ":material/policy:",
        )  # fmt: skip
        _another(run, "Run with other settings")
        return
    above, name = st.container(gap="small"), next(iter(reports))
    if len(reports) > 1:
        with st.popover("Maps", icon=":material/layers:", key="explain_check_maps"):
            name = url_state.choose(
                st.selectbox, "Maps", list(reports), key="explain_check", default=name,
                format_func=lambda n: attention.map_words(reports[n]),
            )  # fmt: skip
    check = or_stop(attention_checks.read, run, name)
    report, tables = check.report, check.tables
    with above:
        _verdict(report)
        active = quick.follow(run, attention_checks.ANALYSIS, check)
    _first(report, tables["curves"], name)
    _faithfulness(report, tables["curves"], run, name)
    _randomised(report, tables["randomised"], run, name)
    _masks(report, run, name)
    _corners(report, run, name)
    _method(report)
    downloads.download(tables["patches"], f"{run.name}_{name}_patches", "Every patch (CSV)")
    if not active:
        _another(run, "Check another layer or method")


def _another(run: RunFolder, label: str) -> None:
    """The form of another check."""
    own = or_stop(run.cams)[2]
    if url_state.toggle(label, key="explain_check_more"):
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                given = {
                    "layer": pickers.layer_picker(run, str(own["layer"]), "explain_check_layer"),
                    "method": pickers.method_picker(str(own.get("method", "gradcam")), "explain_check_method"),
                }
            analyses.options_form(run, NAME, "Check these maps", given, (*given, "seed"), key="explain_checks")


def _verdict(report: Mapping[str, Any]) -> None:
    findings = report["verdict"]["findings"]
    colour, icon, words = badges.CHECK_LOOKS[report["verdict"]["word"]]
    st.markdown(f":{colour}[{icon}] {verdict_sentence(findings, words)}")


def verdict_sentence(findings: Sequence[Mapping[str, Any]], words: str) -> str:
    """``core.wording.attention.verdict_sentence``, as Markdown."""
    return wording.verdict_sentence(findings, words, MARKDOWN)


def _first(report: Mapping[str, Any], curves: pd.DataFrame, name: str) -> None:
    """The checks as a list beside the picture that decides most: what is lost where the maps point."""
    grid = st.grid(2, min_column_width=300, gap="medium")
    with grid.cell():
        for finding in report["verdict"]["findings"]:
            colour, icon = HOLDS[finding["holds"]]
            words = FINDING_WORDS.get(finding["name"], finding["name"])
            st.markdown(f":{colour}[{icon}] {words}", help=escape_markdown(finding["sentence"]))
    with grid.cell():
        if curves.empty:
            st.markdown("No patch is labelled or predicted positive, so no pixels could be removed.")
            return
        kind = next(kind for kind in wording.KIND_WORDS if (curves["kind"] == kind).any())
        st.markdown(f"**{wording.KIND_WORDS[kind]}**")
        downloads.show(charts.curves(curves, kind, str(report["target"])), key=f"explain_{name}_{kind}")
        st.caption(
            "The curve of good maps (orange) falls below the others. Shaded: 95% interval; "
            f"n = {int(curves['n'].max()):,} patches."
        )


def _method(report: Mapping[str, Any]) -> None:
    height, width = report["size"]
    with st.expander("How this was measured"):
        st.markdown(
            f"{escape_markdown(attention.map_words(report))}, {height}×{width} cells, out of fold; the network's own "
            f"classifier. All {report['silent']['n']:,} patches were measured and {report['n_tested']:,} patches "
            f"labelled or predicted {escape_markdown(report['target'])} were tested, in "
            f"{duration(report['seconds'])}."
        )
        for finding in report["verdict"]["findings"]:
            colour, icon = HOLDS[finding["holds"]]
            words = FINDING_WORDS.get(finding["name"], finding["name"])
            st.markdown(f":{colour}[{icon}] **{words}.** {escape_markdown(finding['sentence'])}")


def _faithfulness(report: Mapping[str, Any], curves: pd.DataFrame, run: RunFolder, name: str) -> None:
    if curves.empty:
        return
    st.header("Do the places they point at matter?", anchor=False)
    kinds = [kind for kind in wording.KIND_WORDS if (curves["kind"] == kind).any()]
    road = report["faithfulness"]["road"]
    gains = [
        {"name": f"over {wording.RIVAL_WORDS[rival]}", "part": "", **_mean(road[f"gain_{rival}"])}
        for rival in wording.RIVAL_WORDS
        if rival != "map"
    ]
    folds = [
        {"name": theme.fold_title(one["fold"]).capitalize(), "part": "", **_mean(one["gain_random"])}
        for one in report["faithfulness_by_fold"]
    ]
    grid = st.grid(2, min_column_width=300, gap="medium")
    for words, rows, key in (("Rival by rival", gains, "rivals"), ("Fold by fold, over random maps", folds, "folds")):
        with grid.cell():
            st.markdown(f"**{words}**")
            figure = charts.dots(
                pd.DataFrame(rows), "Gain (ROAD, probability)", {"": theme.POSITIVE}, [(0.0, "")], "+.3f"
            )
            downloads.show(figure, key=f"explain_{name}_{key}")
    st.caption(
        f"Right of 0: the map does better. ROAD of the map: {number(road['map'])}; of random maps: "
        f"{number(road['random'])}. 95% intervals, groups kept together; n = {int(road['gain_random']['n']):,} patches."
    )
    with st.expander("Other ways to remove pixels"):
        grid = st.grid(2, min_column_width=300, gap="medium")
        for kind in kinds[1:]:
            with grid.cell():
                st.markdown(f"**{wording.KIND_WORDS[kind]}**")
                downloads.show(charts.curves(curves, kind, str(report["target"])), key=f"explain_{name}_{kind}")
        st.caption("Where the least relevant pixels are removed first, a good map's curve stays above the others.")
    downloads.download(curves, f"{run.name}_{name}_curves", "Curves (CSV)")


def _randomised(report: Mapping[str, Any], table: pd.DataFrame, run: RunFolder, name: str) -> None:
    st.header("Do the maps depend on what was learnt?", anchor=False)
    if table.empty:
        st.markdown("No network with random weights was compared.")
        return
    downloads.show(
        charts.randomised(table, {key: one["value"] for key, one in report["randomised"]["other"].items()}),
        key=f"explain_{name}_random",
    )
    st.caption(
        "Weights are replaced by random ones block by block, from the classifier down to the first layer. Maps that "
        "stay more alike than the maps of other patches are (dotted) show edges in the picture, not what the network "
        "learnt. Shaded: 95% interval, groups kept "
        f"together; n = {int(table['n'].max()):,} comparisons over {report['randomised']['seeds']} random networks and "
        "all folds."
    )
    downloads.download(table, f"{run.name}_{name}_randomised", "Similarity by block (CSV)")


def _masks(report: Mapping[str, Any], run: RunFolder, name: str) -> None:
    st.header("Do they lie on the landslides?", anchor=False)
    if "masks" not in report:
        st.markdown("This dataset has no masks of its landslides, so this cannot be checked.")
        return
    rows = []
    for key, words in SET_WORDS.items():
        for measure, title in MASK_WORDS.items():
            one = report["masks"].get(key, {}).get(measure)
            if one and one["found"]["n"]:
                chance = {"chance": _mean(one["chance"])["value"]}
                rows.append({"name": title, "part": words, **_mean(one["found"]), **chance})
    if not rows:
        st.markdown("No landslide has a mask, so this cannot be checked.")
        return
    table = pd.DataFrame(rows)
    downloads.show(charts.dots(table, "Share, with 95% interval", SET_COLOURS), key=f"explain_{name}_masks")
    st.caption(
        "Pointing game: the centre of the map's highest cell lies in the mask; chance: the mask's share of the patch. "
        f"Energy: the share of the map inside. IoU: with the pixels above {report['masks']['threshold']:.0%} of the "
        "map's peak; chance: as many random pixels. Grey ticks: chance. Intervals keep groups together; "
        f"n = {int(table['n'].max()):,} landslides with a mask."
    )
    downloads.download(table, f"{run.name}_{name}_masks", "Agreement with masks (CSV)")


def _corners(report: Mapping[str, Any], run: RunFolder, name: str) -> None:
    st.header("Corners or content?", anchor=False)
    places = pd.DataFrame(report["places"]).astype({"ratio": float, "lo": float, "hi": float})
    flagged = [one for one in report.get("corners", []) if one["flagged"]]
    for one in flagged:
        words = charts.OUTCOME_TITLES.get(one["outcome"].upper(), "predicted positive")
        cause = "the network's own bias for this position" if one["cause"] == "position" else "a mark in the pixels"
        st.error(
            f"{PLACE_WORDS[one['corner']]}, {words}: {one['ratio']:.1f} times its share of the attention, of which "
            f"{one['kept']:.0%} stays when everything but the corners is rolled. Cause: {cause}.",
            icon=":material/picture_in_picture:",
        )
    chosen = places[places["outcome"].isin(["tp", "fp", "fn", "tn"]) & (places["n"] > 0)]
    rows = chosen.assign(
        name=chosen["place"].map(PLACE_WORDS), part=chosen["outcome"].str.upper().map(charts.OUTCOME_TITLES),
        value=chosen["ratio"],
    )  # fmt: skip
    colours = {charts.OUTCOME_TITLES[key]: colour for key, colour in theme.OUTCOME.items()}
    downloads.show(
        charts.dots(
            rows, "Attention, relative to the share of the area", colours, [(1.0, "uniform"), (3.0, "hot")], ".2f"
        ),
        key=f"explain_{name}_places",
    )
    wrong = {one["place"]: one for one in report["wrong_against_right"]}.get("corners", {})
    compared = ""
    if wrong.get("p") is not None and np.isfinite(wrong["p"]):
        compared = (
            f" Corners hold {wrong['wrong']:.2f} times the uniform share in misclassified patches (n = "
            f"{wrong['n_wrong']:,}) and {wrong['right']:.2f} times in found landslides (n = {wrong['n_right']:,}); "
            f"p = {small(wrong['p'])} (rank test, groups kept together)."
        )
    st.caption(
        f"Each corner is {report['corner']:.0%} of the patch's sides, the border {report['border']:.0%}; every "
        f"patch, n = {int(report['silent']['n']):,}; 95% interval, groups kept together.{compared}"
    )
    if report.get("movement"):
        table = pd.DataFrame(
            {
                "Patch": [TEST_WORDS[one["test"]] for one in report["movement"]],
                "Similarity to the moved map": [_with_interval(one["follow"]) for one in report["movement"]],
                "Similarity to the unmoved map": [_with_interval(one["stay"]) for one in report["movement"]],
                "Attention": [FOLLOW_WORDS[one["follows"]] for one in report["movement"]],
                "n": [one["difference"]["n"] for one in report["movement"]],
            }
        )
        downloads.table(table, hide_index=True, width="stretch")
        st.caption("Pearson correlation of maps, with 95% interval. Attention that follows the content moves with it.")
    downloads.download(places, f"{run.name}_{name}_places", "Corners and border (CSV)")


def _mean(one: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: float("nan") if one.get(key) is None else float(one[key]) for key in ("value", "lo", "hi")}
    return known | {"n": int(one.get("n") or 0)}


def _with_interval(one: Mapping[str, Any]) -> str:
    bounds = formatting.interval((one.get("lo"), one.get("hi")), 2)
    return number(one.get("value"), 2) + (f" ({bounds})" if bounds else "")
