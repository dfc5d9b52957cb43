"""The view: one recipe under four ways of splitting, and how each region does while it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.analyses.ablate import NAME as ABLATE
from core.analyses.splitting.features import PACKAGED, STATISTICS, TRAINED
from core.analyses.splitting.protocols import METRIC_WORDS, NAME, read, sentence
from core.data.regions.leave_one_out import columns_of_regions
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.experiments.kinds.splits import options_of
from core.runs.store import RunFolder
from core.text import duration
from dashboard import allowed, cache, state, url_state
from dashboard.jobs import analyses
from dashboard.results.splits import charts
from dashboard.ui import downloads
from dashboard.ui.formatting import count, difference, escape_markdown, interval, number, percent
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

RECIPES = {STATISTICS: "Band statistics", PACKAGED: "Frozen ImageNet features", TRAINED: "Trained networks"}


def splits_view(run: RunFolder, data: Dataset | None) -> None:
    """The report, or the button that makes it. data: the run's dataset, where it is there."""
    reports = or_stop(read, run)
    if reports is None:
        analyses.nothing_yet(
            run, NAME, "What would this score be in another region?",
            "A score depends on how the patches were split. This judges the same recipe, an SVM on band statistics, "
            "with random folds, with groups and blocks of ground kept apart, and with one whole region left out at a "
            "time. It takes about a minute.",
            "Compare ways of splitting", ":material/call_split:",
        )  # fmt: skip
        return
    analyses.follow(run, NAME)
    said = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        recipe = next(iter(reports))
        if len(reports) > 1:
            names = [name for name in RECIPES if name in reports]
            recipe = url_state.choose(
                st.selectbox, "Judged", names, key="splits_recipe", default=names[-1], format_func=RECIPES.get,
                width=240,
            )  # fmt: skip
        report = reports[recipe]
        has_regions = any(row.get("regions") for row in report["ways"])
        metrics = [name for name in METRIC_WORDS if has_regions or name != "auc_within"]
        metric = url_state.choose(
            st.selectbox, "Score", metrics, key="splits_metric", default="auc", format_func=METRIC_WORDS.get, width=200,
            help="AUC within regions: the mean over regions of the AUC among the patches of one region. How frequent "
            "landslides are in each region does not count there.",
        )  # fmt: skip
        with st.popover("Compare again", icon=":material/refresh:"):
            _form(run, data, report)
        if data is not None:
            with st.popover("Train under each way", icon=":material/play_arrow:"):
                _train(run, data)
    said.markdown(f"**{escape_markdown(sentence(report, metric))}**")
    able = [row for row in report["ways"] if not row["missing"]]
    _pictures(able, metric)
    st.caption(basis(report))
    downloads.table(table_of(able, metric), hide_index=True, width="stretch", height="content")
    for row in report["ways"]:
        if row["missing"]:
            st.caption(f":material/info: {row['title']}: {escape_markdown(row['missing'])}")
    with st.container(horizontal=True):
        downloads.download(rows_of(report), f"{run.name}_splits_{recipe}", "All scores (CSV)")
    _method(report)


def basis(report: Mapping[str, Any]) -> str:
    """What the numbers rest on, as Markdown."""
    n, groups = report["n"], report["n_groups"]
    within = "patches, since no groups are known" if groups is None else f"{count(groups)} groups"
    text = (
        f"{report['head']}. Out of fold on {count(n)} patches of {escape_markdown(report['dataset'])} "
        f"({percent(report['n_positive'] / n, 0)} {escape_markdown(report['positive'])}). 95% intervals over {within}"
    )
    if report["region"]:
        text += ": they hold for other patches of these regions, not for regions that are not here"
    return f"{text}."


def table_of(able: list[Mapping[str, Any]], metric: str) -> pd.DataFrame:
    """One row a way for people: the score, its difference to the kindest way, and what stands behind it."""
    rows = []
    for row in able:
        one, against = row["metrics"].get(metric), (row["against"] or {}).get(metric)
        ends = "" if one is None else interval((one["lo"], one["hi"]))
        rows.append(
            {
                "Split": row["title"],
                METRIC_WORDS[metric]: number(one and one["value"]) + (f" ({ends})" if ends else ""),
                f"Against {able[0]['title'].lower()}": "" if against is None else _difference(against),
                "Folds": row["n_folds"],
                "Draws" if "runs" not in row else "Runs": row["draws"],
                "SD between them": "" if one is None or one["sd"] is None else number(one["sd"], 4),
                "Training patches": round(row["n_train"]),
                "Left out": percent(row["left_out"], 0),
                "Own group in training": percent(row["shared"], 0),
            }
        )
    return pd.DataFrame(rows)


def rows_of(report: Mapping[str, Any]) -> pd.DataFrame:
    """Every score of a report: a row for each way, region (empty: all patches) and metric."""
    rows = []
    for way in report["ways"]:
        if way["missing"]:
            continue
        places = [("", report["n"], report["n_positive"], way["metrics"])]
        places += [(one["name"], one["n"], one["n_positive"], one) for one in way["regions"]]
        for region, n, n_positive, scores in places:
            for metric in METRIC_WORDS:
                if metric in scores:
                    ends = {key: scores[metric][key] for key in ("value", "lo", "hi")}
                    rows.append(
                        {"way": way["name"], "region": region, "n": n, "n_positive": n_positive, "metric": metric}
                        | ends
                    )
    return pd.DataFrame(rows)


def _pictures(able: list[Mapping[str, Any]], metric: str) -> None:
    title, hardest = METRIC_WORDS[metric], able[-1]
    if not hardest["regions"]:
        downloads.show(charts.ways(able, metric, title), key="splits_ways")
        return
    of_one = "f1" if metric == "f1" else "auc"
    grid = st.grid(2, min_column_width=400, gap="medium")
    with grid.cell():
        downloads.show(charts.ways(able, metric, title), key="splits_ways")
    with grid.cell():
        other = able[0] if len(able) > 1 else None
        downloads.show(charts.regions(hardest, other, of_one, METRIC_WORDS[of_one]), key="splits_regions")


def _form(run: RunFolder, data: Dataset | None, report: Mapping[str, Any]) -> None:
    columns = [] if data is None else list(columns_of_regions(data))
    analyses.options_form(
        run, NAME, "Compare", given=report["options"], choices={"region": [None, *columns]},
    )  # fmt: skip


def _train(run: RunFolder, data: Dataset) -> None:
    """The full comparison: the run's settings trained anew under every way, as one experiment."""
    target = cache.dataset_target(data.path, state.checkpoints())
    st.markdown(
        "Trains this run's settings under every way of splitting that is possible here: up to three further runs, each "
        f"about as long as this one ({duration(run.summary()['seconds'])}). What is trained already is kept."
    )
    st.caption("The table is under Experiments on the Train page; afterwards choose Trained under Compare again.")
    if analyses.is_active(target, ABLATE):
        st.info("An experiment on this dataset is waiting or running.", icon=":material/schedule:")
        return
    if st.button(
        "Start training", type="primary", icon=":material/play_arrow:", key="splits_train", **allowed.to("train")
    ):
        try:
            options = options_of(run.config())
        except LandslideLensError as error:
            show_error(error)
            return
        analyses.begin(target, ABLATE, options)


def _difference(against: Mapping[str, Any]) -> str:
    ends = interval((against["lo"], against["hi"]), signed=True)
    return difference(against["difference"]) + (f" ({ends})" if ends else "")


def _method(report: Mapping[str, Any]) -> None:
    options = report["options"]
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            "Every labelled patch is judged once in each draw, by a model that has not seen it. Normalisation, "
            "calibration and threshold of a fold are learnt without its patches. The four ways differ in what else the "
            "training part may hold: with **random folds** anything; with **grouped folds** no patch of the same "
            "group; with **blocks of ground** nothing of the same square and nothing within the buffer "
            f"({options['buffer_m']:g} m); with **leave one region out** nothing of the region. Training parts also "
            "differ in size (Training patches), which is a part of the difference."
        )
        st.markdown(
            "Scores of several draws (or runs) are means; the intervals are over patches, and how far draws or runs "
            "lie apart stands beside them (SD between them). Differences are paired: both ways in the same resamples "
            "of groups. Regions may differ in sensor, pixel size and stretch as well as in ground; a score in a region "
            "left out counts all of that."
        )
        for way in report["ways"]:
            for note in way.get("notes") or []:
                st.markdown(f"- {way['title']}: {escape_markdown(note)}")
            if way.get("runs"):
                st.markdown(f"- {way['title']}: {escape_markdown(', '.join(way['runs']))}")
        st.caption(f"Measured {escape_markdown(report['made'][:10])}, {report['seconds']:.0f} s.")
