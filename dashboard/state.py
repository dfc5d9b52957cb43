"""What is chosen: the dataset, the run, and how both live in the URL so that a link reopens the same view.

Comes in: the URL, the checkpoints folder. Goes out: names and paths. It draws nothing. Query parameters are written
here and not bound to widgets: ``st.switch_page`` refuses to leave a page while a bound widget holds one (1.67).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.data.store import list_datasets
from core.errors import LandslideLensError
from core.runs.store import DEFAULT_CHECKPOINTS, RunFolder, list_runs

# Names of the session state; the first two are the names in the URL as well.
DATASET = "dataset"
RUN = "run"
_SEEN_URL = "seen_url"
_ASKED = "asked_for"
_CHOICE = "choice"
_NOTES = "notes"

_PAGES_DIR = Path(__file__).resolve().parents[1] / "pages"
PAGES: dict[str, Path] = {
    name: _PAGES_DIR / f"{name}.py"
    for name in ("overview", "dataset", "balance", "train", "results", "errors", "embedding", "explain")
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
    """Settle what is chosen, from the URL where it has changed, else from the session; then write it to the URL.

    A run decides its dataset. Names that do not exist are noted (see :func:`notes`) and the newest is taken instead.
    """
    datasets, owner = _known(checkpoints())
    wanted_dataset, wanted_run = _wanted()
    if wanted_run and wanted_run not in owner:
        _note(f"There is no run “{_shown(wanted_run)}” here.")
        wanted_run = None
    if wanted_dataset and wanted_dataset not in datasets:
        _note(f"There is no dataset “{_shown(wanted_dataset)}” here.")
        wanted_dataset = None
    dataset = owner[wanted_run] if wanted_run else wanted_dataset
    if dataset is None:
        dataset = next(iter(owner.values()), None) or next(iter(datasets), None)
    runs = [name for name, of in owner.items() if of == dataset]
    run = wanted_run or next(iter(runs), None)
    _keep(dataset, run)
    root = checkpoints()
    settled = Choice(datasets, tuple(RunFolder(root / name) for name in runs), dataset, run, owner)
    st.session_state[_CHOICE] = settled
    return settled


def choice() -> Choice:
    """What :func:`choose` settled for this view."""
    return st.session_state[_CHOICE]


def open_view(page: str, dataset: str | None = None, run: str | None = None) -> None:
    """Go to a page, with another dataset or run where one is named (a run brings its dataset). Does not return."""
    if dataset or run:
        st.session_state[_ASKED] = (dataset, run)
    else:
        dataset, run = st.session_state.get(DATASET), st.session_state.get(RUN)
    params = {key: value for key, value in ((DATASET, dataset), (RUN, run)) if value}
    st.switch_page(PAGES[page], query_params=params)


def dataset_changed() -> None:
    """Callback of the dataset picker: the new dataset's newest run is chosen with it."""
    st.session_state.pop(RUN, None)


def notes() -> list[str]:
    """Sentences about what the URL named and could not be had; each is told once."""
    return st.session_state.pop(_NOTES, [])


def _note(text: str) -> None:
    st.session_state.setdefault(_NOTES, []).append(text)


def _known(root: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Dataset files by name (also those that lie elsewhere and were trained on), and each run's dataset."""
    datasets = {path.stem: path.resolve() for path in list_datasets(root)}
    names = {path: name for name, path in datasets.items()}
    owner: dict[str, str] = {}
    for run in list_runs(root):
        try:
            path = Path(run.job()["dataset"])
        except (LandslideLensError, KeyError, TypeError):
            continue  # a folder that does not say what it was trained on cannot be shown
        if path not in names:
            name = path.stem if path.stem not in datasets else f"{path.stem} ({path.parent.name})"
            names[path], datasets[name] = name, path
        owner[run.name] = names[path]
    return datasets, owner


def _wanted() -> tuple[str | None, str | None]:
    """The names asked for: by a button, by the URL where it differs from what we last wrote there, or as before."""
    if asked := st.session_state.pop(_ASKED, None):
        return asked
    url = {key: st.query_params[key] for key in (DATASET, RUN) if key in st.query_params}
    if url and url != st.session_state.get(_SEEN_URL):
        return url.get(DATASET), url.get(RUN)
    return st.session_state.get(DATASET), st.session_state.get(RUN)


def _keep(dataset: str | None, run: str | None) -> None:
    url = {key: value for key, value in ((DATASET, dataset), (RUN, run)) if value}
    for key, value in ((DATASET, dataset), (RUN, run)):
        st.session_state[key] = value
        if value and st.query_params.get(key) != value:
            st.query_params[key] = value
        elif not value and key in st.query_params:
            del st.query_params[key]
    st.session_state[_SEEN_URL] = url


def _shown(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "…"
