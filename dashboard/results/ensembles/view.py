"""An ensemble beside its members: is it better than the best of them, who counts how much, and what it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.analyses.ensemble import NAME
from core.ensembles.folder import EnsembleFolder, delete
from core.runs.store import RunFolder
from dashboard import allowed, cache, theme, url_state
from dashboard.charts import intervals, scores
from dashboard.charts.base import escape_html
from dashboard.jobs import analyses
from dashboard.patches import outcomes
from dashboard.results import interpretation, tables
from dashboard.results.ensembles import answers, builder, kept
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number, percent, small
from dashboard.ui.guards import or_stop


def ensemble_view(run: RunFolder, summary: dict) -> None:
    """The view: the newest ensemble of the run's dataset, or the chosen one; below it, how to make another."""
    target = cache.checkpoints_target(run.checkpoints)
    job = analyses.newest(target, NAME)
    if job is not None and analyses.asked_here(job) and job.known_status()["state"] == "succeeded":
        url_state.forget(kept.CHOSEN)
        st.query_params[kept.CHOSEN] = job.result()["ensemble"]
        analyses.forget_asked(job)
    busy = analyses.follow(target, NAME)
    found = kept.of_dataset(run.checkpoints, summary["dataset_name"])
    if not found and busy:
        return
    if not found:
        st.markdown(
            "**No ensemble yet.** Models that err on different patches are better together. Choose at least two: heads "
            "of this dataset's runs, or CSVs of out-of-fold probabilities."
        )
        builder.builder(target, run)
        return
    ensemble = kept.chosen(found)
    show(ensemble)
    answers.answers_view(ensemble)
    if not busy:
        st.header("New ensemble", anchor=False)
        builder.builder(target, run)


def _menu(ensemble: EnsembleFolder) -> None:
    if st.button("Errors, threshold, calibration", icon=":material/query_stats:", key="ensemble_open", type="tertiary"):
        url_state.forget("results_of", kept.CHOSEN)
        st.query_params.update({"results_of": "ensemble", kept.CHOSEN: ensemble.name})
        st.rerun()
    with st.popover("Delete", icon=":material/delete:", type="tertiary"):
        st.markdown("Its members stay. Making it again takes a minute.")
        if st.button("Delete this ensemble", key="ensemble_delete", type="primary", **allowed.to("delete")):
            delete(ensemble)
            url_state.forget(kept.CHOSEN)
            st.query_params.pop(kept.CHOSEN, None)
            st.rerun()


def show(ensemble: EnsembleFolder) -> None:
    """One ensemble: the result in a sentence, both pictures, the table of its members."""
    card, summary, titles = ensemble.card(), ensemble.summary(), kept.titles(ensemble)
    method, best = card["method"], card["best_member"]
    st.markdown(f"**{verdict(card, titles)}** {interpretation.headline(summary['heads'][method], summary['positive'])}")
    oof, names = or_stop(ensemble.oof), [method, *(one["key"] for one in card["members"])]
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        curves, _, share = tables.curves(oof, summary, names)
        curves = [
            replace(one, head=escape_html(titles[one.head]), colour=theme.FOLD[place % len(theme.FOLD)])
            for place, one in enumerate(curves)
        ]
        downloads.show(scores.precision_recall(curves, (), share, summary["positive"]), key="ensemble_pr")
    with grid.cell():
        rows, settled = difference_rows(card, titles)
        title = f"F1: {titles[method].lower()} minus member"
        downloads.show(intervals.differences(rows, title, settled), key="ensemble_differences")
    downloads.table(members_table(card, summary, titles), hide_index=True, width="stretch", height="content")
    n, folds = summary["oof"]["n"], len(summary["folds"])
    st.caption(
        f"n = {n:,} patches, {percent(summary['positive_share'])} {escape_markdown(summary['positive'])}, out of fold, "
        f"{folds} folds. Weights and thresholds of a fold come from the other folds. 95% intervals, "
        f"{'groups' if summary['grouped'] else 'patches'} resampled."
    )
    if card["notes"]:
        st.warning("\n".join(f"- {escape_markdown(note)}" for note in card["notes"]), icon=":material/rule:")
    with st.container(horizontal=True):
        _menu(ensemble)
    _how(ensemble, card, titles, best)


def verdict(card: Mapping, titles: Mapping[str, str]) -> str:
    """Whether the ensemble is better than its best member, in Markdown."""
    row, best = card["differences"][card["best_member"]]["f1"], escape_markdown(titles[card["best_member"]])
    name = f"The {titles[card['method']].lower()}"
    if row["difference"] is None or not math.isfinite(row["difference"]):
        return f"The difference to its best member, {best}, is undefined here."
    size = f"F1 {number(row['a'])} against {number(row['b'])}"
    if row["settled"]:
        word = "better" if row["difference"] > 0 else "worse"
        return f"{name} is {word} than its best member, {best}: {size}."
    return f"No significant difference to its best member, {best}: {size}."


def difference_rows(card: Mapping, titles: Mapping[str, str]) -> tuple[list[tuple], list[bool]]:
    """Name, F1 difference, low, high of each member and of the other method; whether each is settled."""
    rows, settled = [], []
    for key, found in card["differences"].items():
        row = found["f1"]
        rows.append((titles[key], *(_nan(row[name]) for name in ("difference", "lo", "hi"))))
        settled.append(bool(row["settled"]))
    return rows, settled


def members_table(card: Mapping, summary: Mapping, titles: Mapping[str, str]) -> pd.DataFrame:
    """One row for each method and member: weight (and its range over folds), F1, AUC, ECE."""
    members = {one["key"]: one for one in card["members"]}
    rows = []
    for key, title in titles.items():
        head, member = summary["heads"][key], members.get(key)
        weight = ""
        if member:
            low, high = (percent(end(member["fold_shares"]), 0) for end in (min, max))
            weight = percent(member["share"], 0) + ("" if low == high else f" ({low} to {high})")
        rows.append({
            "Model": title, "Weight": weight, "F1": number(head["f1"]),
            "95% interval": interval(head["intervals"]["f1"]), "AUC": number(head["auc"]),
            "Average precision": number(head["average_precision"]),
            "ECE": number(head["ece"]),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _how(ensemble: EnsembleFolder, card: Mapping, titles: Mapping[str, str], best: str) -> None:
    row = card["differences"][best]["f1"]
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            "Each member's log-odds are first scaled (Platt). **Stack**: a weighted sum, weights of at least 0, by "
            "logistic regression. **Average**: all members count the same. Both are learnt on the other folds, and so "
            "is the threshold of the best F1. The weight is a member's part of all weights, for new patches (in "
            "brackets: lowest and highest over the folds)."
        )
        st.markdown(folds_in_words(card, titles))
        st.markdown(
            f"Best member: the one with the highest F1 here, {escape_markdown(titles[best])}. Paired bootstrap, 2,000 "
            f"resamples, both on the same patches: p {small(row['p'])}, {small(row['p_holm'])} with Holm's "
            "correction for all comparisons of the figure; grey points are not significant. Intervals do not include "
            "variation from retraining."
        )
        with st.container(horizontal=True):
            table = outcomes.judged(ensemble.oof(), card["method"])[["id", "label", "fold", "prob", "pred"]]
            downloads.download(ensemble.oof, f"{ensemble.name}_out_of_fold", "All answers (CSV)")
            downloads.download(table, f"{ensemble.name}_{card['method']}", "Answers (CSV)")
            downloads.download(members_rows(card), f"{ensemble.name}_members", "Members (CSV)")


def folds_in_words(card: Mapping, titles: Mapping[str, str]) -> str:
    """What is guaranteed where members were made on other folds, and what is not."""
    other = [escape_markdown(titles[one["key"]]) for one in card["members"] if one["same_folds"] is False]
    unknown = [escape_markdown(titles[one["key"]]) for one in card["members"] if one["same_folds"] is None]
    words = "No patch's label has taught the weights or the threshold that decide it."
    if other:
        words += (
            f" Made on other folds: {', '.join(other)}. That holds for them too, as each answer is out of fold by "
            "their own folds."
        )
    if unknown:
        words += f" Folds unknown: {', '.join(unknown)}. Whether their answers are out of fold cannot be checked."
    return words + (
        " The models behind the answers on other folds have seen this fold's labels in their training, whichever folds "
        "they used; only nested training would remove that."
    )


def members_rows(card: Mapping) -> pd.DataFrame:
    """One row per member, for a CSV."""
    rows = []
    for one in card["members"]:
        rows.append({name: one.get(name) for name in ("key", "title", "kind", "n", "weight", "share", "same_folds")})
        rows[-1] |= {f"share_fold_{fold}": share for fold, share in enumerate(one["fold_shares"], 1)}
    return pd.DataFrame(rows)


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
