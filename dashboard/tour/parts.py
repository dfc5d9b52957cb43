"""What the stops of the tour share: the run they are told on, a number beside its interval, what is one click away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core import access
from core.analyses.registry import analysis
from core.errors import LandslideLensError
from core.runs.labels import label_of
from core.runs.store import RunFolder
from core.runs.targets import Target
from dashboard import cache, stakeholder, state
from dashboard.jobs import analyses
from dashboard.results import predictions as scored
from dashboard.results.predictions import Predictions
from dashboard.ui import guards
from dashboard.ui.formatting import escape_markdown


def demo_run() -> RunFolder | None:
    """The chosen run where that is a finished one on simulated data, else the newest such one; None without any."""
    choice = state.choice()
    chosen = choice.run_folder
    names = [name for name in choice.owner if chosen is None or name != chosen.name]
    for run in [*([] if chosen is None else [chosen]), *(cache.run(state.checkpoints() / name) for name in names)]:
        if _is_simulated(choice.datasets.get(choice.owner.get(run.name, ""))) and not label_of(run).archived:
            if guards.run_state(run)["state"] == "succeeded":
                return run
    return None


def _is_simulated(path: Any) -> bool:
    try:
        return path is not None and bool(cache.dataset(path).facts.get("simulated"))
    except (LandslideLensError, OSError):
        return False


def predictions_of(run: RunFolder) -> Predictions:
    """The headline head's out-of-fold answers."""
    summary = guards.or_stop(run.summary)
    return scored.of_run(run, summary, guards.or_stop(run.oof), summary["head"])


def big_number(label: str, value: str, around: str, help: str) -> None:
    """The number of a stop and its 95% interval. help: the set, n and how it was measured, in Markdown."""
    st.metric(
        label, value, f"95% interval {around}" if around else None, delta_color="off", delta_arrow="off", border=True,
        help=help,
    )  # fmt: skip


def said(text: str) -> None:
    """The stop's message in one sentence for anybody; text: Markdown."""
    st.header(text, anchor=False)


def one_click(target: Target, name: str, text: str, options: Callable[[], Mapping[str, Any]] = dict) -> None:
    """What has to be computed first: its progress, or the button that asks for it (none for stakeholders)."""
    if stakeholder.is_on():
        st.info("This has not been computed yet.", icon=":material/hourglass_empty:")
        return
    if analyses.follow(target, name):
        return
    with st.container(border=True, gap="small"):
        st.markdown(escape_markdown(text))
        refused = access.refusal("train")
        if st.button(
            "Compute it", type="primary", icon=":material/play_arrow:", key=f"tour_{name}", disabled=bool(refused),
            help=escape_markdown(refused) or None,
        ):  # fmt: skip
            analyses.begin(target, name, {**analysis(name).options().model_dump(mode="json"), **options()})


def take_away(label: str, data: bytes | str, file_name: str, mime: str, key: str, first: bool = True) -> None:
    """A file of the stop. first: the one that is offered before the others."""
    st.download_button(
        label, data, file_name=file_name, mime=mime, icon=":material/download:", on_click="ignore", key=key,
        type="primary" if first else "secondary",
    )  # fmt: skip
