"""Pieces that several pages share: sidebar, empty states, headline numbers, downloads, a job's progress.

Everything a user wrote (names, classes, bands, notes) passes through :func:`literal` where Streamlit would read
Markdown, and through :func:`csv_bytes` where a spreadsheet would read a formula.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.job_folder import JobFolder
from core.runs.store import FINAL_STATES, RunFolder
from dashboard import cached, state, theme

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=/@])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
PICTURE = "picture_format"  # in the session
PLOT_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["autoScale2d"], "responsive": True}


# --------------------------------------------------------------------------------------------------------- text


def literal(text: object) -> str:
    """``text`` for a place that reads Markdown (labels, captions, messages), shown exactly as written."""
    escaped = _PUNCTUATION.sub(r"\\\1", " ".join(str(text).split()))
    # Links are found in the text after escapes are gone: an invisible joiner keeps them from being one.
    return re.sub(r"(?i)(http|www|mailto)", lambda m: m[0][0] + "\u2060" + m[0][1:], escaped)


def number(value: object, digits: int = 3) -> str:
    """A score for people; "undefined" where there is none."""
    if value is None or not math.isfinite(float(value)):
        return "undefined"
    return f"{float(value):.{digits}f}"


def interval(bounds: object, digits: int = 3) -> str:
    """An interval for people: ``0.812 to 0.861``; empty where there is none."""
    try:
        low, high = (float(value) for value in bounds)
    except (TypeError, ValueError):
        return ""
    return f"{low:.{digits}f} to {high:.{digits}f}" if math.isfinite(low) and math.isfinite(high) else ""


def duration(seconds: object) -> str:
    """Seconds for people: ``2 h 05 min``, ``3 min 20 s``, ``8 s``."""
    if seconds is None or not math.isfinite(float(seconds)):
        return ""
    whole = max(0, round(float(seconds)))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def parse_time(text: object) -> datetime | None:
    """A moment written in a run folder, in UTC; None where it cannot be read."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def elapsed(status: Mapping) -> float | None:
    """Seconds a run took so far, or altogether."""
    begun = parse_time(status.get("started"))
    if begun is None:
        return None
    ended = parse_time(status.get("finished")) if status.get("state") in FINAL_STATES else datetime.now(UTC)
    return (ended - begun).total_seconds() if ended else None


# ------------------------------------------------------------------------------------------------------ sidebar


def sidebar() -> None:
    """The dataset and run pickers, on every page; what they hold is in the URL as well."""
    choice = state.choose()
    with st.sidebar:
        _picker("Dataset", list(choice.datasets), state.DATASET)
        _picker("Run", [run.name for run in choice.runs], state.RUN)
        if choice.run_folder:
            state_badge(run_state(choice.run_folder)["state"])
            st.caption(literal(run_title(choice.run_folder.name)))
        for note in state.notes():
            st.warning(f"{literal(note)} The newest that is here is shown instead.", icon=":material/link_off:")
    state.mend_link()


def _picker(label: str, options: list[str], key: str) -> None:
    """A select box that always holds one of its options. The label is drawn by itself, without "(required)"."""
    with st.container(gap="xxsmall"):
        st.caption(label)
        st.selectbox(
            label,
            options,
            index=None,  # no default: whatever is chosen is written into the URL
            key=key,
            label_visibility="collapsed",
            placeholder="None yet",
            disabled=not options,
            required=True,
            bind="query-params",
        )


def run_title(name: str) -> str:
    """What a run's name says: when it began and with which backbone; the name itself where it was given by hand."""
    stamp, _, rest = name.partition("_")
    try:
        began = datetime.strptime(stamp, "%Y%m%d-%H%M%S")
    except ValueError:
        return name
    return f"{began.day} {began:%b %H:%M} UTC, {rest.rpartition('_')[0]}"


def state_badge(name: str) -> None:
    """A run's state as a small coloured label."""
    colour, icon = theme.state_look(name)
    st.badge(literal(name), icon=icon, color=colour)


# ----------------------------------------------------------------------------------------------- what is chosen


def run_state(run: JobFolder) -> dict:
    """The status of a run or of another job; a damaged one reads as failed, with the reason."""
    try:
        status = run.status()
    except LandslideLensError as error:
        return {"state": "failed", "error": str(error)}
    return status if isinstance(status, dict) and "state" in status else {"state": "queued"}


def chosen_dataset() -> Dataset | None:
    """The chosen dataset, open; None where there is none or it cannot be used (then the reason is shown)."""
    path = state.choice().dataset_path
    if path is None:
        return None
    try:
        return cached.dataset(path)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/broken_image:")
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        st.error(
            f"The dataset file {literal(path.name)} cannot be opened: {literal(reason)}.",
            icon=":material/broken_image:",
        )
    return None


def chosen_run() -> RunFolder | None:
    """The chosen run, in whatever state."""
    return state.choice().run_folder


def need_dataset() -> Dataset:
    """The chosen dataset; without one, the empty state is drawn and the page ends."""
    data = chosen_dataset()
    if data is None:
        no_dataset()
        st.stop()
    return data


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


def need_finished_run(purpose: str) -> RunFolder:
    """The chosen run when it has succeeded; otherwise says how it stands, with the next step, and ends the page."""
    run = need_run(purpose)
    status = run_state(run)
    if status["state"] == "succeeded":
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


# ------------------------------------------------------------------------------------------------- empty states


def empty_state(
    title: str, text: str, button: str, action: Callable[[], None], icon: str, detail: str | None = None
) -> None:
    """What is missing, in a sentence, and the button that leads on. ``detail`` is shown exactly as written."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.subheader(title, icon=icon, anchor=False, text_alignment="center")
        st.markdown(text, text_alignment="center", width=560)
        if detail:
            st.code(str(detail), language=None, wrap_lines=True)
        if st.button(button, type="primary", key=f"empty_{button}"):
            action()
        st.space("small")


def no_dataset(with_import: bool = True) -> None:
    """The empty state of a page without a dataset: the demo is one click away."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.subheader("No dataset yet", icon=":material/satellite_alt:", anchor=False, text_alignment="center")
        st.markdown(
            "Begin with simulated Sentinel-1/2 patches, made on this machine in a few seconds, "
            "or import a folder of your own patches.",
            text_alignment="center",
            width=560,
        )
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button("Make the demo dataset", type="primary", key="empty_make_demo", icon=":material/science:"):
                make_demo()
            if with_import and st.button("Import a folder", key="empty_import", icon=":material/drive_folder_upload:"):
                open_import()
        st.space("small")


def open_import() -> None:
    """Go to the import form."""
    state.open_view("dataset", view="Import")


def make_demo(n: int = 1200, seed: int = 0) -> None:
    """Write the simulated demo dataset and choose it; takes seconds and shows that it works."""
    from core.data.demo import write_demo

    name = "demo" if (n, seed) == (1200, 0) else f"demo-{n}-seed{seed}"
    path = state.checkpoints() / "datasets" / f"{name}.h5"
    try:
        with st.spinner(f"Simulating {n} patches…", show_time=True):
            if not path.is_file():
                write_demo(path, n=n, seed=seed)
    except (LandslideLensError, OSError) as error:
        st.error(literal(error), icon=":material/error:")
        return
    state.open_view("dataset", dataset=name, view="Facts")


# ---------------------------------------------------------------------------------------------------- numbers


def provenance_sentence(
    which: str,
    n: int,
    n_positive: int | None = None,
    positive: str = "landslide",
    folds: int | None = None,
    bounds: object = None,
    head: str | None = None,
    groups: bool = False,
) -> str:
    """The sentence that stands under a number: which set, which fold, how many patches, what interval.

    ``which``: "out of fold", "fold 2, validation part". ``bounds``: (low, high) of the 95 % bootstrap interval.
    """
    parts = [which[0].upper() + which[1:]]
    if folds:
        parts[0] += f" over {folds} folds"
    parts.append(f"{n:,} patches" + (f" ({n_positive:,} {literal(positive)})" if n_positive is not None else ""))
    if head:
        parts.append(literal(theme.head_title(head)))
    if interval(bounds):
        kind = "95 % bootstrap interval, groups kept together" if groups else "95 % bootstrap interval"
        parts.append(f"{kind} {interval(bounds)}")
    return "; ".join(parts) + "."


def headline(label: str, value: object, bounds: object, sentence: str) -> None:
    """A number in a card with its interval, and the sentence of :func:`provenance_sentence` below it."""
    st.metric(label, number(value), interval(bounds) or None, delta_color="off", delta_arrow="off", border=True)
    st.caption(sentence)


# -------------------------------------------------------------------------------------------- figures, downloads


def show(figure: go.Figure, key: str, **options) -> object:
    """A Plotly figure in the viewer's theme, without the toolbar's advertising; returns a selection where asked.

    Its camera saves a picture named after ``key``, in the format of :func:`picture_format`.
    """
    saved = {"format": st.session_state.get(PICTURE) or "png", "filename": key, "scale": 2}
    config = PLOT_CONFIG | {"toImageButtonOptions": saved}
    return st.plotly_chart(figure, key=key, theme="streamlit", config=config, **options)


def picture_format() -> None:
    """The choice of what the camera above every figure saves."""
    st.segmented_control(
        "Figures are saved as", ["png", "svg"], default="png", required=True, key=PICTURE, format_func=str.upper,
        help="The camera at the upper right of a figure saves it in this format, made by your browser.",
        persist_state="session",
    )  # fmt: skip


def csv_bytes(table: pd.DataFrame) -> bytes:
    """A table as CSV (UTF-8); text that a spreadsheet would run as a formula gets an apostrophe in front."""
    safe = table.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(_unformula)
    safe.columns = [_unformula(str(column)) for column in safe.columns]
    return safe.to_csv(index=False).encode("utf-8")


def _unformula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def download(table: pd.DataFrame | Callable[[], pd.DataFrame], name: str, label: str = "CSV", key: str = "") -> None:
    """A button that downloads a table as ``name``.csv; a function is called only when the button is pressed."""
    data = (lambda: csv_bytes(table())) if callable(table) else csv_bytes(table)
    st.download_button(
        label,
        data,
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=key or f"download_{name}",
        on_click="ignore",
    )
