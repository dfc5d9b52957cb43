"""Searches for settings on a dataset: what is left of the best score, the trials, and a new search."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.analyses import search
from core.config import preset
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.experiments.search.record import NAMES, SAMPLERS, settings_words, told, trials_of
from core.experiments.search.space import with_settings
from core.experiments.search.study import Trial, best_of
from core.jobs.analysis_folder import AnalysisFolder, list_for
from core.runs.targets import DatasetTarget
from core.text import count, number, percent
from dashboard import cache, state, url_state
from dashboard.jobs import progress
from dashboard.search import asking, figures, tables
from dashboard.train import prefill
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

CHOSEN = search.CHOSEN
REFRESH_S = 3
PICTURES = {"history": "Trials", "importance": "Which settings matter", "slices": "How each matters"}


def search_view(data: Dataset) -> None:
    """The view: the newest search or the chosen one, and a new one."""
    target = cache.dataset_target(data.path, state.checkpoints())
    jobs = _jobs(target)
    begun = or_stop(search.names, target)
    order = [*reversed(jobs), *(name for name in begun if name not in jobs)]  # newest first
    order = [name for name in order if name in begun or not progress.was_cleared(jobs[name])]
    if not order:
        _nothing_yet(target, data)
        return
    titles = {one: _title(target, one) for one in order}
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        name = url_state.choose(
            st.selectbox, "Search", order, key=CHOSEN, default=order[0], format_func=titles.get, width=420
        )
        with st.popover("New search", icon=":material/add_circle:"):
            asking.form(target, data)
    if name in jobs:
        _follow(target, name, jobs[name])
    if name in begun:
        _results(or_stop(search.read, target, name))


def _jobs(target: DatasetTarget) -> dict[str, AnalysisFolder]:
    """Search -> its newest job, the oldest first."""
    found: dict[str, AnalysisFolder] = {}
    for job in reversed(list_for(target, search.NAME)):
        try:
            name = search.name_of(job.options())
        except LandslideLensError:
            continue
        found.pop(name, None)
        found[name] = job
    return found


def _nothing_yet(target: DatasetTarget, data: Dataset) -> None:
    with st.container(border=True):
        st.header("No search on this dataset yet", icon=":material/manage_search:", anchor=False)
        st.markdown(
            "A search tries settings one after the other, each chosen by the scores before it. The best score of many "
            "is too high, so the winner is trained again and judged on patches that no trial has seen."
        )
        asking.form(target, data)


def _title(target: DatasetTarget, name: str) -> str:
    try:
        record = search.read(target, name)
    except LandslideLensError:
        record = None
    if record is None:
        return name
    return f"{record['title']}, {NAMES[record['metric']]} [{name[-4:]}]"


def _follow(target: DatasetTarget, name: str, job: AnalysisFolder) -> None:
    """Progress while it runs; the page is drawn anew whenever a trial has ended."""
    if progress.watch(job):
        st.fragment(_watch_trials, run_every=REFRESH_S)(target, name, _ended(target, name))


def _watch_trials(target: DatasetTarget, name: str, ended: int) -> None:
    if _ended(target, name) != ended:
        st.rerun()


def _ended(target: DatasetTarget, name: str) -> int:
    try:
        record = search.read(target, name)
    except LandslideLensError:
        return 0
    parts = [] if record is None else record["parts"]
    return sum(one["state"] != "running" for part in parts for one in part["trials"])


def _results(record: dict[str, Any]) -> None:
    judged, metric = record["judgement"], record["metric"]
    st.markdown(f"**{escape_markdown(told(record))}**")
    if judged is not None:
        left, right = st.columns(2)
        with left:
            downloads.show(figures.inside_outside(judged, metric), key="search_inside_outside")
        with right:
            downloads.show(figures.differences(judged, metric), key="search_differences")
        st.caption(_basis(record))
    part, i = _part(record)
    trials = trials_of(part)
    best = judged["best"][i] if judged is not None else getattr(best_of(trials), "number", None)
    if trials:
        _pictures(record, part, trials)
        downloads.table(tables.shown(trials, metric, best), hide_index=True, width="stretch", height="content")
    for one in trials:
        if one.state == "failed":
            st.warning(escape_markdown(f"Trial {one.number}: {one.reason}"), icon=":material/error:")
    with st.container(horizontal=True):
        winner = next((one for one in trials if one.number == best), None)
        if winner is not None and st.button(
            "Train with these settings", icon=":material/arrow_outward:", key="search_train",
            help=f"Opens the form of a new run: {settings_words(dict(winner.settings))}",
        ):  # fmt: skip
            _train(record, winner)
        if trials:
            downloads.download(tables.flat(record), f"search_{record['name']}", "Trials (CSV)")
    _how(record)


def _part(record: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The search that is looked at, of several."""
    parts = record["parts"]
    if len(parts) == 1:
        return parts[0], 0
    i = url_state.choose(
        st.segmented_control, "Search of the outer fold", list(range(len(parts))), key="search_part", default=0,
        required=True, format_func=lambda k: f"{k + 1}",
    )  # fmt: skip
    return parts[i], i


def _pictures(record: dict[str, Any], part: dict[str, Any], trials: list[Trial]) -> None:
    metric, done = record["metric"], [one for one in trials if one.state == "complete"]
    if not done:
        return
    names = [name for name in PICTURES if name != "importance" or part["importance"]]
    chosen = url_state.choose(
        st.segmented_control, "Picture", names, key="search_picture", default="history", required=True,
        format_func=PICTURES.get, label_visibility="collapsed",
    )  # fmt: skip
    if chosen == "history":
        downloads.show(figures.history(trials, metric), key="search_history")
    elif chosen == "importance":
        downloads.show(figures.importance(part["importance"]), key="search_importance")
        st.caption(
            f"Functional ANOVA on {count(len(done))} whole trials. With so few it names what certainly mattered, not "
            "how much; a setting that hardly varied cannot show."
        )
    else:
        downloads.show(figures.slices(trials, record["space"], metric), key="search_slices")
        st.caption(f"{count(len(done))} whole trials, later ones darker; the other settings differ as well.")


def _train(record: dict[str, Any], winner: Trial) -> None:
    try:
        config = with_settings(preset(record["preset"]).with_overrides(record["settings"]), winner.settings)
    except LandslideLensError as error:
        show_error(error)
        return
    prefill.fill(config, f"trial {winner.number} of {record['title']}")
    state.open_view("train", view="new")


def _basis(record: dict[str, Any]) -> str:
    judged, parts = record["judgement"], record["parts"]
    several = len(parts) > 1
    where = f"{len(parts)} outer folds, each judged by its own search" if several else "held back from every trial"
    inside = f"inside: {record['folds']} over {count(parts[0]['n_search'])} patches"
    deployed = judged["deployed"]
    return escape_markdown(
        f"n = {count(judged['n'])} patches ({percent(judged['positives'] / judged['n'])} {record['positive']}) in "
        f"{count(judged['n_groups'])} {'groups' if record['grouped'] else 'independent patches or groups'}, {where}; "
        f"{inside}. One network at a time, as inside; the {judged['networks']} networks of the winner together: "
        f"{number(deployed['value'])}. 95% bootstrap intervals."
    )


def _how(record: dict[str, Any]) -> None:
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            escape_markdown(
                f"Sampler: {SAMPLERS[record['sampler']]}. Every trial trains {record['folds']} of "
                f"{record['epochs']} epochs and is scored out of fold by its head {record['head']}."
            )
        )
        st.markdown(
            "After each fold a trial is compared with those before it after the same folds; one in the lower half is "
            "stopped. The winner and the settings as they are were then trained again with another seed on the same "
            "patches, and each of their networks judged on the patches that were in no trial. Differences are drawn in "
            "the same bootstrap samples of whole groups. Settings as they are were chosen by no score, so that what "
            "they lose outside is the difference between the two sets of patches; what the winner loses more is "
            "inflation."
        )
        st.code("\n".join(one["text"] for one in record["space"]), language=None)
