"""Train: choose settings, start a run, watch it, cancel it, resume it."""

from functools import partial

import numpy as np
import streamlit as st

from core.config import FoldsConfig, RunConfig, packaged_weights
from core.config.preset_groups import sensible
from core.data.bands import choose_bands
from core.data.check.masks import require_masks
from core.data.exclusions import without_excluded
from core.data.grouping import ways_of_grouping
from core.data.held_back.split_parts import held_back
from core.data.label_versions import labels_of, with_version_named
from core.data.regions.leave_one_out import resolved
from core.errors import FoldError, LandslideLensError
from core.jobs import queue
from core.runs import repeats
from dashboard import state
from dashboard.dataset import exclusions
from dashboard.experiments.view import experiments_view
from dashboard.jobs import progress
from dashboard.search.view import search_view
from dashboard.train import architecture, backbones, config_form, draft, metadata_columns, method, monitor, preflight
from dashboard.train.labels import labels_field
from dashboard.ui import empty_states, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "new": ":material/add_circle: New run",
    "follow": ":material/monitoring: Chosen run",
    "method": ":material/schema: Method",
    "experiments": ":material/experiment: Experiments",
    "search": ":material/manage_search: Search",
    "architecture": ":material/account_tree: Architecture",
}


def _ahead(jobs: int) -> str:
    """A sentence about the jobs that wait or run."""
    if not jobs:
        return ""
    if jobs == 1:
        return " 1 job is ahead; this run starts when it finishes."
    return f" {jobs} jobs are ahead; this run starts when they finish."


st.title("Train")
run = guards.chosen_run()
data = guards.chosen_dataset()
if data is None and run is None:
    empty_states.no_dataset()
    st.stop()

lacking = {"follow": run is None} | dict.fromkeys(("new", "experiments", "search", "architecture"), data is None)
views = [name for name in VIEWS if not lacking.get(name)]
unfinished = run is not None and guards.run_state(run)["state"] != "succeeded"
usual = "follow" if unfinished or data is None else "new"
about = "" if run is None else run.name
if st.session_state.setdefault("train_view_of", about) != about:  # another run was chosen
    st.session_state["train_view_of"], st.session_state["train_view"] = about, usual
view = view_switch("train", {name: VIEWS[name] for name in views}, usual)
monitor.refusal()
if view == "follow":
    monitor.follow(run)
    architecture.started_from(run)
    metadata_columns.contribution(run)
    st.stop()
if view == "method":
    method.method_view(run, data)
    st.stop()
if data is None:
    st.stop()
if view == "experiments":
    experiments_view(data)
    st.stop()
if view == "search":
    search_view(data)
    st.stop()
if view == "architecture":
    architecture.architecture(data)
    st.stop()


def _what(config: RunConfig) -> str:
    """A sentence about what will be trained on what, and how long that takes where it is known."""
    groups = "" if data.groups is None else f" in {len(set(data.groups.tolist())):,} groups"
    used = data.bands if config.data.bands is None else choose_bands(config.data.bands, data.bands)
    labels = np.where(kept_apart, -1, labels_of(data, config.data.labels)[0])
    config = resolved(data, labels, config)  # with as many folds as regions
    return (
        f"Trains **{escape_markdown(config.model.backbone)}** on **{escape_markdown(data.name)}**: "
        f"{int((labels >= 0).sum()):,} labelled patches{groups}, {int((labels == 1).sum()):,} of them "
        f"{escape_markdown(data.positive)}, {len(used)} bands; {config.folds.words} of {config.train.epochs} "
        f"{'epoch' if config.train.epochs == 1 else 'epochs'}. **{preflight.about_time(data, config)}**"
    )


kept_apart, told = np.zeros(len(data), bool), ""
try:
    held = held_back(data, data.labels, FoldsConfig())
    kept_apart, told = held.mask, " ".join(["", *held.notes])
except FoldError as error:
    show_error(error)
draft.begin(data.name)
sentence = st.container()  # filled when the settings are known
n_labelled = int((data.labels[~kept_apart] >= 0).sum())
recommended = sensible(n_labelled, bool(data.facts.get("simulated")), data.has_pictures)
chosen = config_form.choose_preset(recommended)
labels_field(chosen, data.path)
try:
    has_cloud = any("cloud" in name.lower() for name in data.columns)
    asked = config_form.config_form(
        chosen,
        data.bands,
        ways_of_grouping(data),
        has_cloud,
        partial(metadata_columns.columns, data),
        data.has_masks,
    )
    with sentence:
        st.markdown(_what(asked.config))
        notes = escape_markdown(told) + exclusions.training_sentence(data.path) + _ahead(len(progress.active()))
        if notes.strip():
            st.caption(notes.strip())
    config, _ = with_version_named(asked.config, data.path)
    config, _ = without_excluded(config, data)
    if asked.what:
        backbones.check_size(config, data.shape[1:])
        packaged_weights.require(config.model)
        if config.model.masks:
            require_masks(data)
    if asked.what == "start":
        started = [queue.submit(state.checkpoints(), data.path, one) for one in repeats.repeated(config, asked.repeats)]
        state.open_view("train", run=started[0].name, view="follow")
    elif asked.what:
        preflight.answer(asked.what, data, config)
except (LandslideLensError, OSError) as error:
    with sentence:
        show_error(error)
preflight.view(data)
