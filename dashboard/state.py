"""What is chosen: the dataset, the run, and how both live in the URL so that a link reopens the same view.

The sidebar's pickers are bound to the query parameters of the same names; what follows from a choice (a run's dataset,
a dataset's newest run) is settled here before they are drawn.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from core.data.store import list_datasets
from core.errors import LandslideLensError
from core.runs.labels import label_of
from core.runs.remembered import remembered
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, list_runs
from dashboard import cache, url_state

# Names of the session state; those without an underscore are the names in the URL as well.
DATASET = "dataset"
RUN = "run"
HEAD = "head"  # the classifier head whose decisions every page shows
ERRORS_OUTCOME, ERRORS_AT = "errors_outcome", "errors_threshold"
ERRORS_FILTERS = (
    ERRORS_OUTCOME, ERRORS_AT, "errors_folds", "errors_column", "errors_value",
    "errors_page", "review_low", "review_high", "review_issue", "review_tag", "review_judgement", "review_set",
    "review_runs", "review_differ", "review_least", "review_novelty",
)  # fmt: skip
ASKED = "asked_"  # and an analysis's name: the job of it that this session asked for last
_SETTLED = "settled"
_ASKED = "asked_for"
_CHOICE = "choice"
_NOTES = "notes"
_VIEW = "asked_view"
_MENDED = "link_mended"

_PAGES_DIR = Path(__file__).resolve().parents[1] / "pages"
PAGES: dict[str, Path] = {
    name: _PAGES_DIR / f"{name}.py"
    for name in (
        "overview",
        "tour",
        "runs",
        "dataset",
        "balance",
        "train",
        "results",
        "review",
        "embedding",
        "explain",
        "predict",
        "report",
    )  # fmt: skip
}


def checkpoints() -> Path:
    """The folder that holds datasets and runs: ``LANDSLIDE_CHECKPOINTS``, or ``checkpoints/`` of the repository."""
    return Path(os.environ.get("LANDSLIDE_CHECKPOINTS") or DEFAULT_CHECKPOINTS).resolve()


@dataclass(frozen=True)
class Choice:
    """What can be chosen and what is: dataset files by name, the runs of the chosen dataset, newest first."""

    datasets: dict[str, Path]
    runs: tuple[RunFolder, ...]
    dataset: str | None
    run: str | None
    owner: dict[str, str]  # name of the dataset of every run

    @property
    def dataset_path(self) -> Path | None:
        """File of the chosen dataset."""
        return self.datasets.get(self.dataset) if self.dataset else None

    @property
    def run_folder(self) -> RunFolder | None:
        """Folder of the chosen run."""
        return next((run for run in self.runs if run.name == self.run), None)


def choose() -> Choice:
    """Settle what is chosen; call it before the pickers are drawn.

    A run decides its dataset; a dataset chosen anew brings its newest finished run, or its newest where none has
    finished. Names that do not exist are noted (see :func:`notes`) and the same is taken instead.
    """
    datasets, owner = known(checkpoints())
    dataset, run = _wanted()
    if run and run not in owner:
        _note(f"There is no run “{_shown(run)}” here.")
        run = None
    if dataset and dataset not in datasets:
        _note(f"There is no dataset “{_shown(dataset)}” here.")
        dataset = None
    was_dataset, was_run = st.session_state.get(_SETTLED, (dataset, None))
    if run and dataset and run == was_run and dataset != was_dataset:
        run = None  # the dataset was chosen anew
    root = checkpoints()
    if not run:
        run = _newest_finished(root, [name for name, of in owner.items() if dataset in (None, of)])
    dataset = owner[run] if run else dataset or next(iter(datasets), None)
    runs = [name for name, of in owner.items() if of == dataset]
    _keep(dataset, run)
    settled = Choice(datasets, tuple(cache.run(root / name) for name in runs), dataset, run, owner)
    st.session_state[_CHOICE] = settled
    return settled


def _newest_finished(root: Path, names: list[str]) -> str | None:
    """The first of these runs that has succeeded; where none has, the first. names: newest first."""
    for name in names:
        try:
            run = cache.run(root / name)
            if run.status()["state"] == "succeeded" and not label_of(run).archived:
                return name
        except (LandslideLensError, KeyError, TypeError):
            continue  # damaged: it is offered, not opened by itself
    return next(iter(names), None)


def mend_link() -> None:
    """Start again, once, when a link names a run and the dataset of another: its picker took the URL as it is."""
    settled = choice()
    if (st.session_state[DATASET], st.session_state[RUN]) != (settled.dataset, settled.run):
        if not st.session_state.get(_MENDED):
            st.session_state[_MENDED] = True
            ask_for(settled.dataset, settled.run)
            st.rerun()
    st.session_state.pop(_MENDED, None)


def choice() -> Choice:
    """What :func:`choose` settled for this view."""
    return st.session_state[_CHOICE]


def ask_for(dataset: str | None = None, run: str | None = None) -> None:
    """What is to be chosen when the page is drawn next; a run brings its dataset, a dataset its newest finished run."""
    st.session_state[_ASKED] = (dataset, run)


def open_view(
    page: str,
    dataset: str | None = None,
    run: str | None = None,
    view: str | None = None,
    filters: Mapping[str, str | list[str]] | None = None,
) -> None:
    """Go to a page, with another dataset or run where one is named (a run brings its dataset). Does not return.

    ``view`` names a part of the page, see :func:`asked_view`; ``filters`` are what the page's widgets hold, by the
    names that they have in the URL.
    """
    if dataset or run:
        ask_for(dataset, run)
    st.session_state[_VIEW] = (page, view)
    st.switch_page(PAGES[page], query_params=dict(filters or {}))  # None refuses to clear what pickers are bound to


def open_errors(head: str, outcome: str, threshold: float | None = None) -> None:
    """Go to the patches of one outcome (TP, FP, FN, TN) of a head, at its folds' thresholds or at this one."""
    filters = {HEAD: head, ERRORS_OUTCOME: outcome}
    url_state.forget(HEAD, *ERRORS_FILTERS)
    open_view("review", filters=filters | ({} if threshold is None else {ERRORS_AT: f"{threshold:.3f}"}))


def asked_view(page: str) -> str | None:
    """The part of this page that whoever led here asked for, told once."""
    asked_page, view = st.session_state.pop(_VIEW, (None, None))
    return view if asked_page == page else None


def notes() -> list[str]:
    """Sentences about what the URL named and could not be had; each is told once."""
    return st.session_state.pop(_NOTES, [])


def _note(text: str) -> None:
    st.session_state.setdefault(_NOTES, []).append(text)


def known(root: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Dataset files by name (also those that lie elsewhere and were trained on), and each run's dataset."""
    datasets = {path.stem: path.resolve() for path in list_datasets(root)}
    names = {path: name for name, path in datasets.items()}
    owner: dict[str, str] = {}
    for run in list_runs(root):
        path = remembered(
            "dataset", run.path, ("job.json", "provenance.json", "../datasets"), partial(_dataset_of, run)
        )
        if path is None:
            continue  # a folder that does not say what it was trained on cannot be shown
        if path not in names:
            name = path.stem if path.stem not in datasets else f"{path.stem} ({path.parent.name})"
            names[path], datasets[name] = name, path
        owner[run.name] = names[path]
    return datasets, owner


def _dataset_of(run: RunFolder) -> Path | None:
    try:
        return run.dataset_path()
    except (LandslideLensError, KeyError, TypeError):
        return None


def _wanted() -> tuple[str | None, str | None]:
    """The names asked for by a button, by the pickers or, in a new session, by the URL."""
    if asked := st.session_state.pop(_ASKED, None):
        return asked
    return tuple(st.session_state.get(key) or st.query_params.get(key) for key in (DATASET, RUN))


def _keep(dataset: str | None, run: str | None) -> None:
    for key, value in ((DATASET, dataset), (RUN, run)):
        if key not in st.session_state:  # a new session: nothing is bound yet, and the URL may lack or misname it
            if value:
                st.query_params[key] = value
            else:
                st.query_params.pop(key, None)
        st.session_state[key] = value
    st.session_state[_SETTLED] = (dataset, run)


def _shown(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "…"
