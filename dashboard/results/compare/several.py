"""Whether a difference is real: heads and runs against a reference on the same patches, with Holm's correction.

The tests are those of ``core.evaluate.comparison.significance``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.comparison.many import patches_needed, with_holm
from core.evaluate.comparison.repeats import RepeatedDifference
from core.evaluate.comparison.significance import Comparison
from core.runs import compare
from core.runs.labels import titles_of
from core.runs.repeats import repeats_of
from core.runs.store import RunFolder
from dashboard import cache, state, theme, url_state
from dashboard.charts import intervals
from dashboard.results.compare import confusions, learning, several_patches
from dashboard.results.compare.door import SEVERAL
from dashboard.results.compare.sides import Side, answers, pair
from dashboard.results.trainings import heads as over_trainings
from dashboard.results.trainings.known import trainings_of
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import count, difference, escape_markdown, interval, number, small
from dashboard.ui.messages import show_error

METRICS = {"f1": "F1", "auc": "AUC", "recall": "Recall", "precision": "Precision", "accuracy": "Accuracy"}
MOST = 12  # comparisons at once: each resamples 2000 times
MOST_NEEDED = 10_000_000  # patches: a larger number helps nobody
SEPARATOR = " · "


def several_view(run: RunFolder, summary: dict, head: str, data: Dataset | None) -> None:
    """The view. The reference is ``head`` of ``run``."""
    options = _candidates(run, summary, head)
    if not options:
        st.info("Nothing to compare with: this run has one head, and the dataset has no other finished runs.")
        return
    usual = [key for key in options if key[0] == run.name][:3] or list(options)[:1]
    reference = theme.head_title(head)
    chosen = url_state.choose_several(
        st.multiselect, f"Compare with {escape_markdown(reference)} of this run", list(options),
        key=SEVERAL, default=usual, format_func=options.get, max_selections=MOST,
    )  # fmt: skip
    metric = url_state.choose(
        st.segmented_control, "Metric", list(METRICS), key="significance_metric", default="f1", required=True,
        format_func=METRICS.get,
    )  # fmt: skip
    this = Side(run, head, f"{reference} of this run")
    sides = {options[key]: Side(cache.run(run.path.parent / key[0]), key[1], options[key]) for key in chosen}
    comparisons, trainings = {}, trainings_of(run)
    for name, side in sides.items():
        try:
            comparisons[name] = pair(side, this)
        except LandslideLensError as error:
            show_error(f"{name}: {error}", ":material/link_off:")
    if not comparisons:
        st.caption("Choose what to compare.")
        return
    rows, settled = with_holm(comparisons, metric), []
    for row in rows:
        side = sides[row["name"]]
        words, sure = in_words(row, comparisons[row["name"]], reference, metric), bool(row["settled"])
        if side.run.name != run.name:
            words, sure = recipes_in_words(side, this, metric)
        elif len(trainings) > 1 and metric in over_trainings.METRICS:
            words, sure = over_trainings.in_words(trainings, side.head, head, metric)
        st.markdown(f"- {words}")
        settled.append(sure)
    _drawn(rows, settled, comparisons, metric, run)
    compared = [this, *(sides[name] for name in comparisons)]
    classes = tuple(summary["class_names"])
    confusions.confusions_view([(side.title, answers(side)) for side in compared], classes, "several")
    several_patches.patches_view(compared, data)
    learning.several_view(compared)


def recipes_in_words(first: Side, second: Side, metric: str) -> tuple[str, bool]:
    """One run's recipe against another's, by all their finished trainings, in Markdown; whether it is settled."""
    known, settled = state.choice().runs, False
    try:
        trainings = [repeats_of(side.run, known) for side in (first, second)]
        if second.run.name in {one.name for one in trainings[0]} and first.head == second.head:
            words = f"{first.title} is a training of the same recipe with another seed: what differs is chance."
        else:
            paths = tuple(tuple(str(one.path) for one in runs) for runs in trainings)
            versions = cache.file_versions(*(Path(path) / "oof.parquet" for runs in paths for path in runs))
            found = _recipes(*paths, first.head, second.head, metric, versions)
            words, settled = found.sentence(first.title, second.title, METRICS[metric]), found.settled
    except LandslideLensError as error:
        words = f"{first.title}: {error}"
    return escape_markdown(words.replace(" -0", " −0").replace("(-0", "(−0")), settled


@st.cache_data(max_entries=64, show_spinner="Comparing trainings on the same patches…")
def _recipes(
    a: tuple[str, ...], b: tuple[str, ...], head_a: str, head_b: str, metric: str, versions: tuple[cache.Version, ...]
) -> RepeatedDifference:
    first, second = ([cache.run(path) for path in side] for side in (a, b))
    return compare.recipes(first, second, head_a, head_b, metric)


def _candidates(run: RunFolder, summary: dict, head: str) -> dict[tuple[str, str], str]:
    """(run, head) -> its title: other heads of this run, then heads of other finished runs on the dataset."""
    titles = {(run.name, name): theme.head_title(name) for name in summary["heads"] if name != head}
    named = titles_of(state.choice().runs)
    for other in state.choice().runs:
        if other.name == run.name or guards.run_state(other)["state"] != "succeeded":
            continue
        try:
            theirs = other.summary()
        except LandslideLensError:
            continue
        order = sorted(theirs["heads"], key=lambda name: name != theirs["head"])
        for name in order:
            titles[other.name, name] = f"{named[other.name]}{SEPARATOR}{theme.head_title(name)}"
    return titles


def in_words(row: dict, comparison: Comparison, reference: str, metric: str) -> str:
    """One comparison in a sentence of Markdown: what it says, and no more."""
    name, other, title = escape_markdown(row["name"]), escape_markdown(reference), METRICS[metric]
    if row["p"] != row["p"]:
        return f"**{name}**: the difference in {title} is undefined here."
    if comparison.n_disagree == 0:
        return f"**{name}** and {other} make the same decision on all {comparison.n:,} patches."
    p = small(row["p_holm"])
    size = f"{title} {difference(row['difference'])} (95% interval {interval((row['lo'], row['hi']))})"
    if row["settled"]:
        better = "better" if row["difference"] > 0 else "worse"
        return (
            f"**{name} is significantly {better}** than {other} on this training's embeddings: {size}, p {p} "
            "after Holm's correction. Another training may differ."
        )
    if row["p"] < 0.05:
        return (
            f"**{name} and {other}: not significant after correction.** {size}. Alone it would be "
            f"(p {small(row['p'])}), but with this many comparisons it may be chance (p {p} with Holm's correction)."
        )
    needed = patches_needed(row["difference"], comparison.differences[metric].se, comparison.n)
    more = f" Confirming this one needs about {needed:,.0f}." if needed < MOST_NEEDED else ""
    return (
        f"**{name} and {other}: no significant difference.** {size}; p {p}. With {comparison.n:,} patches, "
        f"differences above {number(row['minimum_detectable'])} are detectable (80% power).{more}"
    )


def table_of(rows: list[dict], comparisons: dict[str, Comparison]) -> pd.DataFrame:
    """One row per comparison, with McNemar's counts."""
    lines = []
    for row in rows:
        test = comparisons[row["name"]].mcnemar
        lines.append(
            {
                "Compared": row["name"], "Value": row["a"], "Reference": row["b"],
                "Difference": row["difference"], "From": row["lo"], "To": row["hi"], "p": row["p"],
                "p, Holm": row["p_holm"], "Different decisions": row["n_disagree"], "Only it is right": test.only_a,
                "Only the reference is right": test.only_b, "McNemar p": row["mcnemar_p"],
                "Detectable difference": row["minimum_detectable"], "n": row["n"],
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of :func:`table_of` that are read most, as text."""
    return pd.DataFrame(
        {
            "Compared": table["Compared"], "Value": table["Value"].map(number),
            "Reference": table["Reference"].map(number), "Difference": table["Difference"].map(difference),
            "95% interval": [interval(ends) for ends in zip(table["From"], table["To"], strict=True)],
            "p": table["p"].map(small), "p, Holm": table["p, Holm"].map(small),
            "Different decisions": table["Different decisions"].map(count),
            "Fixed": table["Only it is right"].map(count),
            "Broken": table["Only the reference is right"].map(count), "n": table["n"].map(count),
        }
    )  # fmt: skip


def _drawn(
    rows: list[dict], settled: list[bool], comparisons: dict[str, Comparison], metric: str, run: RunFolder
) -> None:
    named = [(row["name"], row["difference"], row["lo"], row["hi"]) for row in rows]
    downloads.show(
        intervals.differences(named, f"{METRICS[metric]} minus the reference, with 95% interval", settled),
        key="significance_figure",
    )
    table = table_of(rows, comparisons)
    downloads.table(shown(table), hide_index=True, width="stretch", height="content")
    first = comparisons[rows[0]["name"]]
    st.caption(
        f"Out of fold, the same patches for both, n = {first.n:,}, effective number of groups "
        f"{number(first.n_groups, 0)}. Paired bootstrap over whole groups, 2,000 resamples; Holm's correction over the "
        "comparisons shown; coloured: significant with it, as the text above says; grey: not. McNemar "
        "(mid-p) treats patches as independent. Detectable difference: at 80% power. The "
        "intervals of the figure do not include variation from retraining."
    )
    downloads.download(table, f"{run.name}_differences", "Comparisons (CSV)")
