"""The audit view: whether synthetic patches stayed inside their folds, and what SMOTE before the folds would add."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.smote.audit import ANALYSIS, read
from core.analyses.smote.control_run import find_control_run, other_protocol
from core.errors import LandslideLensError
from core.jobs import queue
from core.runs.labels import title_of
from core.runs.store import RunFolder
from core.text import tiny
from dashboard import allowed, cache, theme
from dashboard.balance import charts
from dashboard.charts import intervals
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.messages import show_error

PLACES = {"inside_fold": "inside each fold", "before_folds": "before the folds"}


def section(run: RunFolder) -> None:
    """Verdict, noise labels, and the run beside its control run; or a button that starts the audit."""
    report = read(run)
    if report is None:
        analyses.nothing_yet(
            run, ANALYSIS.name, "The synthetic patches of this run have not been audited",
            "Counts parents in validation parts, recomputes every synthetic patch from the dataset, and tries the "
            "three protocols on labels of pure noise. Seconds to a few minutes.",
            "Audit the synthetic patches", ":material/fact_check:",
        )  # fmt: skip
        return
    _verdict(report)
    beside = st.grid(2, min_column_width=360, gap="medium")
    with beside.cell():
        _noise(report["noise"])
    with beside.cell():
        _control(run, report)
    _how(report)
    active = analyses.follow(run, ANALYSIS.name)
    with st.container(horizontal=True):
        if not active:
            with st.popover("Audit again", icon=":material/refresh:"):
                analyses.options_form(run, ANALYSIS.name, "Audit", {"seed": report["noise"]["seed"]})
        downloads.download(_table(report), f"{run.name}_smote_audit", "Figures of the audit (CSV)")


def _verdict(report: dict) -> None:
    made, leaking = report["n_synthetic"], report["n_leaking"]
    who = (
        f"None of {made:,} synthetic patches has" if not leaking else f"{leaking:,} of {made:,} synthetic patches have"
    )
    text = f"{who} a parent in the validation part of its fold"
    if report["max_error"] is not None and report["max_error"] <= report["tolerance"]:
        text += ", and recomputing them from the dataset gives the same pixels"
    text += "."
    if report["max_error"] is not None and report["max_error"] > report["tolerance"]:
        text += " Recomputed from the dataset, some pixels differ."
    if any(row["same"] is False for row in report["pixels"]):
        text += " In some folds, drawing again gives other parents or weights than the lineage."
    (st.success if report["ok"] else st.error)(
        text, icon=":material/verified:" if report["ok"] else ":material/gpp_bad:"
    )


def _noise(noise: dict) -> None:
    st.markdown("**What balancing before the folds does to random labels**")
    downloads.show(charts.noise_labels(noise), key="balance_noise")
    st.caption(
        f"There is nothing to learn here: an honest F1 stays below about {noise['f1_all_positive']:.2f} (dotted: "
        f"predicting positive everywhere). {noise['n']:,} random vectors, {noise['share_positive']:.1%} positive, "
        f"{noise['folds']} folds."
    )


def _control(run: RunFolder, report: dict) -> None:
    own = report["own"]
    bounds = interval(own.get("f1_interval"))
    bounds = f" (95% interval {bounds})" if bounds else ""
    st.markdown(
        f"**This run balances {PLACES[report['protocol']]}:** F1 {number(own['f1'])}{bounds}, n = {own['n']:,} "
        "held-out patches.", help=f"smote.protocol = {report['protocol']}",
    )  # fmt: skip
    if rows := report["twin_difference"]:
        shown = [(f"{theme.head_title(r['head'])} {r['metric']}", r["difference"], r["lo"], r["hi"]) for r in rows]
        figure = intervals.differences(shown, "Before the folds minus inside the fold, 95% interval")
        downloads.show(figure, key="balance_control")
        first = rows[0]
        st.caption(
            f"{first['metric'].upper()} with SMOTE before the folds {number(first['leaking'])}, inside each fold "
            f"{number(first['honest'])}; n = {first['n']:,}, paired. Control run: {_title(run, report['twin'])}.",
            help=escape_markdown(report["twin"]),
        )
        return
    control = find_control_run(run)
    if control is not None:
        st.info(
            f"{_title(run, control.name)} differs only in where it balances. Audit again to compare.",
            icon=":material/info:",
        )
        return
    other = other_protocol(run.config())
    place = PLACES[other.smote.protocol]
    st.caption(f"To measure what this changes, train a control run: the same settings, but balanced {place}.")
    if st.button(
        f"Train the control run, balanced {place}", icon=":material/model_training:", key="balance_train_control",
        **allowed.to("train", help=f"smote.protocol = {other.smote.protocol}"),
    ):  # fmt: skip
        try:
            made = queue.submit(run.checkpoints, run.dataset_path(), other)
            st.success(
                f"{escape_markdown(title_of(made))} is queued. Audit again when it has finished.",
                icon=":material/schedule:",
            )
        except LandslideLensError as error:
            show_error(error)


def _title(run: RunFolder, name: str) -> str:
    """What a run beside this one is called."""
    return escape_markdown(title_of(cache.run(run.checkpoints / name)))


def _how(report: dict) -> None:
    noise = report["noise"]
    pixels = "There were none to recompute."
    if report["max_error"] is not None:
        pixels = f"The largest difference is {tiny(report['max_error'])}; up to {report['tolerance']:g} is rounding."
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            "Parents are looked up in the recorded lineage; every synthetic patch is recomputed from its parents and "
            f"weight. {pixels}"
        )
        st.markdown(
            f"Random labels: {noise['n']:,} Gaussian vectors of {noise['n_features']} numbers, {noise['n_syn']} "
            f"synthetic vectors for each positive, RBF-SVM, {noise['folds']} folds, seed {noise['seed']}."
        )


def _table(report: dict) -> pd.DataFrame:
    rows = [{"what": "own F1", "value": report["own"]["f1"]}, {"what": "leaking", "value": report["n_leaking"]}]
    rows += [{"what": f"noise F1, {name}", "value": value} for name, value in report["noise"]["f1"].items()]
    rows += [
        {
            "what": f"difference from the control run, {row['metric']}",
            "value": row["difference"],
            "lo": row["lo"],
            "hi": row["hi"],
        }
        for row in report["twin_difference"]
    ]
    return pd.DataFrame(rows)
