"""What a run's numbers mean, in sentences for people who have not trained it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.runs.prevalence import Prevalence
from core.text import difference, interval, interval_percent, number, percent
from core.wording.names import head_title
from core.wording.voice import PLAIN, Voice

GAIN_WORDS = {"f1": "F1", "auc": "AUC"}


def of_a_hundred(positive: str, recall: float, precision: float | None) -> str:
    """What is found and missed of a hundred, and how many of a hundred alarms are false; precision: None without any.

    positive: the class's name, ready to be shown.
    """
    found = round(100 * recall)
    first = f"Of 100 {positive} patches it finds {found} and misses {100 - found}."
    if precision is None:
        return f"{first} It raises no alarms."
    false = round(100 * (1 - precision))
    return f"{first} Of 100 alarms, {false} {'is' if false == 1 else 'are'} false."


def how_frequent(positive: str, share: float, is_stated: bool) -> str:
    """At which prevalence, in words. positive: ready to be shown."""
    where = "as stated for where it is used" if is_stated else "as in these patches"
    return f"at {1000 * share:.3g} {positive} patches per 1,000, {where}"


def headline(facts: Mapping, positive: str, there: Mapping | None = None, voice: Voice = PLAIN) -> str:
    """The result in one line. facts: an entry of ``summary["heads"]``; there: at the stated prevalence, if any."""
    name = voice.shown(positive)
    if not _finite(facts, "recall"):
        return f"These patches include no {name}."
    first = f"Finds {percent(facts['recall'], 0)} of {name} patches."
    if not _finite(facts, "precision"):
        return f"{first} It raises no alarms."
    if there is not None and _finite(there, "precision"):
        return (
            f"{first} At {1000 * there['share']:.3g} per 1,000 patches, {percent(1 - there['precision'], 0)} of its "
            "alarms are false."
        )
    false = percent(1 - facts["precision"], 0)
    return f"{first} {false[0].upper()}{false[1:]} of its alarms are false."


def counts_in_words(facts: Mapping, positive: str, voice: Voice = PLAIN) -> str:
    """The counts behind :func:`headline`, with their intervals, in sentences."""
    cells, bounds, name = facts["confusion"], facts.get("intervals", {}), voice.shown(positive)
    n_positive, called, n = cells["tp"] + cells["fn"], cells["tp"] + cells["fp"], sum(cells.values())
    if not n:
        return "There are no patches to evaluate."
    detected = f"Detects {cells['tp']:,} of {n_positive:,} {name} patches{_in_brackets(bounds.get('recall'))}"
    alarms = f"It raises {called:,} alarms on {n:,} patches ({called / n:.1%})"
    if called:
        right = f"{cells['tp']:,} are correct{_in_brackets(bounds.get('precision'))}"
        alarms = f"{alarms}: {right}, {cells['fp']:,} are false"
    return f"{detected} and misses {cells['fn']:,}. {alarms}."


def _in_brackets(bounds: object) -> str:
    words = interval_percent(bounds)
    return f" (95% interval {words})" if words else ""


def basis(summary: Mapping, head: str, spread: Mapping | None = None, voice: Voice = PLAIN) -> str:
    """Which set, head, threshold and interval stand behind the numbers.

    spread: of the recipe's trainings, as ``core.runs.repeats.spread`` has it; None or one training: not known.
    """
    facts, folds = summary["heads"][head], summary["folds"]
    cells = facts["confusion"]
    n_positive = cells["tp"] + cells["fn"]
    thresholds = [f["heads"][head]["threshold"] for f in folds if head in f.get("heads", {})]
    known = [t for t in thresholds if t is not None]
    between = interval((min(known), max(known)), 2) if known else ""
    rule = f"The threshold is fixed ({between})" if between else "The threshold is fixed"
    if len(folds) == 1:
        rule = "Threshold 0.5: with one split there are no other folds to learn one from"
    elif summary.get("threshold_rule") == "best_f1":
        rule = "Thresholds are cross-fitted: each fold's is learnt on the other folds" + f" ({between})" * bool(between)
    grouped = "whole groups resampled" if summary.get("grouped") else "patches resampled"
    how = f"{len(folds)}-fold cross-validation" if len(folds) > 1 else "the validation part of one split"
    return (
        f"Measured on {facts['n']:,} patches ({n_positive:,} {voice.shown(summary['positive'])}) that the model "
        f"had not seen ({how}). Head: {voice.shown(head_title(head))}. {rule}. "
        f"Ranges: 95% confidence intervals (bootstrap, {grouped}); they do not include variation from retraining."
        + between_trainings(spread)
    )


def between_trainings(spread: Mapping | None) -> str:
    """What trainings of one recipe spread, after a space; empty where that is not known."""
    if not spread or spread["n"] < 2 or not math.isfinite(spread["f1"]["sd"]):
        return ""
    f1, auc = spread["f1"], spread["auc"]
    return (
        f" Over {spread['n']} trainings of this recipe F1 is {number(f1['mean'])} with standard deviation "
        f"{number(f1['sd'])}, AUC {number(auc['mean'])} with {number(auc['sd'])}."
    )


def against_baseline(summary: Mapping, voice: Voice = PLAIN) -> tuple[str, str]:
    """Whether the headline head beats every model on band statistics, by F1 and by AUC: an answer, and why.

    For each metric the baseline counts that leaves least to gain. Where the head is a blend of network and statistics,
    the blend without a network is among them: the same with another statistics model in the network's place.
    """
    rows = {metric: least_gain(summary, metric) for metric in GAIN_WORDS}
    rows = {metric: found for metric, found in rows.items() if found}
    if not rows:
        return "Unknown", "This run has no interval for the difference from the band-statistics baselines."
    head = voice.shown(head_title(summary["head"]))
    parts = [
        f"{GAIN_WORDS[metric]} {_signed(row)} (against {voice.shown(head_title(name))})"
        for metric, (name, row) in rows.items()
    ]
    short, words = _answer([row for _, row in rows.values()])
    text = f"{head} against the strongest model without a network: {'; '.join(parts)}. {words}"
    if "stats_blend" not in summary.get("differences", {}):
        text += " This run was made before every run had the blend without a network, the strongest such model."
    return short, text


def verdict(summary: Mapping) -> str:
    """What the differences from the strongest baselines say, in a sentence; empty where none is known."""
    found = [least_gain(summary, metric) for metric in GAIN_WORDS]
    rows = [row for _, row in filter(None, found)]
    return _answer(rows)[1] if rows else ""


def least_gain(summary: Mapping, metric: str) -> tuple[str, Mapping] | None:
    """The baseline that leaves the head least to gain by a metric, with the difference; None where none is known."""
    against = {name: entry.get(metric) for name, entry in summary.get("differences", {}).items()}
    known = {name: row for name, row in against.items() if row and _finite(row, "difference", "lo", "hi")}
    if not known:
        return None
    name = min(known, key=lambda one: known[one]["difference"])
    return name, known[name]


def _signed(row: Mapping) -> str:
    return f"{difference(row['difference'])} (95% interval {interval((row['lo'], row['hi']))})"


def _answer(rows: list[Mapping]) -> tuple[str, str]:
    gained, lost = [row["lo"] > 0 for row in rows], [row["hi"] < 0 for row in rows]
    if all(gained):
        which = "Both intervals are" if len(rows) > 1 else "The whole interval is"
        return "Yes", f"{which} above 0: on patches like these the network adds to band statistics."
    if any(lost):
        return "No", "An interval lies below 0: on patches like these a model without a network is better."
    if any(gained):
        return "By one measure", "One interval is above 0, the other includes 0: the network's gain is not settled."
    return (
        "No significant difference",
        "The intervals include 0: on these patches a model without a network does as well, as far as can be told.",
    )


def at_prevalence(found: Mapping[str, Any], own: float, known: Prevalence, voice: Voice = PLAIN) -> str:
    """Precision, F1, alarms and misses at the stated prevalence.

    found: of ``core.evaluate.prevalence.with_intervals``. own: share of landslides among the patches.
    """
    ends = found["intervals"]
    return (
        f"{voice.strong(f'With {known.words()}')} (here {1000 * own:.0f}): precision {number(found['precision'])} "
        f"({interval(ends['precision'])}), F1 {number(found['f1'])} ({interval(ends['f1'])}), "
        f"{found['alarms_per_1000']:.0f} alarms per 1,000 patches ({interval(ends['alarms_per_1000'], 0)}), "
        f"{number(found['missed_per_1000'], 1)} landslides missed."
    )


def _finite(row: Mapping, *keys: str) -> bool:
    return all(row.get(key) is not None and math.isfinite(row[key]) for key in keys)
