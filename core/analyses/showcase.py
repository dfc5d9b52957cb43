"""The showcase of a run: what there is to see in it, in which order, and what of it has to be computed first.

:func:`stops` is the one list behind ``python -m core demo``, the guided path of the dashboard and the jobs of a demo.
Every number is read from the run's own results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.analyses.base import Analysis
from core.analyses.registry import analysis
from core.data.store import open_dataset
from core.errors import LandslideLensError
from core.explain.bands.corruptions import scenarios
from core.runs.store import RunFolder
from core.text import difference, interval, interval_percent, number

FEW_CLOUDS, FEW_LOSSES = (0.5,), ("cloud_50", "optical_lost", "sar_lost")
# What reading damaged results, or those of another version, may raise.
UNREADABLE = (LandslideLensError, LookupError, TypeError, ValueError, AttributeError, ZeroDivisionError)


@dataclass(frozen=True)
class Finding:
    """One number of a stop. short: fits on a button. detail: what it was measured on, with n and interval."""

    short: str
    detail: str


def _usual(run: RunFolder) -> dict[str, Any]:
    return {}


def _few_maps(run: RunFolder) -> dict[str, Any]:
    """Half of the usual patches: a demo has minutes."""
    return {"patches": 50, "seeds": 2, "compared": 10}


def _few_losses(run: RunFolder) -> dict[str, Any]:
    """One cover of clouds and the loss of each sensor, of those that the run's bands allow; else all there are."""
    chosen = run.config().data.bands
    bands = [band for band in open_dataset(run.dataset_path()).bands if chosen is None or band.name in chosen]
    known = {scenario.name for scenario in scenarios(bands, FEW_CLOUDS)}
    names = [name for name in FEW_LOSSES if name in known]
    return {"coverages": list(FEW_CLOUDS)} | ({"names": names} if len(names) > 1 else {})


@dataclass(frozen=True)
class Stop:
    """One thing to look at.

    look: what to look for there, a sentence. page, view: where it is shown. find: its number; raises where the results
    lack it. analysis: what has to be done first, empty for what every run has; options: with which options. with_smote:
    only runs with synthetic patches have it.
    """

    name: str
    title: str
    look: str
    page: str
    view: str | None
    find: Callable[[RunFolder], Finding]
    analysis: str = ""
    options: Callable[[RunFolder], dict[str, Any]] = _usual
    with_smote: bool = False

    @property
    def declared(self) -> Analysis | None:
        """The analysis that has to be done first."""
        return analysis(self.analysis) if self.analysis else None

    def is_there(self, run: RunFolder) -> bool:
        """Whether its results are there; what cannot be read is not."""
        try:
            return self.declared is None or _kept(self.declared, run) is not None
        except UNREADABLE:
            return False

    def finding(self, run: RunFolder) -> Finding | None:
        """Its number, or None where the results are missing, damaged or of another version."""
        if not self.is_there(run):
            return None
        try:
            return self.find(run)
        except UNREADABLE:
            return None


def stops(run: RunFolder) -> tuple[Stop, ...]:
    """What there is to see in a finished run, in order. Raises RunError for a run that cannot be read."""
    balanced = not run.smote().empty  # even classes need no synthetic patches, whatever the settings say
    return tuple(stop for stop in STOPS if balanced or not stop.with_smote)


def missing(run: RunFolder) -> tuple[Stop, ...]:
    """The stops whose results have to be computed yet."""
    return tuple(stop for stop in stops(run) if not stop.is_there(run))


def reduced(run: RunFolder, stop: Stop) -> str:
    """How the results of a stop were made smaller than usual ("Patches tested: 50 instead of 100"); empty: not."""
    if stop.declared is None:
        return ""
    try:
        return reduced_words(stop.declared, _kept(stop.declared, run))
    except UNREADABLE:
        return ""


def reduced_words(declared: Analysis, result: Any) -> str:
    """As :func:`reduced`, of results that were read already."""
    fields = declared.Options.model_fields
    return "; ".join(
        f"{fields[name].title or name}: {_words(used)} instead of {_words(usual)}"
        for name, (used, usual) in _reduced_options(declared, result).items()
    )


def whole_options(declared: Analysis, result: Any) -> dict[str, Any]:
    """The options that a result was made with, those that were made smaller as they usually are."""
    usual = {name: value for name, (_, value) in _reduced_options(declared, result).items()}
    return _options_used(result) | usual


def _kept(declared: Analysis, run: RunFolder) -> Any:
    """What an analysis found; None before, and where the job's own result is all there is."""
    return declared.read(run) if declared.read else None


def _reduced_options(declared: Analysis, result: Any) -> dict[str, tuple[Any, Any]]:
    """By name: the value that was used, which makes less than the usual one, and that one."""
    used = _options_used(result)
    return {
        name: (used[name], value)
        for name, value in declared.options().model_dump(mode="json").items()
        if name in used and _is_less(used[name], value)
    }


def _is_less(used: Any, usual: Any) -> bool:
    """A smaller number, fewer of a list, or some where all are usual."""
    if isinstance(used, list | tuple):
        return usual is None or (isinstance(usual, list | tuple) and len(used) < len(usual))
    numbers = isinstance(used, int | float) and isinstance(usual, int | float)
    return numbers and not isinstance(used, bool) and used < usual


def _options_used(result: Any) -> dict[str, Any]:
    report = result if isinstance(result, Mapping) else getattr(result, "report", None)
    return dict((report or {}).get("options") or {})


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        if any(isinstance(one, str) for one in value):  # names of the program, not of people
            return f"{len(value):,}"
        return ", ".join(map(_words, value))
    return "all" if value is None else str(value)


# ------------------------------------------------------------------------------------------------------ numbers


def _found(run: RunFolder) -> Finding:
    summary = run.summary()
    cells, oof = summary["oof"]["confusion"], summary["oof"]
    positives = cells["tp"] + cells["fn"]
    around = interval_percent(summary["heads"][summary["head"]]["intervals"]["recall"])
    return Finding(
        f"{cells['tp'] / positives:.0%} found",
        f"{cells['tp']:,} of {positives:,} patches labelled {summary['positive']} were found (95% interval "
        f"{around}), with {cells['fp']:,} false alarms. n = {oof['n']:,}, out of fold over "
        f"{len(summary['folds'])} folds.",
    )


def _errors(run: RunFolder) -> Finding:
    oof = run.summary()["oof"]
    cells = oof["confusion"]
    return Finding(
        f"{cells['fn'] + cells['fp']:,} patches",
        f"{cells['fn']:,} missed and {cells['fp']:,} false alarms among {oof['n']:,} patches, out of fold.",
    )


def _attention(run: RunFolder) -> Finding:
    report = _kept(analysis("attention_checks"), run).report
    findings = report["verdict"]["findings"]
    passed = sum(one["holds"] is True for one in findings)
    gain = report["faithfulness"]["road"]["gain_random"]
    return Finding(
        f"{passed} of {len(findings)} checks",
        f"Removing the places that the maps point at costs {difference(gain['value'])} more probability than removing "
        f"random ones (ROAD, 95% interval {interval((gain['lo'], gain['hi']), signed=True)}). "
        f"n = {gain['n']:,} patches tested, {report['randomised']['seeds']} networks with random weights.",
    )


def _robustness(run: RunFolder) -> Finding:
    rows = _kept(analysis("robustness"), run).report["rows"]
    intact, hurt = rows[0], [row for row in rows[1:] if row["f1"] is not None]
    best: dict[str, dict] = {}
    for row in hurt:
        if row["scenario"] not in best or row["f1"] > best[row["scenario"]]["f1"]:
            best[row["scenario"]] = row
    worst = min(best.values(), key=lambda row: row["f1"])
    title = worst["title"][:1].lower() + worst["title"][1:] if not worst["title"][:2].isupper() else worst["title"]
    return Finding(
        f"F1 {number(worst['f1'], 2)}, {title}",
        f"The worst of {len(best)} scenarios, each with its best way of filling the missing values: F1 "
        f"{number(worst['f1'])} (95% interval {interval((worst['lo'], worst['hi']))}) instead of "
        f"{number(intact['f1'])}. n = {worst['n']:,}, out of fold.",
    )


def _noise(run: RunFolder) -> Finding:
    noise = _kept(analysis("smote_audit"), run)["noise"]
    f1 = noise["f1"]
    return Finding(
        f"F1 {number(f1['folds_over_all'], 2)} on noise",
        "On labels that are pure noise, SMOTE before drawing the folds, with synthetic patches scored too, reaches F1 "
        f"{number(f1['folds_over_all'])}; inside each fold it reaches {number(f1['inside_fold'])}. Calling everything "
        f"positive gives {number(noise['f1_all_positive'])}. n = {noise['n']:,} made-up patches, one draw (seed "
        f"{noise['seed']}), so there is no interval.",
    )


def _realism(run: RunFolder) -> Finding:
    report = _kept(analysis("smote_realism"), run).report
    tests = {name: test for name, test in report["two_sample"].items() if test["auc"] is not None}
    control = tests.pop("real_against_real", None)
    test = max(tests.values(), key=lambda one: one["auc"])
    chance = "" if control is None else f" Two halves of the real ones: {number(control['auc'])}."
    return Finding(
        f"real or synthetic: AUC {number(test['auc'], 2)}",
        f"A linear classifier, the best of {len(tests)}, tells synthetic landslides from real ones with AUC "
        f"{number(test['auc'])} (95% interval "
        f"{interval((test['lo'], test['hi']))}); 0.5 is chance.{chance} n = {report['n']:,} synthetic patches.",
    )


def _heads(run: RunFolder) -> Finding:
    rows = [row for row in _kept(analysis("heads"), run).rows if row["oof"]["f1"] is not None]
    best = max(rows, key=lambda row: row["oof"]["f1"])
    least = min(row["oof"]["f1"] for row in rows)
    return Finding(
        f"F1 {number(least, 2)}–{number(best['oof']['f1'], 2)}, {len(rows)} heads",
        f"The best of {len(rows)} heads on the same folds, chosen afterwards, is {best['head']}: F1 "
        f"{number(best['oof']['f1'])} (95% interval {interval(best['oof']['interval'])}). n = {best['oof']['n']:,}, "
        "out of fold.",
    )


# -------------------------------------------------------------------------------------------------------- stops

STOPS = (
    Stop(
        "results", "What it finds and misses",
        "How many landslides the run finds, how many it misses, and how many of its alarms are false.",
        "results", "summary", _found,
    ),
    Stop(
        "errors", "Patches behind the errors",
        "Every missed landslide and every false alarm as a picture.",
        "review", None, _errors,
    ),
    Stop(
        "attention", "Can its maps be believed?",
        "Where the run looks, and the checks that show whether its attention maps depend on what it has learnt.",
        "explain", "checks", _attention, "attention_checks", _few_maps,
    ),
    Stop(
        "robustness", "Clouds and lost sensors",
        "F1 when clouds cover the optical bands, or the optical or radar bands are lost.",
        "explain", "robustness", _robustness, "robustness", _few_losses,
    ),
    Stop(
        "noise", "What SMOTE does to noise",
        "Whether SMOTE before the folds, or inside them, finds landslides in labels that mean nothing.",
        "balance", "audit", _noise, "smote_audit", with_smote=True,
    ),
    Stop(
        "realism", "How real synthetics look",
        "How close they are to real ones, how blurred, and whether models recognise them.",
        "balance", "realism", _realism, "smote_realism", with_smote=True,
    ),
    Stop(
        "heads", "Heads compared",
        "Each classifier head on the same embeddings, on training patches and on unseen ones.",
        "results", "heads", _heads, "heads",
    ),
)  # fmt: skip
