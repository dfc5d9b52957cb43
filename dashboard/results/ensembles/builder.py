"""A new ensemble: heads of this dataset's finished runs and uploaded CSVs, combined by a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.ensemble import ANALYSIS, NAME
from core.data import uploads
from core.errors import LandslideLensError
from core.runs.labels import titles_of
from core.runs.store import RunFolder
from core.runs.targets import CheckpointsTarget
from dashboard import allowed, state, theme, url_state
from dashboard.jobs import analyses, stale_uploads
from dashboard.results.ensembles import uploaded
from dashboard.ui import guards
from dashboard.ui.formatting import number
from dashboard.ui.messages import show_error

MOST_AT_FIRST = 4
METHODS = {"stack": "Learn weights (stack)", "average": "Plain average"}


def builder(target: CheckpointsTarget, run: RunFolder) -> None:
    """The choice of members, and the button."""
    options = heads_of_runs()
    members = url_state.choose_several(
        st.multiselect, "Heads of runs", list(options), key="ensemble_members", default=usual(options, run),
        format_func=options.get,
    )  # fmt: skip
    files = st.file_uploader(
        "CSVs of out-of-fold probabilities: id, probability; optional: fold, label", type="csv",
        accept_multiple_files=True, key="ensemble_files", max_upload_size=uploaded.MAX_MB,
    )  # fmt: skip
    columns = [uploaded.column(file, f"ensemble_column_{place}") for place, file in enumerate(files or ())]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = url_state.choose(
            st.segmented_control, "Method", list(METHODS), key="ensemble_method", default="stack", required=True,
            format_func=METHODS.get,
        )  # fmt: skip
        title = st.text_input("Name", key="ensemble_title", max_chars=80, placeholder="optional", width=260)
        pressed = st.button(
            "Combine", type="primary", icon=":material/merge:", key="ensemble_combine", **allowed.to("train")
        )
    if pressed:
        try:
            _begin(target, members, files or (), columns, {"method": method, "title": title})
        except (LandslideLensError, OSError) as error:
            show_error(error)


def heads_of_runs() -> dict[str, str]:
    """``RUN:HEAD`` -> title, of the chosen dataset's finished runs; one that cannot be read is left out."""
    found, named = {}, titles_of(state.choice().runs)
    for run in state.choice().runs:
        if guards.run_state(run)["state"] != "succeeded":
            continue
        try:
            heads = run.summary()["heads"]
        except LandslideLensError:
            continue
        for head, facts in heads.items():
            found[f"{run.name}:{head}"] = f"{theme.head_title(head)} · {named[run.name]} · F1 {number(facts.get('f1'))}"
    return found


def usual(options: dict[str, str], run: RunFolder) -> list[str]:
    """The headline of each run; of a single run its two best heads."""
    headlines = [f"{one.name}:{one.summary()['head']}" for one in state.choice().runs if _has(options, one)]
    if len(headlines) > 1:
        return headlines[:MOST_AT_FIRST]
    heads = run.summary()["heads"]
    best = sorted(heads, key=lambda head: heads[head].get("f1") or 0.0, reverse=True)
    return [f"{run.name}:{head}" for head in best[:2]]


def _has(options: dict[str, str], run: RunFolder) -> bool:
    return any(key.partition(":")[0] == run.name for key in options)


def _begin(
    target: CheckpointsTarget, members: Sequence[str], files: Sequence, columns: Sequence, options: dict[str, Any]
) -> None:
    if len(members) + len(files) < 2:
        raise LandslideLensError("Choose at least two members: heads of runs, or CSVs.")
    ANALYSIS.options({"members": [*members, *(f"{place}.csv" for place in range(len(files)))], **options})
    folder, asked = None, list(members)
    if files:
        stale_uploads.sweep(target.checkpoints)
        sent = [uploads.Upload(one.name, one, (".csv",)) for one in files]
        folder = uploads.keep(sent, target.checkpoints)
        paths: list[Path] = uploads.files_in(folder)
        asked += [f"{path}:{name}" if name else str(path) for path, name in zip(paths, columns, strict=True)]
    analyses.begin(target, NAME, {"members": asked, "uploaded": folder is not None, **options})
    if folder:  # it could not be queued
        uploads.forget(folder)
