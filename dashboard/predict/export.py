"""The Export view: the run as a file that other programs answer with."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.analyses.maps.export import ANALYSIS
from core.jobs.analysis_folder import list_for
from core.runs.store import RunFolder
from dashboard import allowed, theme, url_state
from dashboard.jobs import analyses
from dashboard.predict import asking, files
from dashboard.ui.formatting import count, escape_markdown
from dashboard.ui.guards import or_stop, run_state
from dashboard.ui.head_picker import chosen_head

FORMS = {"onnx": "ONNX, for QGIS and other programs", "safetensors": "safetensors, for Python"}
ALL_FOLDS = 0


def export_view(run: RunFolder) -> None:
    """The form, the progress, and the files that there are."""
    st.markdown("**Take this model into QGIS or your own program: one file, with its card inside.**")
    summary = or_stop(run.summary)
    head = chosen_head(list(summary["heads"]), summary)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = url_state.choose(
            st.segmented_control, "File", list(FORMS), key="export_form", default="onnx", required=True,
            format_func=FORMS.get, width="content",
        )  # fmt: skip
        folds = [ALL_FOLDS, *range(1, len(summary["folds"]) + 1)]
        fold = url_state.choose(
            st.selectbox, "Model", folds, key="export_fold", default=ALL_FOLDS, width=220,
            format_func=lambda k: "mean of all folds" if k == ALL_FOLDS else theme.fold_title(k - 1),
        )  # fmt: skip
        go = st.button(
            "Export", type="primary", icon=":material/ios_share:", key="export_go",
            **allowed.to("train", analyses.is_active(run, ANALYSIS.name)),
        )  # fmt: skip
    st.caption(
        f"Head: {escape_markdown(theme.head_title(head))}. An ONNX file is compared with the run on 256 patches before "
        "it is kept.",
        help="QGIS's Deepness plugin (0.6 or newer) opens the ONNX file as a regressor.",
    )
    if go:
        own = run.results(ANALYSIS.name).path
        asked = {"out": str(own / f"{head}{f'_fold{fold}' if fold else ''}.{form}"), "head": head, "fold": fold or None}
        asking.ask(run, ANALYSIS.name, asked)
    analyses.follow(run, ANALYSIS.name)
    _made(run)


def _made(run: RunFolder) -> None:
    done = [job for job in list_for(run, ANALYSIS.name) if run_state(job)["state"] == "succeeded"]
    if not done:
        st.caption("Nothing has been exported yet.")
    for job in done:
        facts = or_stop(job.result)
        path = Path(facts["out"])
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{escape_markdown(path.name)}** · {facts['bytes'] / 2**20:,.1f} MiB")
            if facts.get("n_compared"):
                st.caption(
                    f"On {count(facts['n_compared'])} patches its probabilities differ from the run's by at most "
                    f"{facts['largest_difference']:.6f}."
                )
            for text in facts.get("warnings", []):
                st.warning(escape_markdown(text), icon=":material/warning:")
            with st.container(horizontal=True):
                name = f"{run.name}_{path.name}"
                files.file_button("Download", path, name)
                card = path.with_suffix(".md")
                if path.suffix == ".safetensors" and card.is_file():
                    files.file_button("Model card", card, f"{run.name}_{card.name}")
