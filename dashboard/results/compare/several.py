"""Whether a difference is real: heads and runs against a reference on the same patches, with Holm's correction.

The tests are those of ``core.evaluate.comparison.significance``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.comparison.many import patches_needed, with_holm
from core.evaluate.comparison.repeats import RepeatedDifference
from core.evaluate.comparison.significance import Comparison
from core.runs import compare
from core.runs.repeats import repeats_of
from core.runs.store import RunFolder
from dashboard import cache, state, theme, url_state
from dashboard.charts import intervals
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown, number
from dashboard.ui.sidebar import run_title

METRICS = {"f1": "F1", "auc": "AUC", "recall": "Recall", "precision": "Precision", "accuracy": "Accuracy"}
MOST = 12  # comparisons at once: each resamples 2000 times
MOST_NEEDED = 10_000_000  # patches: a larger number helps nobody
SEPARATOR = " · "


def several_view(run: RunFolder, summary: dict, head: str) -> None:
    """The view. The reference is ``head`` of ``run``."""
    options = _candidates(run, summary, head)
    if not options:
        st.info("Nothing to compare with: this run has one head, and the dataset has no other finished runs.")
        return
    usual = [key for key in options if key[0] == run.name][:3] or list(options)[:1]
    reference = theme.head_title(head)
    chosen = url_state.choose_several(
        st.multiselect, f"Compare with {escape_markdown(reference)} of this run", list(options),
        key="significance_chosen", default=usual, format_func=options.get, max_selections=MOST,
    )  # fmt: skip
    metric = url_state.choose(
        st.segmented_control, "Metric", list(METRICS), key="significance_metric", default="f1", required=True,
        format_func=METRICS.get,
    )  # fmt: skip
    comparisons, failed = {}, []
    for name, other in chosen:
        try:
            comparisons[options[name, other]] = pair(run.path.parent, (name, other), (run.name, head))
        except LandslideLensError as error:
            failed.append(f"{options[name, other]}: {error}")
    for words in failed:
        st.warning(escape_markdown(words), icon=":material/link_off:")
    if not comparisons:
        st.caption("Choose what to compare.")
        return
    rows = with_holm(comparisons, metric)
    of_runs = {options[key]: key for key in chosen if key[0] != run.name}
    settled = []
    for row in rows:
        words, sure = in_words(row, comparisons[row["name"]], reference, metric), bool(row["settled"])
        if key := of_runs.get(row["name"]):
            words, sure = recipes_in_words(run, head, key, row["name"], metric)
        st.markdown(f"- {words}")
        settled.append(sure)
    _drawn(rows, settled, comparisons, metric, run)


def pair(root: Path, a: tuple[str, str], b: tuple[str, str]) -> Comparison:
    """One (run, head) against another; kept until one of the tables changes."""
    first, second = (cache.run(root / name) for name, _ in (a, b))
    versions = tuple(cache.file_version(folder.path / "oof.parquet") for folder in (first, second))
    return _pair(str(first.path), a[1], str(second.path), b[1], versions)


def recipes_in_words(run: RunFolder, head: str, key: tuple[str, str], name: str, metric: str) -> tuple[str, bool]:
    """The recipe of another run against this one's, by all their finished trainings, in Markdown; whether settled."""
    other = cache.run(run.path.parent / key[0])
    known, settled = state.choice().runs, False
    try:
        sides = repeats_of(other, known), repeats_of(run, known)
        if run.name in {one.name for one in sides[0]} and key[1] == head:
            words = f"{name} is a training of the same recipe with another seed: what differs is chance."
        else:
            paths = tuple(tuple(str(one.path) for one in side) for side in sides)
            versions = tuple(cache.file_version(Path(path) / "oof.parquet") for side in paths for path in side)
            found = _recipes(*paths, key[1], head, metric, versions)
            words = found.sentence(name, f"{theme.head_title(head)} of this run", METRICS[metric])
            settled = found.settled
    except LandslideLensError as error:
        words = f"{name}: {error}"
    return escape_markdown(words).replace(" -", " −"), settled


@st.cache_data(max_entries=64, show_spinner="Comparing trainings on the same patches…")
def _recipes(
    a: tuple[str, ...], b: tuple[str, ...], head_a: str, head_b: str, metric: str, versions: tuple[cache.Version, ...]
) -> RepeatedDifference:
    first, second = ([cache.run(path) for path in side] for side in (a, b))
    return compare.recipes(first, second, head_a, head_b, metric)


@st.cache_data(max_entries=64, show_spinner="Comparing on the same patches…")
def _pair(a: str, head_a: str, b: str, head_b: str, versions: tuple[cache.Version, ...]) -> Comparison:
    return compare.pair(cache.run(a), cache.run(b), head_a, head_b)


def _candidates(run: RunFolder, summary: dict, head: str) -> dict[tuple[str, str], str]:
    """(run, head) -> its title: other heads of this run, then heads of other finished runs on the dataset."""
    titles = {(run.name, name): theme.head_title(name) for name in summary["heads"] if name != head}
    for other in state.choice().runs:
        if other.name == run.name or guards.run_state(other)["state"] != "succeeded":
            continue
        try:
            theirs = other.summary()
        except LandslideLensError:
            continue
        order = sorted(theirs["heads"], key=lambda name: name != theirs["head"])
        for name in order:
            titles[other.name, name] = f"{run_title(other.name)} [{other.name[-4:]}]{SEPARATOR}{theme.head_title(name)}"
    return titles


def in_words(row: dict, comparison: Comparison, reference: str, metric: str) -> str:
    """One comparison in a sentence of Markdown: what it says, and no more."""
    name, other, title = escape_markdown(row["name"]), escape_markdown(reference), METRICS[metric]
    if row["p"] != row["p"]:
        return f"**{name}**: the difference in {title} is undefined here."
    if comparison.n_disagree == 0:
        return f"**{name}** and {other} make the same decision on all {comparison.n:,} patches."
    size = f"{title} {row['difference']:+.4f} (95% interval {row['lo']:+.4f} to {row['hi']:+.4f})".replace("-", "−")
    if row["settled"]:
        better = "better" if row["difference"] > 0 else "worse"
        return (
            f"**{name} is significantly {better}** than {other} on this training's embeddings: {size}, p {_p(row)} "
            "after Holm's correction. Another training may differ."
        )
    if row["p"] < 0.05:
        return (
            f"**{name} and {other}: not significant after correction.** {size}. Alone it would be (p {row['p']:.3f}), "
            f"but with this many comparisons it may be chance (p {_p(row)} with Holm's correction)."
        )
    needed = patches_needed(row["difference"], comparison.differences[metric].se, comparison.n)
    more = f" Confirming this one needs about {needed:,.0f}." if needed < MOST_NEEDED else ""
    return (
        f"**{name} and {other}: no significant difference.** {size}; p {_p(row)}. With {comparison.n:,} patches, "
        f"differences above {row['minimum_detectable']:.3f} are detectable (80% power).{more}"
    )


def _p(row: dict) -> str:
    return "below 0.001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}"


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


def _drawn(
    rows: list[dict], settled: list[bool], comparisons: dict[str, Comparison], metric: str, run: RunFolder
) -> None:
    named = [(row["name"], row["difference"], row["lo"], row["hi"]) for row in rows]
    downloads.show(
        intervals.differences(named, f"{METRICS[metric]} minus the reference, with 95% interval", settled),
        key="significance_figure",
    )
    table = table_of(rows, comparisons)
    downloads.table(table.round(4), hide_index=True, width="stretch", height="content")
    first = comparisons[rows[0]["name"]]
    st.caption(
        f"Out of fold, the same patches for both, n = {first.n:,}, effective number of groups "
        f"{number(first.n_groups, 0)}. Paired bootstrap over whole groups, 2,000 resamples; Holm's correction over the "
        "comparisons shown; coloured: significant with it, as the text above says; grey: not. McNemar "
        "(mid-p) treats patches as independent. Detectable difference: at 80% power. The "
        "intervals of the figure do not include variation from retraining."
    )
    downloads.download(table, f"{run.name}_differences", "Comparisons (CSV)")
