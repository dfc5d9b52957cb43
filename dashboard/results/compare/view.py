"""This run beside another one, or beside another of its heads: what differs, what it changes, and on which patches."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.comparison.many import with_holm
from core.evaluate.comparison.significance import Comparison
from core.runs import compare
from core.runs.store import RunFolder
from dashboard import cache, state, theme, url_state
from dashboard.charts import intervals
from dashboard.patches import outcomes
from dashboard.results.compare import learning, patches, several
from dashboard.results.compare.door import HOW, OTHER, OTHER_HEAD
from dashboard.results.compare.several import METRICS, in_words, pair, recipes_in_words
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown, interval, number
from dashboard.ui.sidebar import run_title

ITSELF = ""  # this run, with another of its heads
WAYS = {"one": "With one", "several": "With several"}
NOTHING = "–"


@dataclass(frozen=True)
class Side:
    """One of the two: a run, its head, and what it is called in the comparison."""

    run: RunFolder
    head: str
    title: str


def compare_view(run: RunFolder, summary: dict, head: str, data: Dataset | None) -> None:
    """The view. ``head`` of ``run`` is compared."""
    others = finished_runs(run)
    if len(summary["heads"]) < 2 and not others:
        st.info("Nothing to compare with: this run has one head, and the dataset has no other finished runs.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        how = url_state.choose(
            st.segmented_control, "Compare", list(WAYS), key=HOW, default="one", required=True, format_func=WAYS.get
        )
        if how == "one":
            sides = _sides(run, summary, head, others)
            metric = url_state.choose(
                st.selectbox, "Metric", list(METRICS), key="compare_metric", default="f1", format_func=METRICS.get,
                width=130,
            )  # fmt: skip
    if how == "several":
        several.several_view(run, summary, head)
        return
    if sides is None:
        st.info("The run that is compared with has no head with results.")
        return
    _two(*sides, metric, data)


def finished_runs(run: RunFolder) -> dict[str, str]:
    """The other finished runs on this dataset: name -> title."""
    return {
        other.name: f"{run_title(other.name)} [{other.name[-4:]}]"
        for other in state.choice().runs
        if other.name != run.name and guards.run_state(other)["state"] == "succeeded"
    }


def _sides(run: RunFolder, summary: dict, head: str, others: dict[str, str]) -> tuple[Side, Side] | None:
    own_heads = [name for name in summary["heads"] if name != head]
    options = [*([ITSELF] if own_heads else []), *others]
    name = url_state.choose(
        st.selectbox, "Compare with", options, key=OTHER, default=next(iter(others), options[0]), width=270,
        format_func=lambda one: others.get(one, "This run, another head"),
    )  # fmt: skip
    if name == ITSELF:
        simple = [one for one in own_heads if theme.sees_no_network(one)]
        usual = max(simple or own_heads, key=lambda one: summary["heads"][one].get("auc") or 0.0)  # hardest to beat
        other, heads = run, own_heads
    else:
        other = cache.run(run.path.parent / name)
        try:
            theirs = other.summary()
        except LandslideLensError as error:
            st.warning(escape_markdown(error), icon=":material/link_off:")
            return None
        heads = list(theirs["heads"])
        usual = head if head in heads else theirs["head"]
    if not heads:
        return None
    other_head = url_state.choose(
        st.selectbox, "Its head", heads, key=OTHER_HEAD, default=usual, width=200, format_func=theme.head_title
    )
    if name == ITSELF:
        return Side(run, head, theme.head_title(head)), Side(run, other_head, theme.head_title(other_head))
    words = "The other run"
    if head != other_head:
        words += f" ({theme.head_title(other_head)})"
    return Side(run, head, "This run"), Side(other, other_head, words)


def _two(this: Side, other: Side, metric: str, data: Dataset | None) -> None:
    try:
        found = pair(this.run.path.parent, (this.run.name, this.head), (other.run.name, other.head))
    except LandslideLensError as error:
        st.warning(escape_markdown(error), icon=":material/link_off:")
        _settings(this, other)
        return
    short, words = verdict(this, other, found, metric)
    st.markdown(f"**{short}**")
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        rows = [(METRICS[name], one.difference, one.lo, one.hi) for name, one in _differences(found).items()]
        downloads.show(intervals.differences(rows, "Difference, with 95% interval"), key="compare_differences")
    with grid.cell():
        downloads.table(metric_table(found), hide_index=True, width="stretch", height="content")
        st.caption(
            f"This: {escape_markdown(_inside(this.title))}. Other: {escape_markdown(_inside(other.title))}. "
            f"n = {found.n:,} patches that both had not seen; they decide {found.n_disagree:,} of them differently."
        )
    if this.run.name != other.run.name:
        _settings(this, other)
        learning.curves_view(this.run, other.run)
    patches.patches_view(_answers(this), _answers(other), this, other, data)
    _how(words, found, this, metric)


def verdict(this: Side, other: Side, found: Comparison, metric: str) -> tuple[str, str]:
    """What the comparison says in one sentence, and the method behind it, both in Markdown."""
    one = found.differences[metric]
    first, second, title = escape_markdown(this.title), escape_markdown(_inside(other.title)), METRICS[metric]
    row = with_holm({this.title: found}, metric)[0]
    if this.run.name == other.run.name:
        words, settled = in_words(row, found, other.title, metric), bool(row["settled"])
    else:
        key = (other.run.name, other.head)
        words, settled = recipes_in_words(this.run, this.head, key, "The other run", metric)
    if one.difference != one.difference:
        return f"The difference in {title} is undefined here.", words
    if found.n_disagree == 0 and abs(one.difference) < 1e-12:
        return f"{first} and {second} make the same decision on all {found.n:,} patches.", words
    size = f"{title} {one.a:.3f} against {one.b:.3f}"
    if settled:
        better = "better" if one.difference > 0 else "worse"
        return f"{first} is {better} than {second}: {size}.", words
    if one.settled and this.run.name != other.run.name:
        higher = "higher" if one.difference > 0 else "lower"
        seen = f"{one.a:.3f} against {one.b:.3f}"
        return f"{title} is {higher} on these patches ({seen}); other trainings may differ.", words
    return f"No significant difference between {escape_markdown(_inside(this.title))} and {second}: {size}.", words


def _inside(title: str) -> str:
    """A side's title in the middle of a sentence."""
    return title[:1].lower() + title[1:] if title.startswith(("This ", "The ")) else title


def _differences(found: Comparison) -> dict:
    return {name: found.differences[name] for name in METRICS if name in found.differences}


def metric_table(found: Comparison) -> pd.DataFrame:
    """One row per metric: both values, the difference and its interval."""
    rows = [
        {
            "Metric": METRICS[name], "This": number(one.a), "Other": number(one.b),
            "Difference": _signed(one.difference), "95% interval": interval((one.lo, one.hi)).replace("-", "−"),
        }
        for name, one in _differences(found).items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−") if value == value else "undefined"


def _answers(side: Side) -> pd.DataFrame:
    thresholds = outcomes.thresholds_of(side.run.summary(), side.head)
    return outcomes.judged(side.run.oof(), side.head, thresholds)


def _settings(this: Side, other: Side) -> None:
    st.subheader("What differs in settings", anchor=False)
    try:
        rows = compare.settings(other.run, this.run)
    except (LandslideLensError, OSError, KeyError, TypeError) as error:
        st.warning(f"The settings cannot be read: {escape_markdown(error)}", icon=":material/broken_image:")
        return
    if not rows:
        st.caption("Nothing: both runs have the same settings and data.")
        return
    table = pd.DataFrame(rows, columns=["Setting", "The other run", "This run"])
    for column in table.columns[1:]:
        table[column] = [_value(value) for value in table[column]]
    downloads.table(table, hide_index=True, width="stretch", height="content")


def _value(value: object) -> str:
    if value is None or value == "":
        return NOTHING
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
            f"is right on {test.only_a:,} and {test.only_b:,} patches (McNemar, mid-p {test.p_mid:.3f}; it treats "
            "patches as independent)."
        )
        rows = pd.DataFrame([vars(one) for one in _differences(found).values()])
        downloads.download(rows, f"{this.run.name}_compared", "Differences (CSV)")
