"""Everything there is to open: cards of what is chosen, jobs that are under way, tables of runs and datasets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.jobs import queue
from core.runs.store import STATES, RunFolder
from core.runs.study_folder import folder_of
from core.studies.catalogue import TITLES
from dashboard import cached, components, gallery, state, theme
from dashboard.components import duration, interval, literal

ACTIVE = queue.ACTIVE
REFRESH_S = 3
# Where a study is followed: page and view.
PLACES = {
    "check": ("explain", "checks"), "maps": ("explain", "where"), "occlusion": ("explain", "bands"),
    "drill": ("explain", "drill"), "smote": ("balance", None), "embedding": ("embedding", None),
    "heads": ("results", "heads"), "evaluate": ("results", "elsewhere"),
}  # fmt: skip


def active(jobs: list[queue.Job]) -> list[queue.Job]:
    """The jobs that wait or run, in the order in which they get their turn."""
    return sorted((job for job in jobs if job.state in ACTIVE), key=lambda job: (job.place or 0, job.name))


def known_jobs() -> list[queue.Job]:
    """Every run as the queue sees it; an unusable queue is told in a sentence, once, and reads as empty."""
    try:
        return queue.jobs(state.checkpoints())
    except (LandslideLensError, OSError) as error:
        st.warning(literal(error), icon=":material/warning:")
        return []


# --------------------------------------------------------------------------------------------------------- cards


def run_card(run: RunFolder | None) -> None:
    """The chosen run: its headline number with the sentence behind it, or what is missing and the next step."""
    with st.container(border=True, height="stretch"):
        if run is None:
            st.markdown("**No run on this dataset yet**")
            st.markdown("Train a classifier on it: the demo preset takes minutes on a small CPU.")
            if st.button("Train on it", type="primary", icon=":material/model_training:", key="overview_train"):
                state.open_view("train", view="new")
            return
        status = components.run_state(run)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Run {literal(run.name)}**", width="content")
            components.state_badge(status["state"])
        if status["state"] == "succeeded" and _headline(run):
            return
        if status["state"] in ACTIVE:
            progress(status)
        elif status.get("error") or status.get("message"):
            st.code(status.get("error") or status["message"], language=None, wrap_lines=True)
        if st.button("Follow it", icon=":material/monitoring:", key="overview_follow"):
            state.open_view("train", view="follow")


def _headline(run: RunFolder) -> bool:
    """Draw the run's numbers; False, with the reason shown, when they cannot be read."""
    try:
        summary = cached.summary(run)
        oof, heads = summary["oof"], summary["heads"]
        intervals = heads[summary["head"]]["intervals"]
    except (LandslideLensError, KeyError, TypeError) as error:
        st.warning(f"The numbers of this run cannot be read: {literal(error)}", icon=":material/warning:")
        return False
    with st.grid(min_column_width=84):
        for name, label in (("f1", "F1"), ("auc", "AUC"), ("precision", "Precision"), ("recall", "Recall")):
            bounds = interval(intervals.get(name), 2)
            st.metric(label, components.number(oof.get(name)), bounds or None, delta_color="off", delta_arrow="off")
    st.caption(headline_sentence(summary))
    for warning in summary.get("warnings", []):
        st.warning(literal(warning), icon=":material/warning:")
    if st.button("Open the results", type="primary", icon=":material/query_stats:", key="overview_results"):
        state.open_view("results")
    return True


def headline_sentence(summary: dict) -> str:
    """Which set, how many folds and patches, which head and rule, which interval stand behind the headline."""
    oof = summary["oof"]
    cells = oof.get("confusion") or {}
    n_positive = cells["tp"] + cells["fn"] if cells else None
    rule = "best-F1 threshold learnt on the other folds" if summary["threshold_rule"] == "best_f1" else "threshold 0.5"
    sentence = components.provenance_sentence(
        "out of fold", oof["n"], n_positive, summary["positive"], len(summary["folds"]), head=summary["head"]
    )
    kept = ", groups kept together" if summary.get("grouped") else ""
    return f"{sentence[:-1]}; {rule}. Small figures: 95 % bootstrap intervals{kept}."


def dataset_card(data: Dataset | None) -> None:
    """The chosen dataset in four facts."""
    with st.container(border=True, height="stretch"):
        if data is None:
            st.markdown("**The dataset cannot be opened**")
            st.markdown("Choose another one in the sidebar, or make the demo dataset.")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Dataset {literal(data.name)}**", width="content")
            if data.facts.get("simulated"):
                st.badge("simulated", icon=":material/science:", color="violet")
        positive, labelled = int((data.labels == 1).sum()), int((data.labels >= 0).sum())
        with st.grid(min_column_width=85):
            st.metric("Patches", f"{len(data):,}")
            st.metric(
                literal(data.positive), f"{positive:,}", f"{positive / max(labelled, 1):.1%}",
                delta_color="off", delta_arrow="off",
            )  # fmt: skip
            st.metric("Bands", len(data.bands))
            st.metric("Side (px)", f"{data.shape[1]} × {data.shape[2]}")
        with st.grid(6, wrap=False, min_column_width=36, gap="xsmall"):
            for picture in samples(data):
                st.image(picture, width="stretch", output_format="PNG")
        st.caption(
            f"Positive class: {literal(data.positive)}, three of them first; the other class: "
            f"{literal(data.class_names[0])}."
        )
        if st.button("Look at the patches", icon=":material/grid_view:", key="overview_dataset"):
            state.open_view("dataset", view="Patches")


def samples(data: Dataset, each: int = 3) -> list:
    """Pictures of the first patches of the positive and of the other class."""
    rows = [row for label in (1, 0) for row in (data.labels == label).nonzero()[0][:each]]
    look = gallery.Look(composites(data.bands)[0])
    return gallery.pictures(data, data.ids[rows].tolist(), look, side=144)


# ------------------------------------------------------------------------------------------------- under way


def progress(status: dict, place: int | None = None) -> None:
    """A bar with what is going on and how long it will take."""
    if status["state"] == "queued":
        where = f", number {place} in its lane" if place else ""
        st.progress(0.0, f"Waiting for its turn{where}.")
        return
    left = duration(status.get("eta_s"))
    text = literal(str(status.get("message") or status.get("stage") or "Working").rstrip("."))
    st.progress(min(max(float(status.get("progress") or 0.0), 0.0), 1.0), f"{text}{f' · {left} left' if left else ''}")


def active_jobs() -> None:
    """The jobs that wait or run, with progress; refreshes itself while there are any."""
    jobs = known_jobs()
    if active(jobs):
        st.subheader("Under way", anchor=False)
        st.fragment(_active_jobs, run_every=REFRESH_S)(tuple(job.name for job in active(jobs)))


def _active_jobs(expected: tuple[str, ...]) -> None:
    jobs = active(known_jobs())
    if tuple(job.name for job in jobs) != expected:
        st.rerun()  # one began or ended: the whole page has changed
    for job in jobs:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                title = f"{TITLES.get(job.study, job.study)} of " if job.study else ""
                st.markdown(f"**{title}{literal(job.run)}**", width="content")
                components.state_badge(job.state)
                if st.button("Follow it", key=f"follow_{job.name}", type="tertiary", icon=":material/monitoring:"):
                    page, view = PLACES.get(job.study, ("train", "follow"))
                    state.open_view(page, run=job.run, view=view)
            progress(components.run_state(folder_of(state.checkpoints(), job.name)), job.place)


# ------------------------------------------------------------------------------------------------------ tables


def run_row(run: RunFolder, dataset: str) -> dict:
    """One run as a row: state, preset, score with interval, when and how long."""
    status = components.run_state(run)
    return _run_row(str(run.path), dataset, str(status.get("updated")), status)


@st.cache_data(max_entries=512, show_spinner=False)
def _run_row(path: str, dataset: str, updated: str, _status: dict) -> dict:
    run, status = RunFolder(Path(path)), _status
    row = {"State": status["state"], "F1": None, "95 % interval": "", "AUC": None, "Patches": None}
    if status["state"] == "succeeded":
        try:
            oof = run.summary()["oof"]
            row |= {"F1": oof["f1"], "95 % interval": interval(oof.get("f1_interval")), "AUC": oof["auc"]}
            row["Patches"] = oof["n"]
        except (LandslideLensError, KeyError, TypeError):
            pass
    row |= {"Dataset": dataset, "Preset": "", "Backbone": ""}
    try:
        config = run.config()
        row |= {"Preset": config.preset, "Backbone": config.model.backbone}
    except LandslideLensError:
        pass  # the state column says that something is wrong
    row["Started"] = components.parse_time(status.get("started") or status.get("created"))
    row["Took"] = duration(components.elapsed(status))
    return row | {"Run": run.name}


def runs_table() -> None:
    """All runs, newest first; choosing one opens it."""
    choice = state.choice()
    if not choice.owner:
        st.markdown("None yet.")
        return
    root = state.checkpoints()
    table = pd.DataFrame([run_row(RunFolder(root / name), of) for name, of in choice.owner.items()])
    event = st.dataframe(
        table.assign(State=[[name] for name in table["State"]]), hide_index=True, width="stretch", placeholder="–",
        height="content" if len(table) < 12 else 460, key="overview_runs",
        on_select="rerun", selection_mode="single-row",
        column_config={
            "State": st.column_config.MultiselectColumn(
                "State", options=list(STATES), color=[theme.state_look(name)[0] for name in STATES]
            ),
            "F1": st.column_config.NumberColumn("F1", format="%.3f", help="Out of fold, of the headline head."),
            "AUC": st.column_config.NumberColumn("AUC", format="%.3f"),
            "Patches": st.column_config.NumberColumn("Patches", format="localized"),
            "Started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
        },
    )  # fmt: skip
    rows = event["selection"]["rows"]
    with st.container(horizontal=True):
        picked = table.iloc[rows[0]] if rows else None
        if st.button(
            "Open the chosen row", disabled=picked is None, icon=":material/open_in_new:", key="overview_open_run"
        ):
            page = "results" if picked["State"] == "succeeded" else "train"
            state.open_view(page, run=picked["Run"], view="follow")
        components.download(table, "runs", "Runs as CSV")


def dataset_row(name: str, path: Path) -> dict:
    """One dataset as a row; one that cannot be opened says so."""
    row = {"Dataset": name, "Patches": None, "Positive": None, "Share": None, "Bands": None, "Side (px)": "",
           "Groups": None, "Source": ""}  # fmt: skip
    try:
        data = cached.dataset(path)
    except (LandslideLensError, OSError):
        return row | {"Source": "cannot be opened"}
    positive, labelled = int((data.labels == 1).sum()), max(int((data.labels >= 0).sum()), 1)
    return row | {
        "Patches": len(data),
        "Positive": positive,
        "Share": 100 * positive / labelled,
        "Bands": len(data.bands),
        "Side (px)": f"{data.shape[1]} × {data.shape[2]}",
        "Groups": None if data.groups is None else len(set(data.groups.tolist())),
        "Source": data.source,
    }


def datasets_table() -> None:
    """All dataset files; choosing one opens it."""
    choice = state.choice()
    if not choice.datasets:
        st.markdown("None yet.")
        return
    table = pd.DataFrame([dataset_row(name, path) for name, path in choice.datasets.items()])
    event = st.dataframe(
        table, hide_index=True, width="stretch", height="content" if len(table) < 12 else 460, key="overview_datasets",
        on_select="rerun", selection_mode="single-row",
        column_config={
            "Patches": st.column_config.NumberColumn("Patches", format="localized"),
            "Positive": st.column_config.NumberColumn(
                "Positive", format="localized", help="Patches of the positive class."
            ),
            "Share": st.column_config.NumberColumn("Share", format="%.1f %%", help="Of the labelled patches."),
        },
    )  # fmt: skip
    rows = event["selection"]["rows"]
    with st.container(horizontal=True):
        if st.button("Open the chosen row", disabled=not rows, icon=":material/open_in_new:", key="overview_open_data"):
            state.open_view("dataset", dataset=table.iloc[rows[0]]["Dataset"], view="Facts")
        if st.button("Make the demo dataset", icon=":material/science:", key="overview_make_demo"):
            components.make_demo()
        if st.button("Import a folder", icon=":material/drive_folder_upload:", key="overview_import"):
            components.open_import()
