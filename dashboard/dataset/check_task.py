"""The check of a dataset and its split X-ray, done once in the background: what the Check and X-ray views show.

Comes in: an open dataset. Goes out: a report, pairs of patches, or the task that is still looking for them.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.data.check import CheckReport, check
from core.data.exclusions import current_exclusions, exclusions_path
from core.data.leakage.split_audit import Leaks, cached_leaks, leaks_path
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cache, state
from dashboard.jobs import background
from dashboard.ui.formatting import escape_markdown


def labels_that_count(data: Dataset) -> np.ndarray:
    """(N,) int8: the labels, -1 for patches on the exclusion list."""
    labels = np.array(data.labels)
    labels[data.index_of(excluded_ids(data))] = -1
    return labels


def excluded_ids(data: Dataset) -> tuple[str, ...]:
    """The ids of this dataset on its exclusion list; none where the list cannot be read (then the reason is shown)."""
    try:
        return current_exclusions(data)[0]
    except LandslideLensError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return ()


def report(data: Dataset) -> CheckReport | None:
    """What the check found in the dataset as it is now, without its excluded patches; None until it is known."""
    task = task_of(data)
    return task.result if task is not None and not task.running and task.facts["looks"] == _looks(data) else None


def report_before(data: Dataset) -> CheckReport | None:
    """What was found before the dataset or its exclusion list changed, while it is looked at again."""
    task = task_of(data)
    return None if task is None else task.result or task.facts["before"]


def leaks(data: Dataset) -> Leaks | None:
    """The pairs found in this content before, or None."""
    return _leaks(str(data.path), cache.file_version(data.path), cache.file_version(leaks_path(data.path)))


@st.cache_resource(max_entries=8, show_spinner=False)
def _leaks(path: str, version: cache.Version, leaks_look: cache.Version) -> Leaks | None:
    return cached_leaks(cache.dataset(path))


def task_of(data: Dataset) -> background.Task | None:
    """The newest check of this dataset, running or done."""
    return background.newest(state.checkpoints(), _kind(data))


def begin(data: Dataset) -> background.Task:
    """Check the dataset in the background, unless that is under way already."""
    task = task_of(data)
    if task is not None and task.running:
        return task
    labels = labels_that_count(data)

    def work(task: background.Task) -> CheckReport:
        return check(data, labels=labels, progress=lambda share, text: task.step(round(share, 4), 1.0, text))

    facts = {"looks": _looks(data), "before": report_before(data)}
    return background.start(state.checkpoints(), _kind(data), f"The check of {data.name}", work, facts)


def follow(data: Dataset) -> None:
    """The progress of the check that is under way, or what became of one that gave nothing."""
    task = task_of(data)
    if task is not None:
        st.fragment(_follow, run_every=1 if task.running else None)(data, task.running)


def _follow(data: Dataset, was_running: bool) -> None:
    task = task_of(data)
    if task is None or (was_running and not task.running):
        st.rerun()
    if task.running:
        background.show_progress(task, "", "check")
        st.caption("Every patch is compared with every other one; what is found is kept beside the dataset.")
        return
    if task.cancelled:
        st.warning("The check was cancelled.", icon=":material/cancel:")
    elif task.error:
        st.error(escape_markdown(task.error), icon=":material/error:")
    st.button("Check the dataset", type="primary", key="check_again", on_click=begin, args=(data,))


def _kind(data: Dataset) -> str:
    return f"check {data.path}"


def _looks(data: Dataset) -> tuple:
    return cache.file_version(data.path), cache.file_version(exclusions_path(data.path))
