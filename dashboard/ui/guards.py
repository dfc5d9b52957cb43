"""What a page needs before it can draw: a dataset, a run, a finished run, a file; otherwise it says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from core.data.label_versions import with_labels
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.predict.training_dataset import changed
from core.runs.job_folder import JobFolder
from core.runs.store import RunFolder
from dashboard import cache, state, theme
from dashboard.ui.empty_states import empty_state, no_dataset
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error


def run_state(run: JobFolder) -> dict:
    """The status of a run or of another job; a damaged one reads as failed, with the reason."""
    return run.known_status()


def chosen_dataset() -> Dataset | None:
    """The chosen dataset, open; None where there is none or it cannot be used (then the reason is shown)."""
    path = state.choice().dataset_path
    if path is None:
        return None
    try:
        return cache.dataset(path)
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        st.error(
            f"The dataset file {escape_markdown(path.name)} cannot be opened: {escape_markdown(reason)}.",
            icon=":material/broken_image:",
        )
    return None


def simulated_badge(data: Dataset | None) -> None:
    """Says that the data are simulated, where they are: beside every number that comes from them."""
    if data is not None and data.facts.get("simulated"):
        st.badge(
            "Simulated data", icon=":material/science:", color="violet",
            help="Made by a program to show the product. Its numbers say nothing about real landslides.",
        )  # fmt: skip


def chosen_run() -> RunFolder | None:
    """The chosen run, in whatever state."""
    return state.choice().run_folder


def need_dataset() -> Dataset:
    """The chosen dataset, with the labels that the chosen run was trained with.

    Without one the empty state is drawn and the page ends; where its version of the labels is gone, the reason is.
    """
    data, run = chosen_dataset(), chosen_run()
    if data is None:
        no_dataset()
        st.stop()
    return or_stop(with_labels, data, None if run is None else _labels_of(run))


def _labels_of(run: RunFolder) -> str | None:
    try:
        return run.config().data.labels
    except LandslideLensError:
        return None  # whoever needs the configuration says what is wrong with it


def need_run(purpose: str) -> RunFolder:
    """The chosen run; without one, the empty state is drawn and the page ends.

    ``purpose`` completes "... shows": "what a trained network decides".
    """
    if chosen_dataset() is None and chosen_run() is None:
        no_dataset()
        st.stop()
    run = chosen_run()
    if run is None:
        empty_state(
            "No run on this dataset yet",
            f"This page shows {purpose}. It needs a run; training one takes a click.",
            "Train on it",
            lambda: state.open_view("train", view="new"),
            ":material/model_training:",
        )
        st.stop()
    return run


def changed_data(run: RunFolder, data: Dataset | None) -> str:
    """A sentence where the dataset file holds other patches or labels than the run was trained on; empty otherwise."""
    try:
        return changed(run, data) if data is not None else ""
    except (LandslideLensError, OSError) as error:
        return str(error)


def same_data_or_stop(run: RunFolder, data: Dataset | None) -> None:
    """End the page, with the reason, rather than show a run's scores beside patches that it was not trained on."""
    if text := changed_data(run, data):
        show_error(text, ":material/history:")
        st.stop()


def need_finished_run(purpose: str, shows_patches: bool = True) -> RunFolder:
    """The chosen run when it has succeeded; otherwise says how it stands, with the next step, and ends the page.

    Where its dataset has changed since, the page ends too, unless it shows no patches: then that is only said.
    """
    run = need_run(purpose)
    status = run_state(run)
    if status["state"] == "succeeded":
        if shows_patches:
            same_data_or_stop(run, chosen_dataset())
        elif text := changed_data(run, chosen_dataset()):
            st.warning(escape_markdown(text), icon=":material/history:")
        return run
    titles = {
        "queued": "This run is waiting for its turn",
        "running": "This run is still training",
        "failed": "This run failed",
        "cancelled": "This run was cancelled",
        "interrupted": "This run was interrupted",
    }
    empty_state(
        titles.get(status["state"], "This run has not finished"),
        f"This page shows {purpose}. It fills when the run has finished.",
        "Watch it train" if status["state"] in ("queued", "running") else "See what happened",
        lambda: state.open_view("train", view="follow"),
        theme.state_look(status["state"])[1],
        detail=status.get("error") or status.get("message"),
    )
    st.stop()


T = TypeVar("T")


def or_stop(reader: Callable[..., T], *args: object) -> T:
    """What a reader of a run or dataset gives; where it cannot, its reason is shown and the page ends."""
    try:
        return reader(*args)
    except LandslideLensError as error:
        show_error(error, ":material/broken_image:")
        st.stop()
