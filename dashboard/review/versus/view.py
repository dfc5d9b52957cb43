"""The view: one sentence, the two by two table, and the patches of the cell that is chosen in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.label_versions import version_names
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review.versus import CELLS, FILE, REASONS, Versus, usual_labels
from core.runs.store import RunFolder
from dashboard import theme, url_state
from dashboard.charts.base import METRIC_TITLES
from dashboard.patches import outcomes
from dashboard.results.compare.view import finished_runs
from dashboard.review import judging, sets
from dashboard.review.versus import asked as ways
from dashboard.review.versus import figure, pictures
from dashboard.review.versus.asked import CELL, CELL_WORDS, ITSELF, LABELS, OTHER, OTHER_HEAD, OWN, RELABELLED, Asked
from dashboard.ui import downloads
from dashboard.ui.formatting import count, difference, escape_markdown, interval, number
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.messages import show_error

ORDER = ("fixed", "broken", "both wrong", "both right")  # of the choice


def versus_view(run: RunFolder, data: Dataset) -> None:
    """Draw it."""
    summary = or_stop(run.summary)
    heads = outcomes.heads_of(or_stop(run.oof))
    head = chosen_head(heads, summary)
    said = st.container(gap="xsmall")
    asked = _choices(run, data, head, [name for name in heads if name != head])
    if asked is None:
        return
    try:
        found, (a, b) = ways.found(run, asked), ways.titles(run, asked)
    except (LandslideLensError, OSError) as error:
        show_error(error, ":material/link_off:")
        return
    with said:
        st.markdown(sentence(found, asked, a, b))
        st.caption(basis(found, asked, data.positive))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        usual = next((cell for cell in ORDER if found.counts[cell]), ORDER[0])
        url_state.read_query_param(CELL, ORDER, usual)
        _square(found, a, b, st.session_state[CELL] or usual)
        below = st.container(horizontal=True, vertical_alignment="center")
    with right:
        cell = url_state.choose(
            st.pills, "Patches of", ORDER, key=CELL, default=usual, required=True, label_visibility="collapsed",
            wrap=True, format_func=lambda one: f"{CELL_WORDS[one].partition(':')[0]} · {found.counts[one]:,}",
        )  # fmt: skip
        shown = ordered(found.table[found.table["cell"] == cell])
        with below:
            st.button(
                "Look at these patches", icon=":material/arrow_outward:", type="tertiary", key="versus_look",
                disabled=shown.empty, on_click=sets.open_set, args=(ways.VERSUS, asked.name(cell)),
                help="In the view Patches, with its filters, orders and maps.",
            )  # fmt: skip
            downloads.download(found.listed, f"{run.name}_a_against_b", "All patches (CSV)", key="versus_csv")
            judging.name_field()
        pictures.of_cell(run, ways.other_run(run, asked), data, shown, asked)
    _method(run, found, asked, a, b)


# ------------------------------------------------------------------------------------------------------ choices


def _choices(run: RunFolder, data: Dataset, head: str, own_heads: list[str]) -> Asked | None:
    """What is compared; None, with the reason, where there is nothing to compare with."""
    versions, others = version_names(data.path)[::-1], finished_runs(run)
    own = run.config().data.labels
    relabels = [name for name in [*versions, *([FILE] if own else [])] if name != own]
    words = others | ({ITSELF: "This run, another head"} if own_heads else {})
    words |= {RELABELLED: "The same answers, judged by other labels"} if relabels else {}
    if not words:
        st.info(
            "Nothing to compare with: this run has one head, the dataset no other finished run, and its labels no "
            "version. Train another run, or judge patches and make a version of the labels.",
            icon=":material/compare_arrows:",
        )
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        other = _choose(
            "B: compare with", list(words), OTHER, next(iter(words)), width=360, format_func=words.get,
            on_change=_forget_head,
        )  # fmt: skip
        if other == RELABELLED:
            labels = _labels("Judged by", relabels, relabels[0])
            return Asked(head, other, head, labels)
        return _head_and_labels(run, head, other, own_heads, versions)


def _head_and_labels(run: RunFolder, head: str, other: str, own_heads: list[str], versions: list[str]) -> Asked | None:
    if other == ITSELF:
        facts = run.summary()["heads"]
        simple = [one for one in own_heads if theme.sees_no_network(one)]
        usual = max(simple or own_heads, key=lambda one: facts[one].get("auc") or 0.0)  # hardest to beat
        heads, labels = own_heads, OWN
    else:
        that = ways.other_run(run, Asked(head, other))
        try:
            heads, theirs = list(outcomes.heads_of(that.oof())), that.summary()["head"]
            labels = usual_labels(run, that) or OWN
        except LandslideLensError as error:
            show_error(error, ":material/link_off:")
            return None
        usual = next((name for name in (head, theirs) if name in heads), heads[0])
    other_head = _choose("Its head", heads, OTHER_HEAD, usual, width=220, format_func=theme.head_title)
    if versions or labels != OWN:
        labels = _labels("Both judged by", [*([OWN] if labels == OWN else []), *versions, FILE], labels)
    return Asked(head, other, other_head, labels)


def _labels(words: str, options: list[str], usual: str) -> str:
    return _choose(
        words, options, LABELS, usual, width=210,
        format_func=lambda one: "the labels of training" if one == OWN else ways.labels_title(one),
    )  # fmt: skip


def _choose(label: str, options: list[str], key: str, usual: str, **look: Any) -> str:
    """One of the options, always named in the URL: what is usual changes with every new run, what a link shows not."""
    url_state.read_query_param(key, options, usual)
    if st.session_state[key] not in options:
        st.session_state[key] = usual
    return url_state.choose(st.selectbox, label, options, key=key, default=None, **look)


def _forget_head() -> None:
    """Callback: another B has a usual head and usual labels of its own."""
    for key in (OTHER_HEAD, LABELS):
        url_state.forget(key)
        st.query_params.pop(key, None)


# ------------------------------------------------------------------------------------------------------- in words


def sentence(found: Versus, asked: Asked, a: str, b: str) -> str:
    """How many errors were fixed and made, and the difference in F1 with its interval, in Markdown."""
    counts, size = found.counts, size_words(found)
    first, second = escape_markdown(a), escape_markdown(b)
    if asked.other == RELABELLED:
        return (
            f"Judged {first}, **{count(counts['fixed'])} errors become right** and **{count(counts['broken'])} right "
            f"answers become wrong**. {size}"
        )
    return (
        f"**A** ({first}) is right on **{count(counts['fixed'])}** patches that **B** ({second}) gets wrong, and "
        f"wrong on **{count(counts['broken'])}** that B gets right. {size}"
    )


def size_words(found: Versus) -> str:
    """F1 of A and of B, the difference and its interval, and whether that may be chance."""
    f1 = found.changes["f1"]
    if not np.isfinite(f1.difference):
        return "The difference in F1 is undefined here."
    words = interval((f1.lo, f1.hi), signed=True)
    size = f"F1 {number(f1.a)} against {number(f1.b)}, {difference(f1.difference)}" + (f" [{words}]" if words else "")
    return f"{size}{'' if f1.settled or not f1.difference else '; that may be chance'}."


def basis(found: Versus, asked: Asked, positive_class: str) -> str:
    """What it was measured on, and what was left out."""
    n, positive = len(found.table), int((found.table["label_a"] == 1).sum())
    out = ", ".join(f"{count(n)} {REASONS[name]}" for name, n in found.left_out.items())
    by = "" if asked.other == RELABELLED or asked.labels == OWN else f" · both by {ways.labels_title(asked.labels)}"
    over = "groups" if found.grouped else "patches"
    return (
        f"{count(n)} patches that neither had seen in training, {count(positive)} of them "
        f"{escape_markdown(positive_class)} ({positive / n:.0%}){by} · 95% interval over {over} · "
        + (f"left out: {out}." if out else "none left out.")
    )


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Where the two differ most first; where both are wrong, or right, what is farthest from the truth."""
    losses = [
        -np.log(
            np.clip(np.where(table[f"label_{side}"] == 1, table[f"prob_{side}"], 1 - table[f"prob_{side}"]), 1e-7, 1)
        )
        for side in ("a", "b")
    ]
    apart = np.abs(losses[0] - losses[1])
    by = np.where(table["cell"].isin(["fixed", "broken"]), apart, losses[0] + losses[1])
    by_id = table.assign(by=by).sort_values("id", kind="stable")
    return by_id.sort_values("by", ascending=False, kind="stable").drop(columns="by").reset_index(drop=True)


def _square(found: Versus, a: str, b: str, chosen: str) -> None:
    key = "versus_square"

    def pick() -> None:
        points = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
        picked = points[0].get("customdata") if points else None
        cell = picked[0] if isinstance(picked, list | tuple) else picked
        if cell in CELLS:
            st.session_state[CELL], st.session_state[pictures.PAGE] = cell, 1

    counts = found.counts
    downloads.show(
        figure.square(counts, figure.parts_of(found.table), a, b, chosen), key=key, on_select=pick,
        selection_mode="points", alt="; ".join(f"{CELL_WORDS[cell]}: {counts[cell]:,} patches" for cell in ORDER) + ".",
    )  # fmt: skip


def _method(run: RunFolder, found: Versus, asked: Asked, a: str, b: str) -> None:
    with st.expander("How this was measured"):
        if asked.other == RELABELLED:
            words = (
                "The same out-of-fold answers, judged by two sets of labels. The reviewed labels were chosen where "
                "the run doubts them, so wrong labels that it agrees with are still there and the change is on the "
                "high side."
            )
        else:
            words = (
                "Each patch was scored by the fold of either side that held it out, and decided at that fold's own "
                "threshold. Patches are matched by id, and by their pixels where the dataset was changed between runs."
            )
        if asked.other not in (ITSELF, RELABELLED):
            words += (
                " The interval is over patches; training again would change both runs a little (Results → Compare "
                "tells how much, where there are several trainings)."
            )
            if run.config().data.labels != ways.other_run(run, asked).config().data.labels:
                words += (
                    " The two learnt from different labels and are judged by the same. Labels that were reviewed where "
                    "one of the runs had doubted them speak for that run a little."
                )
        st.markdown(words)
        rows = [
            {
                "Metric": METRIC_TITLES.get(one.metric, one.metric), "A": number(one.a), "B": number(one.b),
                "Difference": difference(one.difference), "95% interval": interval((one.lo, one.hi), signed=True),
            }
            for one in found.changes.values()
        ]  # fmt: skip
        downloads.table(pd.DataFrame(rows), hide_index=True, width="stretch", height="content")
        st.caption(
            f"A: {escape_markdown(a)}. B: {escape_markdown(b)}. Paired bootstrap over "
            f"{'whole groups' if found.grouped else 'patches'}."
        )
