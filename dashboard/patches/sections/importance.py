"""What a patch's probability loses without each band: as the run measured it, or asked of the network at once."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analyses.bands import importance
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from dashboard import cache, theme
from dashboard.charts import base, intervals
from dashboard.jobs import model_client
from dashboard.patches import reasons
from dashboard.patches.sections.opened import Opened
from dashboard.ui import downloads
from dashboard.ui.formatting import difference, escape_markdown
from dashboard.ui.messages import show_error


def is_there(opened: Opened) -> bool:
    """Whether a network of the run has not seen the patch."""
    return opened.run is not None and opened.scores is not None


def draw(opened: Opened) -> None:
    """A bar for each band."""
    table = reasons.bands_of(opened.run, opened.patch_id)
    try:
        table = _asked_now(opened) if table.empty else table
    except LandslideLensError as error:
        show_error(error)
        return
    heads = _unique(table["head"])
    head = opened.scores["head"] if opened.scores["head"] in heads else heads[0]
    baselines = _unique(table["baseline"])
    said = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        baseline = st.selectbox(
            "Band replaced by", baselines, format_func=lambda b: BASELINES.get(b, b), key="card_occ_baseline", width=240
        )
    rows = table[(table["head"] == head) & (table["baseline"] == baseline)]
    if rows.empty:
        return
    bands = {band.name: band for band in opened.data.bands}
    bars = pd.DataFrame(
        {
            "band": rows["band"],
            "title": [bands[name].title if name in bands else name for name in rows["band"]],
            "family": [bands[name].family if name in bands else "other" for name in rows["band"]],
            "drop": rows["p0"] - rows["p_b"],
        }
    )
    with said:
        st.markdown(_words(bars, float(rows["p0"].iloc[0]), opened.scores["thresholds"].get(head)))
    title = f"Drop of the probability of {base.escape_html(opened.data.positive)}"
    downloads.show(intervals.occlusion_bars(bars, title), key="card_occlusion")
    st.caption(
        f"One patch, {theme.fold_title(rows['fold'].iloc[0])}'s network, {escape_markdown(theme.head_title(head))}: "
        f"{rows['p0'].iloc[0]:.3f} before, minus the probability with the band replaced by "
        f"{escape_markdown(BASELINES.get(baseline, baseline))}. "
        "Below 0: without the band, the patch looks more like a landslide."
    )


def _asked_now(opened: Opened) -> pd.DataFrame:
    version = cache.file_version(opened.run.fold_path(opened.scores["fold"]) / "fold.json")
    return _asked(str(opened.run.path), opened.patch_id, version)


@st.cache_data(max_entries=64, show_spinner="Asking the network of this patch's fold…")
def _asked(path: str, patch_id: str, version: cache.Version) -> pd.DataFrame:
    answer = model_client.models().ask({"do": importance.ANALYSIS.name, "run": path, "patch": patch_id})
    return pd.DataFrame(answer["bands"])


def _words(bars: pd.DataFrame, before: float, threshold: float | None) -> str:
    """The band that changes the probability most, and whether the decision with it."""
    most = bars.loc[bars["drop"].abs().idxmax()]
    after = before - float(most["drop"])
    turned = threshold is not None and (before >= threshold) != (after >= threshold)
    return (
        f"Without **{escape_markdown(most['title'])}** the probability changes most, by {difference(-most['drop'])} to "
        f"{after:.2f}" + (f", across the threshold of {threshold:.2f}: the decision changes." if turned else ".")
    )


def _unique(values: pd.Series) -> list[str]:
    return list(dict.fromkeys(values.astype(str)))
