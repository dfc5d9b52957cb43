"""The first page: what the run finds and misses in a hundred, how sure that is, what was not seen, what to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.analyses import external_validation, locked_test
from core.analyses.reports.given import UNREADABLE, Given
from core.colours import OUTCOME
from core.errors import LandslideLensError
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target, target_where, triage_rule
from core.report.icons import hundred
from core.report.parts import Figure, FrontPage, Number, Points, Row
from core.runs import repeats
from core.runs.store import list_runs
from core.text import interval, interval_percent, list_names, number, percent
from core.wording import results

MISS_LIMIT = 0.1  # a tenth of the landslides: the share that the decision on this page allows to be missed


def made(given: Given) -> FrontPage | None:
    """The page; None where the patches are all of one class, of which nothing can be said in hundreds."""
    if not 0 < given.own_share < 1:
        return None
    facts, rates, name = given.facts, given.rates, given.positive
    alarms = bool(given.pred.any())
    precision = rates["precision"] if alarms else None
    recall, around = float(facts["recall"]), facts.get("intervals", {})
    return FrontPage(
        headline=results.of_a_hundred(name, recall, precision),
        frequency=_capital(results.how_frequent(name, rates["share"], given.stated is not None)) + ".",
        parts=(
            Row(tuple(_arrays(name, recall, around.get("recall"), precision, rates["intervals"]["precision"]))),
        ),
        numbers=(
            Number("Found", percent(recall, 0), _ends(interval_percent(around.get("recall")))),
            Number("Correct alarms", percent(precision, 0), _ends(interval_percent(rates["intervals"]["precision"]))),
            Number(
                "Alarms per 1,000 patches", number(rates["alarms_per_1000"], 0),
                _ends(interval(rates["intervals"]["alarms_per_1000"], 0)),
            ),
        ),
        blocks=(
            Points(tuple(_sure(given)), "How sure is this?"),
            Points(tuple(unseen(given)), "What was not seen?"),
            Points(tuple(to_do(given)), "What to do with it"),
        ),
        basis=f"{results.basis(given.summary, given.head)} Faint squares lie within the 95% interval.",
    )  # fmt: skip


def _arrays(name: str, recall: float, recall_ends: Any, precision: float | None, precision_ends: Any):
    found = round(100 * recall)
    alt = f"Of 100 {name} patches, {found} found and {100 - found} missed"
    yield Figure(
        hundred(recall, recall_ends, (OUTCOME["TP"], OUTCOME["FN"]), alt), alt,
        "Green: found. Magenta: missed.", f"Of 100 {name} patches: {found} found, {100 - found} missed",
    )  # fmt: skip
    if precision is None or not np.isfinite(precision):
        return
    right = round(100 * precision)
    alt = f"Of 100 alarms, {right} correct and {100 - right} false"
    yield Figure(
        hundred(precision, precision_ends, (OUTCOME["TP"], OUTCOME["FP"]), alt), alt,
        "Green: correct. Yellow: false.", f"Of 100 alarms: {right} correct, {100 - right} false",
    )  # fmt: skip


def _sure(given: Given) -> list[str]:
    """Which patches, how much another draw of them or another training would change."""
    n, n_positive = len(given.labels), int(given.labels.sum())
    where = f"over {given.n_folds} folds" if given.n_folds > 1 else "in one split"
    words = [f"Measured on {n:,} patches ({n_positive:,} {given.positive}) that the model had not seen, {where}."]
    ends = interval_percent(given.facts.get("intervals", {}).get("recall"))
    if ends:
        words.append(f"With other patches of this kind it would find {ends} of landslides (95% interval).")
    try:
        found = repeats.repeats_of(given.run, list_runs(given.run.checkpoints))
        spread = repeats.spread(found, given.head) if len(found) > 1 else None
    except UNREADABLE:
        spread = None
    between = results.between_trainings(spread).strip()
    words.append(between or "It was trained once: how much a second training would differ was not measured.")
    answer, _ = results.against_baseline(given.summary)
    short = {
        "Yes": "It does better than a simple model on colour statistics.",
        "No": "A simple model on colour statistics does better.",
        "Unknown": "",
    }.get(answer, "It is not clearly better than a simple model on colour statistics.")
    return [*words, *([short] if short else [])]


def unseen(given: Given) -> list[str]:
    """Ground, sensors and seasons that no number here speaks of."""
    words, data = [], given.data
    tests = _tests(given)
    if tests:
        words.append(f"Beyond its own dataset it was tested on: {list_names(tests)}.")
    else:
        words.append("It was not tested on another dataset: other regions, seasons and sensors are unknown ground.")
    if data is not None:
        sensors = sorted({band.sensor for band in data.bands if band.sensor})
        kinds = sorted({band.family for band in data.bands})
        if sensors:
            words.append(f"It reads {' and '.join(sensors)} only.")
        if not {"sar_post", "sar_change"} & set(kinds):
            words.append("It sees optical bands only, so not through clouds and not at night.")
        places = data.lonlat is not None and np.isfinite(data.lonlat).any()
        if data.groups is not None:
            words.append(f"It has seen {len(set(data.groups.tolist())):,} places or scenes (groups).")
        if not places:
            words.append("Where the patches lie is not known, so nothing can be said of countries or terrain.")
    words.append("It judges whole patches: a landslide much smaller than a patch may be missed.")
    return words


def _tests(given: Given) -> list[str]:
    found = []
    try:
        found += [
            one.report.get("dataset_name", name) for name, one in (external_validation.read(given.run) or {}).items()
        ]
        found += ["the locked test part of its own"] if locked_test.read(given.run) else []
    except UNREADABLE:
        pass
    return [str(one) for one in found]


def to_do(given: Given) -> list[str]:
    """The decision that the numbers carry."""
    rates, words = given.rates, []
    if given.pred.any() and np.isfinite(rates["precision"]):
        false = round(100 * (1 - rates["precision"]))
        words.append(f"Look at every alarm before acting on it: {false} of 100 are false at this prevalence.")
    missed = round(100 * (1 - float(given.facts["recall"])))
    words.append(f"Do not read silence as safety: {missed} of 100 {given.positive} patches raise no alarm.")
    words.append(_target(given))
    if given.stated is None:
        words.append("State how frequent landslides are where it will be used: alarms and precision then follow it.")
    return words


def _target(given: Given) -> str:
    """How much has to be looked at so that at most a tenth of the landslides is missed, or why that is not promised."""
    share = rates_share = given.rates["share"]
    target = Target("miss_rate", MISS_LIMIT)
    try:
        wanted = target if given.stated is None else target_where(target, share)
        effect = 1.0 if given.groups is not None else UNGROUPED_EFFECT
        rule = triage_rule(given.labels, given.probs, wanted or target, given.groups, effect=effect)
    except LandslideLensError as error:
        return f"That at most a tenth of the landslides is missed cannot be promised: {error}"
    inspected = _inspected(given, rule.threshold, rates_share)
    return (
        f"To miss at most 10 of 100 landslides (95% confidence, on ground like this), look at {inspected:.0f} of every "
        f"1,000 patches: those from probability {number(rule.threshold)} on."
    )


def _inspected(given: Given, threshold: float, share: float) -> float:
    """Patches of 1,000 at or above the threshold, where landslides are this frequent."""
    above, positive = given.probs >= threshold, given.labels == 1
    return 1000 * (share * above[positive].mean() + (1 - share) * above[~positive].mean())


def _ends(words: str) -> str:
    return f"95% interval {words}" if words else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
