"""The door: ``streamlit run dashboard/app.py``. Frames every page with navigation and sidebar, and nothing else."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Streamlit puts only this folder on sys.path. Workers and the reloader find `core` through PYTHONPATH.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
_PYTHONPATH = os.environ.get("PYTHONPATH", "").split(os.pathsep)
if str(ROOT) not in _PYTHONPATH:
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, _PYTHONPATH)])

import streamlit as st  # noqa: E402

from core.errors import LandslideLensError  # noqa: E402
from dashboard import sign_in, stakeholder, state  # noqa: E402
from dashboard.overview import guided_path  # noqa: E402
from dashboard.ui import sidebar  # noqa: E402
from dashboard.ui.messages import show_error  # noqa: E402

# Our own pictures: Streamlit would fetch a Material page icon from the network.
HERE = Path(__file__).resolve().parent
NAME = "Landslide Lens"
st.set_page_config(page_title=NAME, page_icon=str(HERE / "icon.svg"), layout="wide")
st.logo(str(HERE / "logo.svg"), size="large", icon_image=str(HERE / "icon.svg"))
stakeholder.settle()
sign_in.begin()


def _page(name: str, title: str, icon: str, default: bool = False):
    return st.Page(state.PAGES[name], title=title, icon=f":material/{icon}:", default=default)


PAGES = (
    [_page("overview", "The result", "home", default=True), _page("tour", "The tour", "route")]
    if stakeholder.is_on()
    else [
        _page("overview", "Overview", "home", default=True),
        _page("tour", "Tour", "route"),
        _page("runs", "Runs", "table_view"),
        _page("dataset", "Dataset", "dataset"),
        _page("balance", "Balance", "balance"),
        _page("train", "Train", "model_training"),
        _page("results", "Results", "query_stats"),
        _page("review", "Review", "fact_check"),
        _page("embedding", "Embedding", "scatter_plot"),
        _page("explain", "Explain", "visibility"),
        _page("predict", "Predict", "travel_explore"),
        _page("report", "Report", "description"),
        st.Page(ROOT / "pages" / "errors.py", title="Review", visibility="hidden"),
    ]
)
page = st.navigation(PAGES, expanded=True, position="top" if stakeholder.is_on() else "sidebar")
try:
    if stakeholder.is_on():
        sidebar.without_controls()
    else:
        sidebar.sidebar()
    st.set_page_config(page_title=" · ".join(filter(None, [page.title, state.choice().dataset, NAME])))
    if not stakeholder.is_on():
        sign_in.banner()
        guided_path.way_on(page.url_path)
    page.run()
except LandslideLensError as error:  # of a damaged or strange file that the page reads without a place for its error
    show_error(error, ":material/broken_image:")
