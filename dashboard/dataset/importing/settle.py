"""Step 3 of an import: only the questions that are open, the dataset's name, and the import as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.datasets.importing import ANALYSIS
from core.data.readers.base import ReaderOptions
from core.errors import LandslideLensError
from core.io.safe_paths import slug
from core.jobs import queue
from core.jobs.analysis_folder import AnalysisFolder
from dashboard import allowed, cache, state
from dashboard.dataset.importing import options as readers_options
from dashboard.dataset.importing.draft import GO, Draft, begin_look, forget, go_to
from dashboard.dataset.importing.jobs import is_being_written
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop, run_state
from dashboard.ui.messages import show_error

TITLES = {
    "positive": "Which class is the landslides?",
    "labels": "Is this table about these patches?",
    "masks": "Does this folder hold the masks?",
    "group_column": "Which patches belong together?",
    "label_column": "Which column holds the labels?",
    "id_column": "Which column names the files?",
    "mask_value": "What means landslide in the masks?",
    "mask_at_least": "From which value on is a mask pixel landslide?",
    "mask_threshold": "How much of a patch must its mask cover to make it a landslide?",
    "between": "What becomes of patches with a smaller mask?",
    "bands": "What are the bands, in their order?",
    "layout": "Which axis holds the bands?",
    "keys": "Which arrays hold what?",
    "resize": "Bring all images to one size?",
    "tile": "How large are the tiles?",
}
NOTHING = {
    "labels": "do not use it", "masks": "do not use it", "group_column": "no groups", "mask_value": "everything but 0",
}  # fmt: skip


def settle(kept: Draft, job: AnalysisFolder, root: Path) -> None:
    """The open questions, the name, and the button that begins the import."""
    if run_state(job)["state"] != "succeeded":
        st.info("The import needs a finished preview.", icon=":material/hourglass_empty:")
        if st.button("Show the preview", key="import_to_look"):
            go_to(2)
        return
    facts = or_stop(job.result)
    order = list(ReaderOptions.model_fields)
    asked = sorted(facts["questions"], key=lambda one: (not one["must"], order.index(one["option"])))
    if asked:
        n = f"{len(asked)} open question{'s' if len(asked) > 1 else ''}"
        st.markdown(f"**{n}.** The preview used the answers below; change any that are wrong.")
    else:
        st.markdown("**Nothing is left open.** Give the dataset a name.")
    answers = {one["option"]: _answer(one, kept) for one in asked}
    name = _name(kept, root)
    with st.expander("More options: classes, bands, labels, masks, tiles", icon=":material/tune:"):
        more = readers_options.options(facts["format"], kept.options, answers)
    kept.options = _said(answers, more, facts["questions"])
    kept.declined = tuple(option for option, answer in answers.items() if answer is None)
    missing = [one for one in asked if one["must"] and answers[one["option"]] is None]
    taken = (root / "datasets" / f"{name}.h5").exists() or is_being_written(root, root / "datasets" / f"{name}.h5")
    if missing:
        st.caption(f"To be answered first: {TITLES.get(missing[0]['option'], missing[0]['option'])}")
    if taken:
        st.error(
            f"A dataset named {escape_markdown(name)} exists already. Choose another name.", icon=":material/error:"
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        go = st.button(
            "Import", type="primary", icon=":material/drive_folder_upload:", key="import_go",
            **allowed.to("train", bool(missing) or taken),
        )  # fmt: skip
        again = st.button(
            "Preview with these answers",
            icon=":material/visibility:",
            key="import_look_again",
            **allowed.to("train", bool(missing)),
        )
        if st.button("Back to the preview", icon=":material/arrow_back:", type="tertiary", key="import_back_to_look"):
            go_to(2)
    try:
        if go:
            _begin(kept, root, name)
        if again:
            begin_look(kept)
    except (LandslideLensError, OSError) as error:
        show_error(error)


def _answer(asked: Mapping[str, Any], kept: Draft) -> Any:
    """A question with what was found, and its answer."""
    option, field = asked["option"], ReaderOptions.model_fields[asked["option"]]
    held = kept.options.get(option, None if option in kept.declined else asked["answer"])
    with st.container(border=True):
        title = TITLES.get(option, field.title)
        st.markdown(f"**{title}**{' :orange[Needs an answer.]' if asked['must'] and held is None else ''}")
        until = "" if asked["meanwhile"] is None else f" Until it is answered, the preview takes {asked['meanwhile']}."
        st.caption(escape_markdown(f"{readers_options.without_advice(asked['text'])}{until}"))
        if not asked["choices"] or option == "mask_threshold":
            return readers_options.widget(option, field, held, asked["meanwhile"])
        return _choice(asked, held, field.title)


def _choice(asked: Mapping[str, Any], held: Any, label: str) -> str | None:
    option, counts = asked["option"], asked["counts"] or {}
    choices = [*asked["choices"]]
    if held is not None and readers_options.as_text(held) not in choices:
        choices.append(readers_options.as_text(held))
    if not asked["must"]:
        choices.append("")

    def words(choice: str) -> str:
        if not choice:
            return NOTHING.get(option, "as it is")
        return escape_markdown(choice) + (f" ({counts[choice]:,})" if choice in counts else "")

    place = (
        choices.index(readers_options.as_text(held))
        if held is not None
        else None
        if asked["must"]
        else len(choices) - 1
    )
    chosen = st.radio(
        label, choices, place, format_func=words, key=f"import_{option}", horizontal=True, label_visibility="collapsed"
    )
    return chosen or None


def _said(answers: Mapping[str, Any], more: Mapping[str, Any], asked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The options of the import; groups need a table."""
    said = {**more, **{name: value for name, value in answers.items() if value is not None}}
    if "labels" not in said and any(one["option"] == "labels" for one in asked):
        said.pop("group_column", None)
    return said


def _name(kept: Draft, root: Path) -> str:
    path = Path(kept.source).expanduser()
    stem = path.name if path.is_dir() else path.name.split(".")[0]
    suggested = slug(stem or "imported")
    place = 2
    while (root / "datasets" / f"{suggested}.h5").exists():
        suggested, place = f"{slug(stem or 'imported')}-{place}", place + 1
    kept.name = st.text_input(
        "Name of the dataset", kept.name, key="import_name", placeholder=suggested, max_chars=80
    ).strip()
    return slug(kept.name) if kept.name else suggested


def _begin(kept: Draft, root: Path, name: str) -> None:
    """Queue the import and begin anew; does not return. Raises LandslideLensError in plain words."""
    target = cache.checkpoints_target(root)
    out = root / "datasets" / f"{name}.h5"
    job = queue.submit_analysis(target, ANALYSIS.name, {**kept.asked(), "out": out})
    st.session_state[f"{state.ASKED}{ANALYSIS.name}"] = job.name
    forget()
    st.session_state[GO] = 1
    state.open_view("dataset", view="import")
