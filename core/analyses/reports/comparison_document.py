"""The report that compares runs: their scores side by side, what is settled between them, what they were told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.analyses.reports.given import own_share
from core.colours import FOLD, POSITIVE, UNLABELLED
from core.errors import LandslideLensError
from core.evaluate.comparison.significance import ALPHA
from core.progress import Progress, Steps
from core.report import charts
from core.report.parts import Document, Figure, FrontPage, Part, Points, Row, Section, Table, Words
from core.report.recipe import command_of
from core.runs import compare
from core.runs.job_folder import now
from core.runs.labels import titles_of
from core.runs.prevalence import prevalence_of
from core.runs.store import RunFolder
from core.text import difference, interval, number, percent, small
from core.wording import results
from core.wording.names import METRIC_TITLES, head_title

METRICS = ("f1", "auc", "precision", "recall")


def document_of(run: RunFolder, others: Sequence[RunFolder]) -> Steps[Document]:
    """The document. Raises RunError for a run that has not finished."""
    runs = [run, *others]
    for one in runs:
        one.require_finished()
    yield Progress(0.1, "Reading the runs.")
    names, summaries = titles_of(runs), [one.summary() for one in runs]
    found = []
    for k, other in enumerate(others):
        yield Progress(0.2 + 0.6 * k / len(others), f"Comparing with {names[other.name]}.")
        found.append(compare.recipe_against(run, other, (names[run.name], names[other.name])))
    sentences = tuple(row["sentence"] for row in found)
    sections = (
        _side_by_side(runs, summaries, names),
        _paired(run, others, names, sentences),
        _settings(run, others, names),
        _meaning(runs, summaries, names),
        _commands(runs, names),
    )
    facts = [(names[one.name], one.name) for one in runs]
    short = tuple(_short(row, names[row["other"]]) for row in found)
    front = FrontPage(
        _headline(run, others, names, found), "", (Row((_figure(runs, summaries, names, "f1"),)),), (),
        (Points(short, "What can be told"), Points(tuple(_care(runs, summaries)), "What to mind")),
        "Differences are of the same patches, out of fold, whole groups resampled together; trainings of one recipe "
        "with other seeds count as one side.",
    )  # fmt: skip
    title = f"{len(runs)} runs compared"
    return Document("comparison", title, "", tuple(facts), sections, now()[:16].replace("T", " ") + " UTC", front)


def _headline(run: RunFolder, others: Sequence[RunFolder], names: dict[str, str], found: list[dict]) -> str:
    """Whether the first differs from the others, by F1."""
    settled, level, same, unknown = [], [], [], []
    for other, row in zip(others, found, strict=True):
        one = row.get("f1")
        if row.get("same_recipe"):
            same.append(names[other.name])
        elif not one:
            unknown.append(names[other.name])
        elif one["patches"]["p"] < ALPHA:
            settled.append(f"{'better' if one['difference'] > 0 else 'worse'} than {names[other.name]}")
        else:
            level.append(names[other.name])
    parts = []
    if settled:
        parts.append(f"On these patches {names[run.name]} is {' and '.join(settled)} by F1.")
    if level:
        parts.append(f"By F1 no difference from {' and '.join(level)} can be told.")
    if same:
        parts.append(f"Other trainings of the same recipe: {' and '.join(same)}.")
    if unknown:
        parts.append(f"Not comparable: {', '.join(unknown)}.")
    return " ".join(parts)


def _short(row: dict, name: str) -> str:
    """One comparison for the first page."""
    if "f1" not in row:
        return row["sentence"]
    words = []
    for metric in ("f1", "auc"):
        ends = interval((row[metric]["patches"]["lo"], row[metric]["patches"]["hi"]), signed=True)
        words.append(f"{metric.upper()} {difference(row[metric]['difference'])} ({ends})")
    more = "" if row["f1"]["settled"] else " Whether it survives training again is not settled."
    return f"Against {name}: {', '.join(words)}.{more}"


def _care(runs: Sequence[RunFolder], summaries: Sequence[dict]) -> list[str]:
    words = ["One training of each says little of recipes: train --repeats trains the same with other seeds."]
    if len({one.provenance()["dataset"]["content_hash"] for one in runs}) > 1:
        words.append("The runs learnt from different datasets: only patches that both answered are compared.")
    if len({summary["oof"]["n"] for summary in summaries}) > 1:
        words.append("They were evaluated on different numbers of patches.")
    return words


def _figure(runs: Sequence[RunFolder], summaries: Sequence[dict], names: dict[str, str], metric: str) -> Figure:
    rows = []
    for k, (run, summary) in enumerate(zip(runs, summaries, strict=True)):
        own = summary["heads"][summary["head"]]
        low, high = own.get("intervals", {}).get(metric) or (None, None)
        rows.append({"name": names[run.name], "value": own[metric], "lo": low, "hi": high,
                     "colour": POSITIVE if k == 0 else FOLD[0]})  # fmt: skip
    title = METRIC_TITLES[metric]
    alt = f"{title} of each run: " + "; ".join(f"{row['name']} {number(row['value'])}" for row in rows)
    return Figure(charts.intervals(rows, f"{title}, with 95% interval", alt), alt, "Orange: the first run.")


def _side_by_side(runs: Sequence[RunFolder], summaries: Sequence[dict], names: dict[str, str]) -> Section:
    rows = []
    for run, summary in zip(runs, summaries, strict=True):
        own, bounds = summary["heads"][summary["head"]], summary["heads"][summary["head"]].get("intervals", {})
        cells = [f"{number(own[name])} ({interval(bounds.get(name))})" for name in METRICS]
        rows.append((names[run.name], head_title(summary["head"]), f"{own['n']:,}", *cells))
    columns = ("Run", "Head", "Patches", *(METRIC_TITLES[name] for name in METRICS))
    share = " and ".join(dict.fromkeys(percent(own_share(summary), 0) for summary in summaries))
    best, first = max(zip(summaries, runs, strict=True), key=lambda pair: pair[0]["oof"]["f1"] or 0)
    message = f"The highest F1 of these is {number(best['oof']['f1'])}, {names[first.name]}."
    return Section(
        "scores", "Scores side by side", message,
        (Table(columns, tuple(rows), "", columns[2:]), _figure(runs, summaries, names, "auc")),
        (f"Out of fold, at {share} landslides as in these patches; precision and F1 belong to that share. Intervals of "
         "single runs overlap more than paired differences do: read the next section for what is settled.",),
    )  # fmt: skip


def _paired(run: RunFolder, others: Sequence[RunFolder], names: dict[str, str], sentences: tuple[str, ...]) -> Section:
    rows, cells = [], []
    parts: list[Part] = [Points(sentences)]
    for other in others:
        try:
            found = compare.pair(run, other)
        except LandslideLensError as error:
            parts.append(Words(f"{names[other.name]}: {error}", "warning"))
            continue
        for metric in ("f1", "auc"):
            one = found.differences[metric]
            rows.append({"name": f"{names[other.name]}: {METRIC_TITLES[metric]}", "value": one.difference, "lo": one.lo,
                         "hi": one.hi, "colour": POSITIVE if one.settled else UNLABELLED})  # fmt: skip
            cells.append(
                (names[other.name], METRIC_TITLES[metric], difference(one.difference),
                 interval((one.lo, one.hi), signed=True) or "undefined", small(one.p) if np.isfinite(one.p) else "–",
                 f"{found.n:,}", f"{found.n_disagree:,}", f"{found.mcnemar.only_a:,} / {found.mcnemar.only_b:,}")
            )  # fmt: skip
    columns = (
        "Against",
        "Score",
        "Difference",
        "95% interval",
        "p",
        "Patches",
        "Decided differently",
        "Only one right",
    )
    settled = sum(row["colour"] == POSITIVE for row in rows)
    message = f"{settled} of {len(rows)} differences are larger than chance on these patches."
    if rows:
        alt = f"Difference of the first run from each other one. {message}"
        title = "Difference: the first run minus the other"
        caption = "Orange: the interval leaves 0 out. Grey: it does not, so nothing is settled."
        parts.insert(0, Figure(charts.intervals(rows, title, alt, 0.0), alt, caption))
        parts.append(Table(columns, tuple(cells), "", columns[2:]))
    basis = "Both seen in the same resamples of whole groups. p: of one comparison, not corrected for their number."
    return Section("differences", "Differences on the same patches", message, tuple(parts), (basis,))


def _settings(run: RunFolder, others: Sequence[RunFolder], names: dict[str, str]) -> Section:
    parts: list[Part] = []
    for other in others:
        rows = tuple((name, _value(a), _value(b)) for name, a, b in compare.settings(run, other))
        columns = ("Setting", names[run.name], f"{names[other.name]} ")
        parts.append(
            Table(columns, rows, f"Against {names[other.name]}")
            if rows else Words(f"{names[other.name]} has the same settings and data.")
        )  # fmt: skip
    return Section("settings", "What they were told", "The settings in which they differ.", tuple(parts))


def _value(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _meaning(runs: Sequence[RunFolder], summaries: Sequence[dict], names: dict[str, str]) -> Section:
    lines = []
    for run, summary in zip(runs, summaries, strict=True):
        own = summary["heads"][summary["head"]]
        known = prevalence_of(run)
        lines.append(f"{names[run.name]}: {results.headline(own, summary['positive'])}")
        if known is not None:
            lines.append(f"{names[run.name]} is to be used at {known.words()}.")
        lines.append(f"{names[run.name]}: {results.against_baseline(summary)[1]}")
    return Section("meaning", "What it means", "Each run in words.", (Points(tuple(lines)),))


def _commands(runs: Sequence[RunFolder], names: dict[str, str]) -> Section:
    from core.report.parts import Code

    parts: list[Part] = []
    for run in runs:
        try:
            parts += [Words(names[run.name]), Code(command_of(run.config(), run.dataset_path().name))]
        except LandslideLensError as error:
            parts.append(Words(f"{names[run.name]}: {error}", "note"))
    return Section("reproduce", "How to reproduce them", "One command a run.", tuple(parts))
