"""Where the run is weak: a metric on parts of the patches, and which part is the weakest beyond luck."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.comparison.significance import ALPHA
from core.evaluate.metrics import COUNT_METRICS
from core.evaluate.slices import FEWEST, SliceReport
from core.text import counted
from core.wording import slices
from core.wording.slices import PERCENT, fact_title, kind_title, slice_order, slice_title
from dashboard import cache, theme, url_state
from dashboard.results import charts
from dashboard.results.metrics import TITLES
from dashboard.results.predictions import Predictions
from dashboard.results.trainings import slices as again
from dashboard.results.trainings.known import ONCE
from dashboard.ui import downloads
from dashboard.ui.formatting import MARKDOWN, escape_markdown

__all__ = ["details", "facts_of", "kind_title", "sentence", "slice_order", "slice_title", "slices_view"]
READ_UNASKED = 3000  # patches whose images are read without being asked for
EVERYTHING = ""


def slices_view(predictions: Predictions, data: Dataset | None, others: Sequence[Predictions] | None = None) -> None:
    """The view; without a dataset only groups and folds are known.

    others: the same patches by other trainings of the recipe; None where trainings are not known at all.
    """
    said = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = url_state.choose(
            st.selectbox, "Metric", COUNT_METRICS, key="metrics_slice_metric", default=COUNT_METRICS[0],
            format_func=TITLES.get, width=220,
        )  # fmt: skip
        facts, version = facts_of(predictions, data)
        report = predictions.slices(facts, metric, version)
        spread = again.over_trainings(predictions, others or (), facts, metric, version)
        names = list(dict.fromkeys(report.table["by"]))
        by = EVERYTHING
        if len(names) > 1:
            by = url_state.choose(
                st.selectbox, "By", [EVERYTHING, *names], key="slices_by", default=EVERYTHING, width=260,
                format_func=lambda name: fact_title(name) if name else "Everything known",
            )  # fmt: skip
    if report.table.empty:
        st.info(
            "Nothing to slice by: the patches have no columns, groups, cloud cover, scar size or dates, or every slice "
            "has too few patches.", icon=":material/info:",
        )  # fmt: skip
    else:
        said.markdown(f"**{sentence(report, metric)}**")
        worst = report.worst
        row = None if worst is None else again.of_slice(spread, worst["by"], worst["slice"])
        if words := again.sentence(row, worst is not None and worst["p_holm"] < ALPHA):
            said.markdown(words)
        _drawn(report, metric, by, spread)
    st.caption(predictions.basis)
    with st.expander("How this was measured", icon=":material/info:"):
        if report.worst is not None:
            st.markdown(details(report, metric))
        st.markdown(
            f"Drawn: slices with at least {FEWEST} patches to measure the metric by. Whether the weakest one differs "
            "from the rest is tested with Holm's correction over all slices. Numbers are split into quartiles."
        )
        if others is not None:
            st.markdown(
                "Over trainings the mean difference is compared with its spread between them (Student's t), without a "
                "correction: the slice was chosen in the first of them."
                if others
                else ONCE
            )
        if len(report.too_small):
            st.markdown(f"{counted(len(report.too_small), 'slice has', 'slices have')} too few patches:")
            names = {"by": "By", "slice": "Slice", "n": "Patches", "n_positive": "Positive", "reason": "Reason"}
            few = report.too_small.assign(by=report.too_small["by"].map(fact_title)).rename(columns=names)
            downloads.table(few, hide_index=True, width="stretch", height="content")
        shown = again.joined(report.table.assign(by=report.table["by"].astype(str)), spread)
        downloads.download(shown, f"{predictions.name}_slices", "Slices (CSV)")


def sentence(report: SliceReport, metric: str) -> str:
    """The weakest slice and whether it is weaker than the rest beyond luck, in Markdown."""
    return slices.sentence(report, metric, MARKDOWN)


def details(report: SliceReport, metric: str) -> str:
    """Numbers behind :func:`sentence`, in Markdown."""
    return slices.details(report, metric, MARKDOWN)


def facts_of(predictions: Predictions, data: Dataset | None) -> tuple[pd.DataFrame, cache.Version | None]:
    """What is known of each patch by its id, and the version of the dataset file that says so."""
    facts = pd.DataFrame({"id": predictions.table["id"].astype(str)})
    if data is None:
        return (facts if predictions.groups is None else facts.assign(group=predictions.groups)), None
    try:
        found = cache.patch_metadata(data, facts["id"].tolist(), _images_too(len(facts)))
    except LandslideLensError as error:
        st.warning(f"The metadata of the patches cannot be read: {escape_markdown(error)}", icon=":material/warning:")
        return facts, None
    shares = {name: 100 * pd.to_numeric(found[name], errors="coerce") for name in PERCENT if name in found}
    return found.assign(id=found["id"].astype(str), **shares), cache.dataset_version(data.path)


def _images_too(n: int) -> bool:
    """Whether every patch is read for its brightness and scar size: with many patches that takes a while."""
    return n <= READ_UNASKED or url_state.toggle(
        "Also by brightness and scar size", key="metrics_images", help=f"Reads all {n:,} patches once."
    )


def _drawn(report: SliceReport, metric: str, by: str, spread: pd.DataFrame | None) -> None:
    worst = report.worst
    table = report.table if by == EVERYTHING else report.table[report.table["by"] == by]
    order = sorted(range(len(table)), key=lambda i: (table["by"].iat[i], *slice_order(table["slice"].iat[i])))
    ordered = table.iloc[order]
    rows = pd.DataFrame(
        {
            "name": [
                f"{fact_title(of)}: {kind_title(of, name)}"
                for of, name in zip(ordered["by"], ordered["slice"], strict=True)
            ],
            "value": ordered["value"], "lo": ordered["lo"], "hi": ordered["hi"], "n": ordered["n"],
            "colour": [_colour(row, worst) for row in ordered.to_dict("records")],
            "again": [again.ends(spread, of, name) for of, name in zip(ordered["by"], ordered["slice"], strict=True)],
        }
    )  # fmt: skip
    downloads.show(
        charts.dots(rows, f"{TITLES[metric]} (dotted: all patches)", report.overall),
        key="metrics_slices",
    )
    words = "Bars: 95% intervals." + " Magenta: the weakest slice." * (worst is not None)
    if spread is not None and len(spread):
        words += f" Ticks: lowest and highest of {spread['n_trainings'].iat[0]} trainings."
    st.caption(words)


def _colour(row: dict, worst: dict | None) -> str:
    is_worst = worst is not None and (row["by"], row["slice"]) == (worst["by"], worst["slice"])
    return theme.OUTCOME["FN"] if is_worst else charts.ACCENT
