"""The audit of a run's synthetic patches on the Balance page, and what the paper's protocol would have shown."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.analyses.smote.control_run import other_protocol, twin_of
from core.errors import LandslideLensError
from core.jobs import queue
from core.runs.store import RunFolder
from dashboard import state, theme
from dashboard.charts import intervals
from dashboard.jobs import analyses
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

PROTOCOLS = {
    "folds_over_all": "Folds over real and synthetic",
    "before_folds": "SMOTE before the folds",
    "inside_fold": "SMOTE inside each fold",
}


def section(run: RunFolder) -> None:
    """Verdict, noise labels, and the run beside its twin; or a button that begins the audit."""
    st.subheader("Does balancing flatter the score?", anchor=False)
    report = run.smote_audit()
    if report is None:
        analyses.nothing_yet(
            run, "smote", "This run's synthetic patches have not been audited",
            "Counts parents in validation from the lineage, makes every synthetic patch again from the dataset, and "
            "tries the three protocols on labels that mean nothing. Seconds to a few minutes.",
            "Audit the synthetic patches", ":material/fact_check:",
        )  # fmt: skip
        return
    _verdict(report)
    beside = st.grid(2, min_column_width=360, gap="medium")
    with beside.cell():
        _noise(report["noise"])
    with beside.cell():
        _twin(run, report)
    with st.container(horizontal=True):
        if not analyses.follow(run, "smote") and st.button("Audit again", icon=":material/refresh:"):
            analyses.begin(run, "smote")
        downloads.download(_table(report), f"{run.name}_smote_audit", "Figures of the audit")


def _verdict(report: dict) -> None:
    made, leaking = report["n_synthetic"], report["n_leaking"]
    pixels = "none to make again"
    if report["max_error"] is not None:
        pixels = f"made again, equal to {report['max_error']:.1e} (asked: {report['tolerance']:g})"
    text = f"{leaking:,} of {made:,} synthetic patches have a parent in their fold's validation part. Pixels: {pixels}."
    if any(row["same"] is False for row in report["pixels"]):
        text += " In some folds the choices drawn again are others than the lineage says."
    (st.success if report["ok"] else st.error)(
        text, icon=":material/verified:" if report["ok"] else ":material/gpp_bad:"
    )


def noise_chart(noise: dict) -> go.Figure:
    """F1 by protocol on labels that mean nothing, with what calling everything a landslide would give."""
    names = [name for name in PROTOCOLS if name in noise["f1"]]
    figure = go.Figure()
    figure.add_bar(
        x=[noise["f1"][name] for name in names],
        y=[PROTOCOLS[name] for name in names],
        orientation="h",
        marker_color=[theme.OUTCOME["TP"] if name == "inside_fold" else theme.OUTCOME["FN"] for name in names],
        text=[f"{noise['f1'][name]:.2f}" for name in names],
        hovertemplate="%{y}: F1 %{x:.3f}<extra></extra>",
    )
    figure.add_vline(x=noise["f1_all_positive"], line_dash="dot", line_color=theme.INK, line_width=1.5)
    figure.update_xaxes(title_text="F1 on labels of pure noise", range=[0, 1.08])
    figure.update_yaxes(autorange="reversed")
    return theme.apply(figure, 240)


def _noise(noise: dict) -> None:
    downloads.show(noise_chart(noise), key="balance_noise")
    st.caption(
        f"{noise['n']:,} Gaussian vectors of {noise['n_features']} numbers, {noise['share_positive']:.1%} called "
        f"positive by chance; {noise['n_syn']} synthetics each, RBF-SVM, {noise['folds']} folds, seed {noise['seed']}. "
        f"There is nothing to learn. Dotted: calling everything positive, {noise['f1_all_positive']:.2f}."
    )


def _twin(run: RunFolder, report: dict) -> None:
    own = report["own"]
    low, high = own.get("f1_interval") or (None, None)
    bounds = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    st.markdown(f"**This run**, {report['protocol']}: out-of-fold F1 {own['f1'] or 0:.3f}{bounds}, n = {own['n']:,}.")
    rows = report["twin_difference"]
    if rows:
        shown = [(f"{theme.head_title(r['head'])} {r['metric']}", r["difference"], r["lo"], r["hi"]) for r in rows]
        downloads.show(
            intervals.differences(shown, "Before folds minus inside the fold, with 95 % interval"), key="twin"
        )
        first = rows[0]
        st.caption(
            f"{first['metric'].upper()} done the paper's way {first['leaking']:.3f}, inside the fold "
            f"{first['honest']:.3f}; twin run {escape_markdown(report['twin'])}, n = {first['n']:,}, paired."
        )
        return
    twin = twin_of(run)
    if twin is not None:
        st.info(
            f"{escape_markdown(twin.name)} differs in the protocol alone. Audit again to compare.",
            icon=":material/info:",
        )
        return
    other = other_protocol(run.config())
    st.caption(f"No finished run differs from this one in the protocol alone ({other.smote.protocol}).")
    if st.button(f"Train the twin ({other.smote.protocol})", icon=":material/model_training:", key="balance_twin"):
        try:
            made = queue.submit(state.checkpoints(), run.dataset_path(), other)
            st.success(
                f"{escape_markdown(made.name)} is queued. Audit again when it has finished.", icon=":material/schedule:"
            )
        except LandslideLensError as error:
            st.error(escape_markdown(error), icon=":material/error:")


def _table(report: dict) -> pd.DataFrame:
    rows = [{"what": "own F1", "value": report["own"]["f1"]}, {"what": "leaking", "value": report["n_leaking"]}]
    rows += [{"what": f"noise F1, {name}", "value": value} for name, value in report["noise"]["f1"].items()]
    rows += [
        {"what": f"twin {row['metric']} difference", "value": row["difference"], "lo": row["lo"], "hi": row["hi"]}
        for row in report["twin_difference"]
    ]
    return pd.DataFrame(rows)
