"""Scores: every metric with its interval over patches, the spread over trainings, the baselines beside the network."""

from __future__ import annotations

from core.analyses.reports.given import UNREADABLE, Given
from core.colours import OUTCOME, UNLABELLED
from core.evaluate.metrics import METRIC_NAMES, pr_curve, roc_curve
from core.report import charts
from core.report.parts import Figure, Part, Section, Table, Words
from core.runs import repeats
from core.runs.store import list_runs
from core.text import interval, number
from core.wording import results
from core.wording.names import METRIC_MEANINGS, METRIC_TITLES, STEADY, fold_title, head_title

ANCHOR, TITLE, MOST_POINTS = "scores", "Scores", 300


def made(given: Given) -> Section:
    """The section."""
    facts, there = given.facts, given.rates if given.stated else None
    spread = _spread(given)
    parts: list[Part] = [_metrics(given, there)]
    if given.stated:
        parts.append(Words(results.at_prevalence(given.rates, given.own_share, given.stated)))
    if 0 < given.own_share < 1:
        parts += [_confusion(given), _curves(given)]
    parts.append(_heads(given))
    answer, why = results.against_baseline(given.summary)
    parts += [Words(f"Is the network better than a simple baseline? {answer}. {why}")]
    parts += _folds(given) + _trainings(given, spread)
    basis = (results.basis(given.summary, given.head, spread and spread[1]),)
    return Section(ANCHOR, TITLE, results.headline(facts, given.positive, there), tuple(parts), basis)


def _metrics(given: Given, there) -> Table:
    facts, bounds = given.facts, given.facts.get("intervals", {})
    columns = ["Metric", "Value", "95% interval"]
    columns += [f"At {1000 * there['share']:.3g} per 1,000"] if there else []
    rows = []
    for name in METRIC_NAMES:
        row = [METRIC_TITLES[name], number(facts.get(name)), interval(bounds.get(name)) or "undefined"]
        if there:
            row.append(
                f"{number(there[name])} ({interval(there['intervals'][name])})" if name in there["intervals"]
                else "the same" if name in STEADY else ""
            )  # fmt: skip
        rows.append((*row, METRIC_MEANINGS[name].format(given.positive)))
    caption = f"All metrics of {head_title(given.head)}, over patches"
    return Table((*columns, "Meaning"), tuple(rows), caption, tuple(columns[1:]))


def _confusion(given: Given) -> Table:
    cells, (negative, positive) = given.facts["confusion"], given.names
    rows = (
        (positive, f"{cells['tp']:,}", f"{cells['fn']:,}", f"{cells['tp'] + cells['fn']:,}"),
        (negative, f"{cells['fp']:,}", f"{cells['tn']:,}", f"{cells['fp'] + cells['tn']:,}"),
    )
    columns = ("True class", f"called {positive}", f"called {negative}", "Patches")
    return Table(columns, rows, "Decisions, out of fold", columns[1:])


def _curves(given: Given) -> Figure:
    facts = given.facts
    pr, roc = pr_curve(given.labels, given.probs), roc_curve(given.labels, given.probs)
    at = ((facts["recall"], facts["precision"]), (1 - facts["specificity"], facts["recall"]))
    known = all(value is not None for pair in at for value in pair)
    alt = (
        f"Precision-recall and ROC curve: average precision {number(facts.get('average_precision'))}, AUC "
        f"{number(facts.get('auc'))}"
    )
    svg = charts.curve_pair(
        (pr.x, pr.y), (roc.x, roc.y), given.own_share, alt, at if known else None
    )  # fmt: skip
    caption = f"Dots: the run's own decisions. Dotted: guessing. n = {len(given.labels):,} patches, out of fold."
    return Figure(svg, alt, caption)


def _heads(given: Given) -> Figure:
    rows = [
        {"name": head_title(name), "value": one["f1"], "lo": (one.get("intervals", {}).get("f1") or (None, None))[0],
         "hi": (one.get("intervals", {}).get("f1") or (None, None))[1],
         "colour": OUTCOME["TP"] if name == given.head else UNLABELLED if name.startswith(("stats", "rich", "full"))
         else "#7B68B5"}
        for name, one in given.summary["heads"].items()
    ]  # fmt: skip
    alt = "F1 of every head: " + "; ".join(f"{row['name']} {number(row['value'])}" for row in rows)
    caption = "Green: the head that this report speaks of. Violet: other heads of the network. Grey: no network."
    return Figure(charts.intervals(rows, "F1, with 95% interval", alt), alt, caption, "Every head on the same folds")


def _folds(given: Given) -> list[Part]:
    if given.n_folds < 2:
        return []
    names = ("f1", "auc", "precision", "recall")
    rows = []
    for fold in given.summary["folds"]:
        own = fold.get("heads", {}).get(given.head, fold)
        rows.append((fold_title(fold["fold"]).capitalize(), *(number(own.get(name)) for name in names)))
    columns = ("Fold", *(METRIC_TITLES[name] for name in names))
    return [Table(columns, tuple(rows), "By fold", columns[1:])]


def _spread(given: Given):
    try:
        found = repeats.repeats_of(given.run, list_runs(given.run.checkpoints))
        return (found, repeats.spread(found, given.head)) if len(found) > 1 else None
    except UNREADABLE:
        return None


def _trainings(given: Given, spread) -> list[Part]:
    if spread is None:
        text = (
            "Trained once. What another training of the same recipe would give was not measured; python -m core train "
            "with --repeats 3 does."
        )
        return [Words(text, "note")]
    runs, found = spread
    cells = []
    for k, run in enumerate(runs):
        config = run.config()
        cells.append((run.name, str(config.seed), number(found["f1"]["values"][k]), number(found["auc"]["values"][k])))
    columns = ("Training", "Seed", "F1", "AUC")
    return [Table(columns, tuple(cells), "Over trainings of this recipe", columns[1:])]
