"""What was entered for an import so far, kept while its steps are gone through, and the look that was made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.datasets.importing import AUTO
from core.analyses.datasets.preview import ANALYSIS
from core.data.readers.base import ReaderOptions
from core.errors import LandslideLensError
from core.jobs import queue
from core.jobs.analysis_folder import AnalysisFolder, open_job
from dashboard import cache, state, url_state

STEP, LOOK, KIND = "import_step", "import_look", "import_kind"  # names in the URL
STEPS = {1: "1 Source", 2: "2 Preview", 3: "3 Import"}
_DRAFT = "import_draft"
GO = "import_asked_step"  # in the session: a step that the next drawing shows


@dataclass
class Draft:
    """source: a path. uploaded: whether it is a kept upload. options: of the reader, those said. look: a job.

    declined: options that were asked about and left without an answer.
    """

    source: str = ""
    uploaded: bool = False
    format: str = AUTO
    options: dict[str, Any] = field(default_factory=dict)
    declined: tuple[str, ...] = ()
    name: str = ""
    look: str = ""

    def asked(self) -> dict[str, Any]:
        """The options of an import but for its file."""
        return {"source": self.source, "uploaded": self.uploaded, "format": self.format, **self.options}


def draft() -> Draft:
    """What was entered in this session; else what the look in the URL was asked with; else nothing."""
    if _DRAFT not in st.session_state:
        st.session_state[_DRAFT] = _of_link() or Draft()
    kept = st.session_state[_DRAFT]
    if kept.look != st.query_params.get(LOOK, ""):
        if kept.look:
            st.query_params[LOOK] = kept.look
        else:
            st.query_params.pop(LOOK, None)
    return kept


def forget() -> None:
    """Begin anew."""
    for key in (_DRAFT, "import_source", "import_name"):
        st.session_state.pop(key, None)
    url_state.forget("import_from", KIND)
    st.query_params.pop(LOOK, None)


def go_to(step: int) -> None:
    """Draw this step. Does not return."""
    st.session_state[GO] = step
    st.rerun()


def asked_step() -> int | None:
    """The step that a button asked for, told once."""
    return st.session_state.pop(GO, None)


def look_of(kept: Draft) -> AnalysisFolder | None:
    """The job of the look; None where there is none, or no longer."""
    return _job(kept.look) if kept.look else None


def begin_look(kept: Draft) -> None:
    """Queue a look at the source and show it; does not return. Raises LandslideLensError where it cannot be queued."""
    target = cache.checkpoints_target(state.checkpoints())
    kept.look = queue.submit_analysis(target, ANALYSIS.name, {**kept.asked(), "declined": kept.declined}).path.name
    go_to(2)


def _job(name: str) -> AnalysisFolder | None:
    try:
        job = open_job(state.checkpoints(), f"datasets/{name}")
        return job if job.analysis() == ANALYSIS.name else None
    except LandslideLensError:
        return None


def _of_link() -> Draft | None:
    name = st.query_params.get(LOOK, "")
    job = _job(name) if name else None
    if job is None:
        return None
    asked, fields = job.options(), ReaderOptions.model_fields
    options = {key: value for key, value in asked.items() if key in fields and value != fields[key].default}
    if not Path(asked["source"]).exists():
        return None
    st.session_state.setdefault(KIND, asked["format"])
    return Draft(asked["source"], asked["uploaded"], asked["format"], options, tuple(asked["declined"]), look=name)
