"""What kind of patches are missed or raise false alarms: counts by what is known of them, with pictures and links."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.bands import composites
from core.data.store import Dataset
from core.evaluate.results import HeadResults
from core.evaluate.slices import slice_names
from core.runs.store import RunFolder
from core.wording.slices import fact_title, kind_title, slice_order, slice_title
from dashboard import state, theme, url_state
from dashboard.charts import counts, scores
from dashboard.patches import card, derived_bands, gallery, outcomes
from dashboard.results.predictions import Predictions
from dashboard.results.slices import facts_of
from dashboard.review.table import columns_of
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

BY, SLICE = "errors_by", "errors_slice"
ALL, UNKNOWN, OTHER_GROUND = "", "not known", "no landslide"
MOST = 12  # slices that are drawn: those with most errors
SHOWN = 3  # pictures of each kind
KINDS = {"FN": "missed", "FP": "false alarms"}
FIRST = ("scar_share", "source", "season", "cloud", "brightness", "group", "fold")  # what to sort by at first


def errors_view(predictions: Predictions, data: Dataset | None, run: RunFolder | None) -> None:
    """The view; pictures need the dataset, links a run."""
    options = kinds_of(predictions, data)
    usual = next((name for name in FIRST if name in options), next(iter(options), None))
    table = predictions.table.assign(confidence=outcomes.confidence(predictions.probs, predictions.table["threshold"]))
    said = st.container()
    if usual is None:
        said.markdown(f"**{_totals(table)}**")
    else:
        bar = st.container(horizontal=True, vertical_alignment="bottom")
        with bar:
            by = url_state.choose(
                st.selectbox, "By", list(options), key=BY, default=usual, format_func=fact_title, width=260
            )
        table = table.assign(kind=options[by])
        found = error_counts(table)
        with bar:
            names = found["kind"].tolist()
            which = url_state.choose(
                st.selectbox, "Pictures of", [ALL, *names], key=SLICE, default=ALL, width=240,
                format_func=lambda name: kind_title(by, name) if name else "All kinds",
            )  # fmt: skip
        said.markdown(f"**{sentence(table, found, by)}**")
        grid = st.grid(2, min_column_width=380, gap="medium")
        with grid.cell():
            drawn = found.head(MOST).assign(kind=lambda t: [kind_title(by, name) for name in t["kind"]])
            downloads.show(counts.errors_by_kind(drawn, fact_title(by)), key="errors_by_kind")
            more = f" The {MOST} kinds with most errors of {len(found)}." if len(found) > MOST else ""
            st.caption(
                f"Numbers: of the landslides (left) and of the other patches (right) of each kind. n = {len(table):,} "
                f"patches that the model had not seen.{more}"
            )
        with grid.cell():
            part = table if which == ALL else table[table["kind"] == which]
            _pictures(part, predictions, data, run, by, which)
    _decisions(predictions, predictions.results())
    if data is not None:
        card.show_opened(data, run, table["id"][table["outcome"].isin(KINDS)].astype(str).tolist())


def kinds_of(predictions: Predictions, data: Dataset | None) -> dict[str, np.ndarray]:
    """What patches can be told apart by -> (N,) the kind of each."""
    facts = predictions.slicing_facts(facts_of(predictions, data)[0])
    named = {name: slice_names(values) for name, values in facts.items()}
    return {
        name: np.array([kind or _without(name, label) for kind, label in zip(kinds, predictions.labels, strict=True)])
        for name, kinds in named.items()
        if len(set(kinds.tolist()) - {""}) > 1
    }


def _without(name: str, label: int) -> str:
    """The kind of a patch of which a fact is not known: other ground has no scar."""
    return OTHER_GROUND if name == "scar_share" and label == 0 else UNKNOWN


def error_counts(table: pd.DataFrame) -> pd.DataFrame:
    """One row per kind, most errors first: kind, fn, fp, n_positive, n_negative. table: kind, label, outcome."""
    rows = [
        {
            "kind": kind, "fn": int((part["outcome"] == "FN").sum()), "fp": int((part["outcome"] == "FP").sum()),
            "n_positive": int((part["label"] == 1).sum()), "n_negative": int((part["label"] == 0).sum()),
        }
        for kind, part in table.groupby("kind", sort=False)
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=["kind", "fn", "fp", "n_positive", "n_negative"])
    total = found["fn"] + found["fp"]
    order = sorted(range(len(found)), key=lambda i: (-total.iat[i], *slice_order(found["kind"].iat[i])))
    return found.iloc[order].reset_index(drop=True)


def sentence(table: pd.DataFrame, found: pd.DataFrame, by: str) -> str:
    """The totals, and the kind whose landslides are missed most often, in Markdown."""
    words = _totals(table)
    rates = found[(found["kind"] != UNKNOWN) & (found["n_positive"] >= 10) & (found["fn"] > 0)]
    if rates.empty:
        return words
    worst = rates.loc[(rates["fn"] / rates["n_positive"]).idxmax()]
    name = escape_markdown(slice_title(by, worst["kind"]))
    return f"{words} Missed most often: {name} ({worst['fn']:,} of {worst['n_positive']:,})."


def _totals(table: pd.DataFrame) -> str:
    found = outcomes.counts(table)
    return f"{found['FN']:,} landslides missed, {found['FP']:,} false alarms."


# ------------------------------------------------------------------------------------------------------- pictures


def _pictures(
    part: pd.DataFrame, predictions: Predictions, data: Dataset | None, run: RunFolder | None, by: str, which: str
) -> None:
    look = None
    if data is not None:
        look = gallery.Look(composites(derived_bands.drawable(data.bands))[0])
    for outcome in KINDS:
        rows = part[part["outcome"] == outcome].sort_values("confidence", ascending=False, kind="stable")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{theme.OUTCOME_WORDS[outcome]} · {len(rows):,}**", width="content")
            if run is not None and data is not None and len(rows):
                filters = link_filters(by, which, data)
                words = "Open these in Review" if filters is not None else f"Open all {KINDS[outcome]}"
                if st.button(words, icon=":material/arrow_outward:", type="tertiary", key=f"kind_open_{outcome}"):
                    open_in_errors(predictions.head, {state.ERRORS_OUTCOME: outcome} | (filters or {}))
        if rows.empty:
            st.caption("None.")
        elif look is not None:
            shown = rows.head(SHOWN)
            gallery.gallery(data, shown, look, f"kind_{outcome}", caption=gallery.score_caption)
        else:
            st.caption(", ".join(escape_markdown(name) for name in rows["id"].head(12)))


def link_filters(by: str, which: str, data: Dataset) -> dict[str, str] | None:
    """What the Review page filters by to show one kind; None where it has no such filter."""
    if which == ALL:
        return {}
    if by == "fold":
        return {"errors_folds": str(int(which) - 1)}
    column = {"source": next((name for name in _sources(data)), "")}.get(by, by)
    values = columns_of(data).get(column)
    if values is None or which not in set(values.tolist()):
        return None
    return {"errors_column": column, "errors_value": which}


def _sources(data: Dataset) -> list[str]:
    from core.data.tabular.patch_metadata import SOURCE_NAMES

    return [name for name in SOURCE_NAMES if name in data.columns]


def open_in_errors(head: str, filters: dict[str, str]) -> None:
    """Go to the patches of the Review page that a head decided and these filters choose. Does not return."""
    url_state.forget(state.HEAD, *state.ERRORS_FILTERS)
    state.open_view("review", filters={state.HEAD: head} | filters)


# ------------------------------------------------------------------------------------------------------ decisions


def _decisions(predictions: Predictions, results: HeadResults) -> None:
    st.header("All decisions", anchor=False)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        _matrix(predictions, results)
    with grid.cell():
        figure = scores.probability_histogram(
            predictions.probs, predictions.labels, predictions.class_names, sorted(set(predictions.table["threshold"]))
        )
        downloads.show(figure, key="curves_histogram")
        st.caption(f"Patches by probability, one colour per class. {_scaling(predictions.head)}")
    st.caption(predictions.basis)
    decided = predictions.table.rename(columns={"prob": "probability", "pred": "called"})
    downloads.download(decided, f"{predictions.name}_decisions", "All decisions (CSV)")


def _matrix(predictions: Predictions, results: HeadResults) -> None:
    cells = results.values["confusion"]
    event = downloads.show(
        scores.confusion_matrix(cells, predictions.class_names), key="results_confusion",
        on_select="rerun" if predictions.head else "ignore", selection_mode="points",
    )  # fmt: skip
    st.caption(f"Positive class: {escape_markdown(predictions.positive)}. Shares are of the true class (row).")
    if not predictions.head:
        return
    picked = [point.get("customdata") for point in (event or {}).get("selection", {}).get("points", [])]
    if picked and picked[0]:
        outcome = picked[0][0] if isinstance(picked[0], list | tuple) else picked[0]
        if outcome in theme.OUTCOME:
            st.session_state.pop("results_confusion", None)
            state.open_errors(predictions.head, outcome)
    with st.container(horizontal=True):
        for outcome in ("TP", "FN", "FP", "TN"):
            count = cells[outcome.lower()]
            if st.button(
                f"{theme.OUTCOME_WORDS[outcome]}: {count:,}", key=f"matrix_{outcome}", icon=":material/photo_library:",
                disabled=not count, help="Show these patches.",
            ):  # fmt: skip
                state.open_errors(predictions.head, outcome)


def _scaling(head: str) -> str:
    if not head:
        return "Lines: each fold's threshold for the best F1, learnt on the other folds."
    if head == "fc":
        return "Probabilities are the network's softmax."
    if head == "blend":
        return "Log-odds are the mean of those of the network and of the Platt-scaled statistics SVM."
    return "Probabilities are Platt-scaled scores; each fold's scaling is learnt on the other folds."
