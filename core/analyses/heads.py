"""Paper A's Table 3 for a finished run: every head on the same stored embeddings, with its gap.

No network is loaded and no image is read: heads are fitted on the rows of embeddings that the run's own heads were
fitted on. A further head stays beside the run's own (``core.flow.refitted_heads``) and is not fitted twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.config import HeadsConfig
from core.config.sections import names_of
from core.flow.fold_rows import OLDER, fold_rows, own_scores
from core.flow.head_gaps import LabelledPatches, blended
from core.flow.refitted_heads import HEADS, refit_facts, refit_scores, write_refit
from core.heads.baselines import BASELINES
from core.heads.blend import BLEND, BLENDS, STATS_BLEND
from core.heads.fold import FittedHeads, HeadSet, fit_on_embeddings
from core.heads.svm import SvmSetting
from core.progress import Progress, Steps
from core.runs.plain_files import to_json_value
from core.runs.store import RunFolder

PAPER_C = HeadsConfig().svm_C


class HeadsOptions(Options):
    """The heads that are fitted where the run does not have them yet; by default those of paper A's Table 3."""

    Cs: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = Field(
        PAPER_C, title="C of the SVMs", description="RBF-SVMs with these C, with commas between."
    )
    gammas: tuple[Literal["scale"] | Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = Field(
        ("scale",),
        title="Gamma of the SVMs",
        description="scale: 1 / (features x variance), as in scikit-learn. Or numbers, with commas between.",
    )
    lgbm: bool = Field(True, title="LightGBM", description="Boosted trees on the embedding.")
    logreg: bool = Field(True, title="Logistic regression", description="On the embedding.")

    @field_validator("Cs", "gammas", mode="before")
    @classmethod
    def _positive_numbers(cls, value: Any, info: Any) -> Any:
        values = names_of(value)
        for item in values if isinstance(values, tuple | list) else ():
            if not _is_positive(item) and (info.field_name, item) != ("gammas", "scale"):
                what = {"Cs": "C", "gammas": "gamma"}[info.field_name]
                raise ValueError(f"{item} is no {what} of an SVM. Give a positive number (gamma may also be scale)")
        return values

    def head_set(self) -> HeadSet:
        """Every C with every gamma, and the others."""
        svms = tuple(SvmSetting(C, gamma) for gamma in self.gammas for C in self.Cs)
        return HeadSet(svms, self.lgbm, self.logreg)


def _is_positive(value: Any) -> bool:
    try:
        return 0 < float(value) < math.inf
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class HeadTable:
    """Every head of a run, those fitted later last.

    A row: head, refitted, gamma (by fold, of SVMs), train and oof (f1, interval, n; oof with every metric), gap (f1,
    interval), folds (train_f1, f1, gap, n_train, n_val). Undefined values are None. left_out: by head, the reason.
    """

    run: str
    rows: list[dict[str, Any]]
    left_out: dict[str, str]
    notes: list[str]


def analyse(run: RunFolder, options: HeadsOptions) -> Steps[dict[str, Any]]:
    """Fit those heads that the run does not have yet on its stored embeddings, and compare all of them.

    Raises RunError when the run has not finished.
    """
    from core.device import choose_device

    run.require_finished()
    began, device = time.monotonic(), choose_device("auto")
    n_folds, wanted = run.config().folds.n_splits, _missing(run, options.head_set())
    for fold in range(n_folds if wanted.names else 0):
        text = f"Fitting {len(wanted.names)} heads of fold {fold + 1} of {n_folds}: {', '.join(wanted.names)}."
        yield Progress(fold / n_folds, text)
        rows, embeddings = fold_rows(run, fold), run.embeddings(fold)["embeddings"]
        fitted = fit_on_embeddings(embeddings, rows.train, rows.synthetic, rows.labels, wanted, device)
        _keep(run, fold, fitted)
    yield Progress(1.0, f"Evaluating every head ({time.monotonic() - began:.1f} s for {n_folds} folds).")
    table = compare_heads(run)
    run.results(ANALYSIS.name).write_json("report.json", vars(table))
    return {"message": f"{len(table.rows)} heads compared on the same embeddings."}


def read(run: RunFolder) -> HeadTable | None:
    """The table, or None before the analysis was done."""
    results = run.results(ANALYSIS.name)
    return HeadTable(**results.json("report.json")) if results.has("report.json") else None


def compare_heads(run: RunFolder) -> HeadTable:
    """The table from stored scores: nothing is fitted."""
    n_folds, config = run.config().folds.n_splits, run.config().heads
    folds = [fold_rows(run, fold) for fold in range(n_folds)]
    patches = LabelledPatches.of(run, folds, config.threshold)
    own = [own_scores(run, fold) for fold in range(n_folds)]
    refitted = [refit_scores(run, fold) for fold in range(n_folds)]
    facts = [refit_facts(run, fold) for fold in range(n_folds)]
    rows, judged = [], {}
    for name in _in_every_fold(own, dict.fromkeys((*config.names, *BASELINES))):
        judged[name], values = patches.judge([scores[name] for scores in own], is_log_odds=name == "fc")
        gammas = [run.head_card(fold, name).get("gamma") for fold in range(n_folds)]
        rows.append(_row(name, values, gammas, refitted=False))
    for name in (*([BLEND] if config.blend else []), STATS_BLEND):
        if set(members := BLENDS[name]) <= set(judged):
            log_odds = blended([judged[member].rule for member in members], members, own)
            rows.append(_row(name, patches.judge(log_odds, is_log_odds=True)[1], [], refitted=False))
    known = {row["head"] for row in rows}
    rows += [_without_scores(run, name) for name in run.summary()["heads"] if name not in known]
    for name in _in_every_fold(refitted, facts[0]):
        _, values = patches.judge([scores[name] for scores in refitted], is_log_odds=False)
        rows.append(_row(name, values, [entries[name].get("gamma") for entries in facts], refitted=True))
    notes = [] if all(part.complete for part in folds) else [OLDER]
    return HeadTable(run.name, to_json_value(rows), _left_out(run, facts), notes)


# --------------------------------------------------------------------------------------------------- parts


def _missing(run: RunFolder, wanted: HeadSet) -> HeadSet:
    """What of ``wanted`` neither the run nor an earlier analysis has in every fold, with the run's class weights."""
    config = run.config()
    folds, heads = range(config.folds.n_splits), config.heads
    svms = wanted.svms if heads.svm_gamma == "scale" else tuple(map(_with_gamma_in_its_name, wanted.svms))
    names = replace(wanted, svms=svms).names
    present = {
        *_in_every_fold([own_scores(run, fold) for fold in folds], names),
        *_in_every_fold([refit_scores(run, fold) for fold in folds], names),
    }
    svms = tuple(svm for svm in svms if svm.name not in present)
    lgbm, logreg = wanted.lgbm and "lgbm" not in present, wanted.logreg and "logreg" not in present
    return HeadSet(svms, lgbm, logreg, heads.class_weight)


def _with_gamma_in_its_name(svm: SvmSetting) -> SvmSetting:
    """In a run whose own SVMs have another gamma than "scale" the name says that this one has it."""
    return svm if svm.gamma != "scale" else replace(svm, own_name=f"{svm.name}_gscale")


def _keep(run: RunFolder, fold: int, fitted: FittedHeads) -> None:
    facts: dict[str, dict] = {name: head.facts() for name, head in fitted.heads.items()}
    facts |= {name: {"left_out": reason} for name, reason in fitted.left_out.items()}
    write_refit(run, fold, refit_scores(run, fold) | fitted.scores, refit_facts(run, fold) | facts)


def _in_every_fold(folds: list[dict[str, np.ndarray]], names: Iterable[str]) -> list[str]:
    """Those of ``names`` that every fold has scores of."""
    return [name for name in names if all(name in scores for scores in folds)]


def _left_out(run: RunFolder, facts: list[dict[str, dict]]) -> dict[str, str]:
    reasons = dict(run.summary().get("left_out", {}))
    for fold, entries in enumerate(facts):
        for name, entry in entries.items():
            if "left_out" in entry:
                reasons.setdefault(name, f"Fold {fold + 1}: {entry['left_out']}")
    return reasons


def _row(name: str, values: dict[str, Any], gammas: list[float | None], refitted: bool) -> dict[str, Any]:
    known = [value for value in gammas if value is not None]
    return {"head": name, "refitted": refitted, **({"gamma": known} if known else {}), **values}


def _without_scores(run: RunFolder, name: str) -> dict[str, Any]:
    """The row of a head whose scores on training patches an older run did not keep: out of fold alone."""
    summary, nothing = run.summary(), {"f1": None, "interval": (None, None)}
    oof = summary["heads"][name]
    folds = [
        {"fold": k, "train_f1": None, "f1": fold["heads"][name]["f1"], "gap": None, "n_val": fold["heads"][name]["n"]}
        for k, fold in enumerate(summary["folds"])
    ]
    values = {"train": nothing | {"n": 0}, "oof": oof | {"interval": oof["intervals"]["f1"]}, "gap": nothing}
    return _row(name, values | {"folds": folds}, [], refitted=False)


ANALYSIS = Analysis(
    name=HEADS,
    title="Comparison of heads",
    summary="F1 of every head on training patches and on unseen ones; paper A's heads are fitted where missing.",
    page="results",
    view="heads",
    Options=HeadsOptions,
    run=analyse,
    read=read,
)
