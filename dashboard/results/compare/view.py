"""This run beside another one, or beside another of its heads: what differs, what it changes, and on which patches."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.store import Dataset
from core.ensembles.folder import PLACE
from core.errors import LandslideLensError
from core.evaluate.comparison.many import with_holm
from core.evaluate.comparison.significance import Comparison
from core.runs import compare
from core.runs.labels import short_title, titles_of
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.charts import intervals
from dashboard.results.compare import confusions, learning, patches, ranking, several
from dashboard.results.compare.door import HOW, OTHER, OTHER_HEAD
from dashboard.results.compare.several import METRICS, in_words, recipes_in_words
from dashboard.results.compare.sides import Side, answers, folder, pair
from dashboard.results.ensembles import kept
from dashboard.results.ensembles.view import ensemble_view
from dashboard.ui import downloads, guards, narrow
from dashboard.ui.formatting import difference, escape_markdown, interval, number, small
from dashboard.ui.messages import show_error

ITSELF = ""  # this run, with another of its heads
WAYS = {"one": "With one", "several": "With several", "ensemble": "Ensemble"}
NOTHING = "Nothing to compare with: this run has one head, and the dataset has no other finished runs."


def compare_view(run: RunFolder, summary: dict, head: str, data: Dataset | None) -> None:
    """The view. ``head`` of ``run`` is compared."""
    others, sides, metric = finished_runs(run), None, "f1"
    ensembles = {
        f"{PLACE}/{one.name}": f"Ensemble: {one.card()['title']}"
        for one in kept.of_dataset(run.checkpoints, summary["dataset_name"], tell=False)
    }
    alone = len(summary["heads"]) < 2 and not others and not ensembles
    said = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        how = url_state.choose(
            st.segmented_control, "Compare", list(WAYS), key=HOW, default="one", required=True, format_func=WAYS.get,
            label_visibility="collapsed",
        )  # fmt: skip
        if how == "one" and not alone:
            sides = _sides(run, summary, head, others, ensembles)
            metric = url_state.choose(
                st.selectbox, "Metric", list(METRICS), key="compare_metric", default="f1", format_func=METRICS.get,
                width=130,
            )  # fmt: skip
        if st.button(
            "Experiments", icon=":material/experiment:", type="tertiary", key="compare_experiments",
            help="Sets of runs on this dataset: ablations, backbones, how much to unfreeze, any grid.",
        ):  # fmt: skip
            state.open_view("train", view="experiments")
    if how == "ensemble":
        ensemble_view(run, summary)
    elif alone:
        st.info(NOTHING)
    elif how == "several":
        several.several_view(run, summary, head, data)
    elif sides is not None:
        _two(*sides, metric, data, said)


def finished_runs(run: RunFolder) -> dict[str, str]:
    """The other finished runs on this dataset: name -> title."""
    named = titles_of(state.choice().runs)
    return {
        other.name: named[other.name]
        for other in state.choice().runs
        if other.name != run.name and guards.run_state(other)["state"] == "succeeded"
    }


def _sides(
    run: RunFolder, summary: dict, head: str, others: dict[str, str], ensembles: dict[str, str]
) -> tuple[Side, Side] | None:
    """This and what it is compared with; None, with a message, where that cannot be read."""
    own_heads = [name for name in summary["heads"] if name != head]
    options = [*others, *([ITSELF] if own_heads else []), *ensembles]
    name = url_state.choose(
        st.selectbox, "Compare with", options, key=OTHER, default=options[0], width=360,
        format_func=lambda one: (others | ensembles).get(one, "This run, another head"),
    )  # fmt: skip
    if name == ITSELF:
        simple = [one for one in own_heads if theme.sees_no_network(one)]
        usual = max(simple or own_heads, key=lambda one: summary["heads"][one].get("auc") or 0.0)  # hardest to beat
        other, heads = run, own_heads
    else:
        other = folder(run.path.parent / name)
        try:
            theirs = other.summary()
        except LandslideLensError as error:
            show_error(error, ":material/link_off:")
            return None
        heads = list(theirs["heads"])
        usual = head if head in heads else theirs["head"]
    named = kept.titles(other) if name in ensembles else {}
    other_head = url_state.choose(
        st.selectbox, "Its head", heads, key=OTHER_HEAD, default=usual, width=220,
        format_func=lambda one: named.get(one) or theme.head_title(one),
    )  # fmt: skip
    if name == ITSELF:
        return Side(run, head, theme.head_title(head)), Side(run, other_head, theme.head_title(other_head))
    if name in ensembles:
        first, second = theme.head_title(head), f"{named[other_head]} ({ensembles[name]})"
        return Side(run, head, first), Side(other, other_head, second)
    titles = _titles(run, other)
    if head != other_head:
        titles = [f"{title} ({theme.head_title(one)})" for title, one in zip(titles, (head, other_head), strict=True)]
    return Side(run, head, titles[0]), Side(other, other_head, titles[1])


def _titles(run: RunFolder, other: RunFolder) -> list[str]:
    """What the two runs are called: short, unless that is the same for both."""
    short = [short_title(run), short_title(other)]
    return short if short[0] != short[1] else list(titles_of([run, other]).values())


def _two(this: Side, other: Side, metric: str, data: Dataset | None, said: DeltaGenerator) -> None:
    """Everything about two sides; the result in a sentence goes to ``said``."""
    try:
        found = pair(this, other)
    except LandslideLensError as error:
        show_error(error, ":material/link_off:")
        if (
            other.is_run
            and _labels_differ(this, other)
            and st.button("Judge both by the same labels", icon=":material/compare_arrows:", key="compare_same_labels")
        ):
            patches.open_against(this, other)
        if other.is_run:
            _settings(this, other)
        return
    short, words = verdict(this, other, found, metric)
    said.markdown(f"**{short}**")
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        rows = [(METRICS[name], one.difference, one.lo, one.hi) for name, one in _differences(found).items()]
        downloads.show(intervals.differences(rows, "Difference, with 95% interval"), key="compare_differences")
    with grid.cell():
        same = this.run.name == other.run.name or not other.is_run
        names = (this.title, other.title) if same else ("This run", "The other run")
        table = metric_table(found, *names)
        downloads.table(table, hide_index=True, width="stretch", height="content")
        st.caption(
            f"n = {found.n:,} patches that neither had seen in training; they decide {found.n_disagree:,} of them "
            "differently."
        )
    others = other.is_run and this.run.name != other.run.name
    if others:
        _settings(this, other)
    first, second = answers(this), answers(other)
    classes = tuple(this.run.summary()["class_names"])
    confusions.confusions_view(list(zip(names, (first, second), strict=True)), classes, "compare")
    patches.patches_view(first, second, this, other, data)
    ranking.ranking_view(this, other, first, second)
    if others:
        learning.curves_view(this, other)
    _how(words, found, this, metric)


def _labels_differ(this: Side, other: Side) -> bool:
    try:
        return this.run.config().data.labels != other.run.config().data.labels
    except LandslideLensError:
        return False


def verdict(this: Side, other: Side, found: Comparison, metric: str) -> tuple[str, str]:
    """What the comparison says in one sentence, and the method behind it, both in Markdown."""
    one, title = found.differences[metric], METRICS[metric]
    first, second = escape_markdown(this.title), escape_markdown(other.title)
    row = with_holm({this.title: found}, metric)[0]
    if this.run.name == other.run.name or not other.is_run:
        words, settled = in_words(row, found, other.title, metric), bool(row["settled"])
    else:
        words, settled = recipes_in_words(this, other, metric)
    if not math.isfinite(one.difference):
        return f"The difference in {title} is undefined here.", words
    if found.n_disagree == 0 and abs(one.difference) < 1e-12:
        return f"Both make the same decision on all {found.n:,} patches.", words
    size = f"{title} {number(one.a)} against {number(one.b)}"
    if settled:
        better = "better" if one.difference > 0 else "worse"
        return f"{first} is {better} than {second}: {size}.", words
    if one.settled and this.run.name != other.run.name and other.is_run:
        higher = "higher" if one.difference > 0 else "lower"
        return f"{first} scores {higher} than {second} here ({size}), but retraining may change that.", words
    return f"No significant difference between {first} and {second}: {size}.", words


def _differences(found: Comparison) -> dict:
    return {name: found.differences[name] for name in METRICS if name in found.differences}


def metric_table(found: Comparison, this: str, other: str) -> pd.DataFrame:
    """One row per metric: the difference with its interval, and the value of either side by its title."""
    rows = [
        {
            "Metric": METRICS[name], "Difference": difference(one.difference),
            "95% interval": interval((one.lo, one.hi)), this: number(one.a), other: number(one.b),
        }
        for name, one in _differences(found).items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _settings(this: Side, other: Side) -> None:
    st.header("Settings that differ", anchor=False)
    try:
        rows = compare.settings(this.run, other.run)
    except (LandslideLensError, OSError, KeyError, TypeError) as error:
        st.warning(f"The settings cannot be read: {escape_markdown(error)}", icon=":material/broken_image:")
        return
    if not rows:
        st.caption("None: both runs have the same settings and data.")
        return
    table = pd.DataFrame(rows, columns=["Setting", *_titles(this.run, other.run)])
    for column in table.columns[1:]:
        table[column] = [_value(value) for value in table[column]]
    downloads.table(table, hide_index=True, width="stretch", height="content")


def _value(value: object) -> str:
    if value is None or value == "":
        return narrow.NOTHING
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)[:200]


def _how(words: str, found: Comparison, this: Side, metric: str) -> None:
    test, detectable = found.mcnemar, found.minimum_detectable[metric]
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(words)
        st.markdown(
            f"Out of fold, the same patches for both, effective number of groups {number(found.n_groups, 0)}. Paired "
            "bootstrap over whole groups, 2,000 resamples. Intervals do not include variation from retraining. "
            f"Detectable at 80% power: a difference in {METRICS[metric]} of {number(detectable)}. Only one of the two "
            f"is right on {test.only_a:,} and {test.only_b:,} patches (McNemar, mid-p {small(test.p_mid)}; it treats "
            "patches as independent)."
        )
        rows = pd.DataFrame([vars(one) for one in _differences(found).values()])
        downloads.download(rows, f"{this.run.name}_compared", "Differences (CSV)")
