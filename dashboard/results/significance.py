"""Is the difference real: heads and runs against a reference on the same patches, Holm's correction over all shown.

Comes in: a finished run, its head, the other runs of the dataset. The tests are ``core.evaluate.comparison.significance``'s.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.errors import LandslideLensError
from core.evaluate.comparison.many import patches_needed, with_holm
from core.evaluate.comparison.significance import Comparison
from core.runs import compare
from core.runs.store import RunFolder
from dashboard import cache, state, theme
from dashboard.charts import intervals
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown, number
from dashboard.ui.sidebar import run_title

METRICS = {"f1": "F1", "auc": "AUC", "recall": "Recall", "precision": "Precision", "accuracy": "Accuracy"}
MOST = 12  # comparisons at once: each resamples 2000 times
MOST_WORTH_SAYING = 10_000_000  # patches: above it, saying how many would be needed helps nobody
SEPARATOR = " · "


def difference_view(run: RunFolder, summary: dict, head: str) -> None:
    """The view. The reference is ``head`` of ``run``."""
    options = _candidates(run, summary, head)
    if not options:
        st.info("There is nothing to compare with: this run has one head, and the dataset no other finished run.")
        return
    usual = [key for key in options if key[0] == run.name][:3] or list(options)[:1]
    reference = theme.head_title(head)
    chosen = st.multiselect(
        f"Against {escape_markdown(reference)} of this run", list(options), default=usual, format_func=options.get,
        key=f"difference_chosen_{head}", max_selections=MOST,
    )  # fmt: skip
    metric = st.segmented_control(
        "Compared by", list(METRICS), default="f1", required=True, format_func=METRICS.get, key="difference_metric"
    )
    found, failed = {}, []
    for name, other in chosen:
        try:
            found[options[name, other]] = pair(run.path.parent, (name, other), (run.name, head), run)
        except LandslideLensError as error:
            failed.append(f"{options[name, other]}: {error}")
    for words in failed:
        st.warning(escape_markdown(words), icon=":material/link_off:")
    if not found:
        st.caption("Choose what to compare.")
        return
    rows = with_holm(found, metric)
    for row in rows:
        st.markdown(f"- {verdict(row, found[row['name']], reference, metric)}")
    _drawn(rows, found, metric, run)


def pair(root, a: tuple[str, str], b: tuple[str, str], run: RunFolder) -> Comparison:
    """One (run, head) against another; kept until one of the tables changes."""
    first, second = (cache.run(root / name) for name, _ in (a, b))
    looks = tuple(cache.file_version(one.path / "oof.parquet") for one in (first, second))
    return _pair(str(first.path), a[1], str(second.path), b[1], looks)


@st.cache_data(max_entries=64, show_spinner="Comparing on the same patches…")
def _pair(a: str, head_a: str, b: str, head_b: str, looks: tuple) -> Comparison:

    return compare.pair(cache.run(a), cache.run(b), head_a, head_b)


def _candidates(run: RunFolder, summary: dict, head: str) -> dict[tuple[str, str], str]:
    """(run, head) -> its words: other heads of this run, then heads of other finished runs on the dataset."""
    found = {(run.name, name): theme.head_title(name) for name in summary["heads"] if name != head}
    for other in state.choice().runs:
        if other.name == run.name or guards.run_state(other)["state"] != "succeeded":
            continue
        try:
            theirs = other.summary()
        except LandslideLensError:
            continue
        order = sorted(theirs["heads"], key=lambda name: name != theirs["head"])
        for name in order:
            found[other.name, name] = f"{run_title(other.name)} [{other.name[-4:]}]{SEPARATOR}{theme.head_title(name)}"
    return found


def verdict(row: dict, found: Comparison, reference: str, metric: str) -> str:
    """One comparison in a sentence of Markdown: what it says, and no more."""
    name, other, title = escape_markdown(row["name"]), escape_markdown(reference), METRICS[metric]
    if row["p"] != row["p"]:
        return f"**{name}**: the difference in {title} is undefined here."
    if found.n_disagree == 0:
        return f"**{name}** and {other} decide all {found.n:,} patches alike."
    size = f"{title} {row['difference']:+.4f} (95 % interval {row['lo']:+.4f} to {row['hi']:+.4f})".replace("-", "−")
    if row["settled"]:
        better = "better" if row["difference"] > 0 else "worse"
        return f"**{name} is {better}** than {other}: {size}; this holds with all comparisons shown (p {_p(row)})."
    if row["p"] < 0.05:
        return (
            f"**{name} against {other}: not settled.** {size} would count alone, but of so many comparisons luck may "
            f"show one like it (p {row['p']:.3f}, with Holm's correction {_p(row)})."
        )
    needed = patches_needed(row["difference"], found.differences[metric].se, found.n)
    more = f" One as small as this would take about {needed:,.0f}." if needed < MOST_WORTH_SAYING else ""
    return (
        f"**{name} against {other}: it cannot be told from chance.** {size}; p {_p(row)}. These {found.n:,} patches "
        f"would show a true difference of {row['minimum_detectable']:.3f} four times in five.{more}"
    )


def _p(row: dict) -> str:
    return "below 0.001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}"


def table_of(rows: list[dict], found: dict[str, Comparison]) -> pd.DataFrame:
    """A row a comparison, with McNemar's counts."""
    lines = []
    for row in rows:
        test = found[row["name"]].mcnemar
        lines.append(
            {
                "Against the reference": row["name"], "Its value": row["a"], "Reference": row["b"],
                "Difference": row["difference"], "From": row["lo"], "To": row["hi"], "p": row["p"],
                "p, Holm": row["p_holm"], "Decided differently": row["n_disagree"], "Only it is right": test.only_a,
                "Only the reference": test.only_b, "McNemar p": row["mcnemar_p"],
                "Least detectable": row["minimum_detectable"], "n": row["n"],
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def _drawn(rows: list[dict], found: dict[str, Comparison], metric: str, run: RunFolder) -> None:
    named = [(row["name"], row["difference"], row["lo"], row["hi"]) for row in rows]
    downloads.show(
        intervals.differences(named, f"{METRICS[metric]} minus the reference's, with 95 % interval"),
        key="difference_figure",
    )
    table = table_of(rows, found)
    st.dataframe(table.round(4), hide_index=True, width="stretch", height="content")
    one = found[rows[0]["name"]]
    st.caption(
        f"Out of fold, the same patches for both, n = {one.n:,} worth {number(one.n_groups, 0)} groups. Paired "
        "bootstrap over whole groups, 2000 resamples; Holm's correction over the comparisons shown; McNemar (mid-p) "
        "takes patches as independent. Least detectable: the true difference that would be seen four times in five. "
        "All of it speaks of other patches of this kind, not of training again."
    )
    downloads.download(table, f"{run.name}_differences", "Comparisons (CSV)")
