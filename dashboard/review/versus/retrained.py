"""The same run trained again with corrected labels: the click that queues it, its progress, and what came of it."""

from __future__ import annotations

import streamlit as st

from core.data.label_versions import LabelVersion
from core.errors import LandslideLensError
from core.jobs import queue
from core.review.retraining import trained_with, with_version
from core.runs.labels import title_of
from core.runs.store import RunFolder
from dashboard import allowed, state
from dashboard.jobs import progress
from dashboard.review.versus import asked as ways
from dashboard.review.versus.asked import Asked
from dashboard.review.versus.view import size_words
from dashboard.train.prefill import prefill_labels
from dashboard.ui.formatting import count, escape_markdown
from dashboard.ui.guards import or_stop, run_state
from dashboard.ui.messages import show_error

REFRESH_S = 3


def retrained(run: RunFolder, version: LabelVersion, head: str) -> None:
    """Draw it. run: whose labels were reviewed, or that was trained with the version. head: whose F1 is compared."""
    st.markdown("**The same settings trained again**")
    own = or_stop(run.config).data.labels
    partner = trained_with(run, None if own == version.name else version.name, state.choice().runs)
    status = None if partner is None else run_state(partner)["state"]
    if own == version.name:
        st.markdown("This run was trained with these labels.")
        if status == "succeeded":
            _fair(run, partner, version, head)
        return
    if status == "succeeded":
        _fair(partner, run, version, head)
        return
    if status in queue.ACTIVE:
        st.fragment(_under_way, run_every=REFRESH_S)(partner)
        return
    st.markdown(
        "What the labels are worth shows when the network learns from them. A job trains the same settings; then both "
        "runs are judged by the corrected labels."
    )
    if partner is not None:
        st.warning(
            f"The last try ({escape_markdown(title_of(partner))}) is {status}. "
            + escape_markdown(str(run_state(partner).get("error") or "")[:300]),
            icon=":material/error:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Retrain with these labels",
            type="primary",
            icon=":material/replay:",
            key="review_retrain",
            **allowed.to("train"),
        ):
            _begin(run, version)
        if partner is not None and st.button("Open the last try", type="tertiary", key="review_retrain_last"):
            state.open_view("train", run=partner.name, view="follow")
        if st.button(
            "Change settings first", icon=":material/model_training:", type="tertiary", key="review_train",
            help="Opens the form of a new run with these labels; what else it holds stays.",
        ):  # fmt: skip
            prefill_labels(version.name)
            state.open_view("train", view="new")


def _begin(run: RunFolder, version: LabelVersion) -> None:
    try:
        queue.submit(state.checkpoints(), run.dataset_path(), with_version(run.config(), version.name))
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    st.rerun()


def _under_way(partner: RunFolder) -> None:
    try:
        job = queue.job(state.checkpoints(), partner.name)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    if job.state not in queue.ACTIVE:
        st.rerun()  # the whole page: it says what came of it
    progress.progress_bar(run_state(partner), job, title_of(partner))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Follow it", icon=":material/monitoring:", key="review_follow"):
            state.open_view("train", run=partner.name, view="follow")
        st.caption("It continues while you look at other pages. Here stands then what it changed.", width="content")


def _fair(new: RunFolder, old: RunFolder, version: LabelVersion, head: str) -> None:
    """The run with these labels against the one with those of before, both judged by these."""
    heads = new.summary()["heads"], old.summary()["heads"]
    shown = head if all(head in one for one in heads) else new.summary()["head"]
    asked = Asked(shown, old.name, shown, version.name)
    try:
        found = ways.found(new, asked)
    except (LandslideLensError, OSError) as error:
        show_error(error)
        return
    counts = found.counts
    st.markdown(
        f"{size_words(found)} It fixes **{count(counts['fixed'])}** errors of the run with the labels of before and "
        f"makes **{count(counts['broken'])}** new ones."
    )
    st.caption(
        f"{escape_markdown(title_of(new))} against {escape_markdown(title_of(old))}: the same settings, both judged by "
        f"the corrected labels, {count(len(found.table))} patches, each by a fold that had not seen it; 95% "
        f"interval over {'groups' if found.grouped else 'patches'}. One training each: another seed gives others."
    )
    if st.button("A against B", type="primary", icon=":material/compare_arrows:", key="review_against"):
        ways.open_versus(new, asked)
