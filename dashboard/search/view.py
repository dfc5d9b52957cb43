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
from core.text import count, number, percent
from dashboard import state, url_state
from dashboard.jobs import run_sets
from dashboard.search import asking, figures, tables
from dashboard.train import prefill
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

PICTURES = {"history": "Trials", "importance": "Which settings matter", "slices": "How each matters"}


def search_view(data: Dataset) -> None:
    """The view: the newest search or the chosen one, and a new one."""
    run_sets.view(data, search.ANALYSIS, _SHOWN)


def _ended(record: dict[str, Any]) -> int:
    return sum(one["state"] != "running" for part in record["parts"] for one in part["trials"])


def _results(name: str, record: dict[str, Any]) -> None:
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


_SHOWN = run_sets.Shown(
    nothing="A search tries settings one after the other, each chosen by the scores before it. The best score of many "
    "is too high, so the winner is trained again and judged on patches that no trial has seen.",
    icon=":material/manage_search:",
    title=lambda record: f"{record['title']}, {NAMES[record['metric']]}",
    ended=_ended,
    form=asking.form,
    results=_results,
)
