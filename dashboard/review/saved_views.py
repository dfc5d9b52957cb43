"""Views of the patches that somebody has kept under a name: the choices of the filter bar, beside the run."""

from __future__ import annotations

import shutil
from typing import Any

import streamlit as st

from core import access
from core.errors import LandslideLensError
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import allowed, state, url_state
from dashboard.review import judging
from dashboard.ui.formatting import escape_markdown

NAME, MOST_NAME = "review_save_as", 60
FILE = "report.json"
_PREFIXES = ("errors_", "review_")
_LEFT_OUT = ("errors_page", "review_view")
_LINK = "link_"  # before the names of choices in the session, see ``dashboard.url_state``


def saved(run: RunFolder) -> dict[str, dict[str, Any]]:
    """The views by what they are kept as: name, by, made, query (name in the URL -> its values)."""
    folder, found = _folder(run), {}
    for part in folder.parts(FILE):
        try:
            view = folder.part(part).json(FILE)
            query = {str(key): [str(value) for value in values] for key, values in view["query"].items()}
            found[part] = {"name": str(view["name"]), "by": str(view["by"]), "made": str(view["made"]), "query": query}
        except (LandslideLensError, KeyError, TypeError, AttributeError):
            continue  # damaged: the others are still of use
    return found


def keep(run: RunFolder, name: str, by: str, query: dict[str, list[str]]) -> None:
    """Keep what is seen under a name; one of the same name is written over."""
    access.require("review")
    _folder(run).part(name).write_json(FILE, {"name": name, "by": by, "made": now(), "query": query})


def remove(run: RunFolder, part: str) -> None:
    """Take a view off the list."""
    access.require("review")
    shutil.rmtree(_folder(run).part(part).path, ignore_errors=True)


def seen_now() -> dict[str, list[str]]:
    """The choices of this page that the URL holds."""
    names = [name for name in st.query_params if name.startswith(_PREFIXES) or name == state.HEAD]
    return {name: st.query_params.get_all(name) for name in names if name not in _LEFT_OUT}


def _folder(run: RunFolder) -> ResultFolder:
    return run.results("saved_views")


def menu(run: RunFolder) -> None:
    """The views there are, and a name for the one that is seen."""
    with st.popover("Views", icon=":material/bookmark:", key="review_views"):
        views = saved(run)
        for part, view in views.items():
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.button(
                    escape_markdown(view["name"]), key=f"review_open_{part}", type="tertiary", on_click=_open,
                    args=(view["query"],), help=f"Kept by {escape_markdown(view['by'] or 'nobody named')}.",
                )  # fmt: skip
                st.button(
                    "Remove", icon=":material/delete:", key=f"review_remove_{part}", type="tertiary", on_click=remove,
                    args=(run, part), **allowed.to("review"),
                )  # fmt: skip
        if not views:
            st.caption("No view is kept yet.")
        st.text_input("Keep this view as", key=NAME, max_chars=MOST_NAME)
        st.button(
            "Keep",
            icon=":material/bookmark_add:",
            key="review_keep",
            on_click=_keep,
            args=(run,),
            **allowed.to("review"),
        )
        st.caption("“Copy link” in the sidebar gives the link to what is seen.")


def _keep(run: RunFolder) -> None:
    name = " ".join(str(st.session_state.get(NAME) or "").split())
    if not name:
        st.toast("Give the view a name first.", icon=":material/error:")
        return
    try:
        keep(run, name, judging.reviewer(), seen_now())
    except (LandslideLensError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:")
        return
    st.session_state[NAME] = ""
    st.toast(f"Kept as {escape_markdown(name)}.", icon=":material/bookmark_added:")


def _open(query: dict[str, list[str]]) -> None:
    """Callback: what the view names, and everything else as at first."""
    for name in [str(key).removeprefix(_LINK) for key in st.session_state if str(key).startswith(_LINK)]:
        if name.startswith(_PREFIXES) and name != "review_view":
            url_state.forget(name)
            st.query_params.pop(name, None)
    url_state.forget(*query)
    for name, values in query.items():
        st.query_params[name] = values
