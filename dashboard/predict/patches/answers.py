"""What a run answered for new patches: how many of each answer, the share of landslides, the patches themselves."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.analyses.prediction import ANALYSIS, results_of
from core.errors import LandslideLensError
from core.io.plain_file import read_bytes
from core.jobs.analysis_folder import AnalysisFolder
from core.predict.answered.files import MAPS, TABLE, has_patches, patches_path
from core.predict.triage import ANSWERS, LANDSLIDE, LOOK, OTHER
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import cache, theme, url_state
from dashboard.patches import chosen, gallery
from dashboard.predict import asking, files
from dashboard.predict.patches import card
from dashboard.results import prevalence
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, interval, number
from dashboard.ui.guards import or_stop

MOST_ROWS = 2000  # of the table on the page
MOST_BYTES = 2**28  # of the CSV
WORDS = {LANDSLIDE: "Landslide", LOOK: "Have a person look", OTHER: "No landslide"}
A_PAGE = 12  # patches of an answer that are seen at once


class MeanMaps(gallery.Cams):
    """Attention maps that are a share of what is strong evidence in their folds already."""

    @cached_property
    def levels(self) -> dict[int, float]:
        """1 for all of them."""
        return {0: 1.0}


def answer(run: RunFolder, job: AnalysisFolder) -> None:
    """All of it for one question."""
    facts, options = or_stop(job.result), job.options()
    kept = results_of(run, options)
    safe = facts.get("triage")
    st.markdown(headline(facts), help=escape_markdown(safe["rests_on"]) if safe else None)
    if there := facts.get("prevalence"):
        st.caption(restated(there))
    if share := facts.get("share"):
        prevalence.estimated(run, share, f"predict_share_{job.path.name}", _again(run, options))
    if warnings := facts.get("warnings"):
        st.warning("  \n".join(map(escape_markdown, warnings)), icon=":material/warning:")
    table = _table(kept, facts)
    if table is not None and has_patches(kept):
        _pictures(run, kept, table, facts)
    _all(run, table, facts, bool(has_patches(kept)))


def headline(facts: Mapping[str, Any]) -> str:
    """How many patches got which answer, in Markdown."""
    total, answers = count(facts["n"]), facts.get("answers")
    if answers is None or not facts.get("triage"):
        return (
            f"**{count(facts['n_positive'])} of {total} patches are called landslides**, at the threshold "
            f"{number(facts['threshold'])}."
        )
    called, look, other = (count(answers.get(name, 0)) for name in (LANDSLIDE, LOOK, OTHER))
    target = facts["triage"]["target"]
    most = f"{100 * target['limit']:g}% of the landslides"
    if target["kind"] != "miss_rate":
        most = f"{target['limit']:g} landslides per 1,000 patches"
    if not facts.get("share", {}).get("fits", True):
        return (
            f"**Of {total} patches, {look} would need a person's look and {other} would be cleared, but that at most "
            f"{most} are missed is not promised here:** these patches do not look like the run's own."
        )
    accepted = f"{called} are landslides, " if called != "0" else ""
    return (
        f"**Of {total} patches, {accepted}{look} need a person's look and {other} can be cleared.** At most {most} are "
        f"missed that way ({100 * (1 - target['delta']):.0f}% confidence)."
    )


def restated(there: Mapping[str, Any]) -> str:
    """What the decisions are worth where landslides are as frequent as stated, in Markdown."""
    expected = there["expected"]
    ends = expected.get("intervals", {})
    alarms = f"{expected['alarms_per_1000']:.0f} alarms"
    return (
        f"Decided for {1000 * there['share']:.3g} landslides per 1,000 patches: expected precision "
        f"{number(expected['precision'])} ({interval(ends.get('precision'))}), {alarms} "
        f"per 1,000 ({interval(ends.get('alarms_per_1000'), 0)}), {number(expected['missed_per_1000'], 1)} missed, out "
        "of fold."
    )


def _again(run: RunFolder, options: Mapping[str, Any]) -> Any:
    """Predicts the same patches for a share, where their source is still there."""
    if options.get("uploaded") or not Path(options["source"]).exists():
        return None

    def begin(share: float) -> None:
        asking.ask(run, ANALYSIS.name, dict(options) | {"prevalence": share})

    return begin


def _table(kept: ResultFolder, facts: Mapping[str, Any]) -> pd.DataFrame | None:
    """The table of answers; of predictions made on the command line, their CSV; None where it is gone."""
    if has_patches(kept):
        return or_stop(kept.table, TABLE)
    path = Path(facts["out"])
    return _csv(str(path), cache.file_version(path)) if path.is_file() else None


@st.cache_data(max_entries=4, show_spinner=False)
def _csv(path: str, version: cache.Version) -> pd.DataFrame:
    from pyarrow import csv

    return csv.read_csv(io.BytesIO(read_bytes(Path(path), MOST_BYTES))).to_pandas()


# ----------------------------------------------------------------------------------------------------- pictures


def _pictures(run: RunFolder, kept: ResultFolder, table: pd.DataFrame, facts: Mapping[str, Any]) -> None:
    try:
        data = cache.dataset(patches_path(kept))
        cams = attention(run, kept)
    except (LandslideLensError, OSError) as error:
        st.caption(f"The kept patches cannot be shown ({escape_markdown(error)}).")
        return
    rows = table.drop_duplicates("id").set_index("id", drop=False).loc[data.ids.astype(str)].reset_index(drop=True)
    totals, here = table["answer"].value_counts(), [name for name in ANSWERS if (rows["answer"] == name).any()]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        name = url_state.choose(
            st.segmented_control, "Answer", here, key="patches_answer", default=here[0], required=True,
            format_func=lambda one: f"{WORDS[one]} · {count(totals[one])}", label_visibility="collapsed",
        )  # fmt: skip
        look = gallery.look_controls(data, "patches", cams, named=False)
    mine = rows[rows["answer"] == name]
    card.show_opened(run, data, cams, table, facts)
    drawn = st.container()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        more = len(mine) > A_PAGE and url_state.toggle(f"Show {len(mine)} patches", False, key="patches_every")
        shown = mine if more else mine.head(A_PAGE)
        of = "all" if len(shown) == totals[name] else f"the first {len(shown):,} of {count(totals[name])}"
        st.caption(
            f"Highest probability first, {of}. p: calibrated, mean of the folds ± their standard deviation; like: the "
            "nearest training patch.",
            width="content",
        )
    with drawn:
        gallery.gallery(data, shown, look, "patches_gallery", cams, _caption, (chosen.compare,), everything=rows)


def _caption(row: pd.Series) -> str:
    near = f"\nlike {escape_markdown(gallery.short(str(row['nearest_1'])))}" if row.get("nearest_1") else ""
    return f"p {row['prob']:.2f} ± {row['spread']:.2f}{near}"


def attention(run: RunFolder, kept: ResultFolder) -> gallery.Cams:
    """The kept patches' attention maps; none where there are none."""
    if not kept.has(f"{MAPS}.safetensors"):
        return gallery.cams_of(None)
    return MeanMaps(kept.table(MAPS), kept.arrays(MAPS)["maps"], run.cams()[2])


# ------------------------------------------------------------------------------------------------------- the table


def _all(run: RunFolder, table: pd.DataFrame | None, facts: Mapping[str, Any], folded: bool) -> None:
    path = Path(facts["out"])
    if table is None:
        st.caption("Its table is not there any more. Predict the patches again.")
        return
    with st.expander("All patches as a table", icon=":material/table:") if folded else st.container():
        downloads.table(table.head(MOST_ROWS), hide_index=True, width="stretch", height=360)
        if len(table) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS:,} of {len(table):,}; the CSV holds all.")
        st.caption(
            "prob: calibrated, mean of the folds by "
            f"{escape_markdown(theme.head_title(facts['head']))}; spread: standard deviation of the folds; nearest: "
            "training patches in the embedding of fold 1's network; known: whether the run knows the patch from its "
            "training."
        )
    files.file_button(
        "Submission (CSV)" if _is_submission(path) else "All patches (CSV)", path, f"{run.name}_{path.name}"
    )
    if rejected := facts.get("rejected"):
        with st.expander(f"Set aside ({len(rejected):,})"):
            downloads.table(pd.DataFrame(rejected), hide_index=True, width="stretch")


def _is_submission(path: Path) -> bool:
    return path.is_file() and len(read_bytes(path, MOST_BYTES)[:200].split(b"\n")[0].split(b",")) == 2
