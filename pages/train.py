"""Train: choose settings, start a run, watch it, cancel it, resume it."""

import numpy as np
import streamlit as st

from core.config import FoldsConfig
from core.data.exclusions import without_excluded
from core.data.grouping import ways_of_grouping
from core.data.held_back.split_parts import held_back
from core.errors import FoldError, LandslideLensError
from core.jobs import queue
from core.runs import repeats
from dashboard import state
from dashboard.dataset import exclusions
from dashboard.jobs import progress
from dashboard.train import architecture, config_form, metadata_columns, monitor, preflight
from dashboard.ui import empty_states, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

VIEWS = {
    "new": ":material/add_circle: New run",
    "follow": ":material/monitoring: Chosen run",
    "architecture": ":material/account_tree: Architecture",
}


def _ahead(jobs: int) -> str:
    """A sentence about the jobs that wait or run."""
    if not jobs:
        return ""
    return f" {jobs} {'job is' if jobs == 1 else 'jobs are'} in progress; this run starts when its turn comes."


st.title("Train")
run = guards.chosen_run()
data = guards.chosen_dataset()
if data is None and run is None:
    empty_states.no_dataset()
    st.stop()

views = [name for name in VIEWS if (name != "follow" or run is not None) and (name == "follow" or data is not None)]
key = f"train_view_{run.name if run is not None else ''}"
if asked := state.asked_view("train"):
    st.session_state[key] = asked
unfinished = run is not None and guards.run_state(run)["state"] != "succeeded"
st.session_state.setdefault(key, "follow" if unfinished or data is None else "new")
view = st.segmented_control(
    "View", views, required=True, format_func=VIEWS.get, label_visibility="collapsed", key=key, wrap=True
)
monitor.refusal()
if view == "follow":
    monitor.follow(run)
    architecture.started_from(run)
    metadata_columns.contribution(run)
    st.stop()
if data is None:
    st.stop()
if view == "architecture":
    architecture.architecture(data)
    st.stop()

labels, told = data.labels, ""
try:
    held = held_back(data, labels, FoldsConfig())
    labels, told = np.where(held.mask, -1, labels), " ".join(["", *held.notes])
except FoldError as error:
    show_error(error)
groups = "" if data.groups is None else f" in {len(set(data.groups.tolist())):,} groups"
st.markdown(
    f"Trains on **{escape_markdown(data.name)}**: {int((labels >= 0).sum()):,} labelled patches{groups}, "
    f"{int((labels == 1).sum()):,} of them {escape_markdown(data.positive)}, {len(data.bands)} bands."
    + escape_markdown(told)
    + exclusions.training_sentence(data.path)
    + _ahead(len(progress.active()))
)
try:
    has_cloud = any("cloud" in name.lower() for name in data.columns)
    tabular = metadata_columns.columns(data)
    asked = config_form.config_form(data.bands, ways_of_grouping(data), has_cloud)
    if asked is not None:
        config, _ = without_excluded(asked.config.with_overrides(tabular), data.path)
        if asked.what == "start":
            started = [
                queue.submit(state.checkpoints(), data.path, one) for one in repeats.repeated(config, asked.repeats)
            ]
            state.open_view("train", run=started[0].name, view="follow")
        preflight.answer(asked.what, data, config)
except (LandslideLensError, OSError) as error:
    show_error(error)
preflight.view(data)
