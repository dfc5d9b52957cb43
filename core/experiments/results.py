"""The table of an experiment: each row's numbers with intervals, and what it has more than the baseline row.

Differences are paired, on the patches that both rows answered, over whole groups, and corrected by Holm over the rows.
With several seeds a row's numbers are means, and a difference must hold for other trainings too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from core.errors import LandslideLensError, RunError
from core.evaluate.comparison.many import holm
from core.evaluate.comparison.repeats import compare_repeats
from core.evaluate.comparison.significance import ALPHA, compare
from core.evaluate.intervals import effective_groups_by_metric, interval, resampled_metrics
from core.evaluate.metrics import metrics
from core.experiments.base import Asked, Kind, Row, baseline_of
from core.flow.head_gaps import head_gap
from core.runs.compare import answers, on_shared_patches
from core.runs.plain_files import to_json_value
from core.runs.store import RunFolder
from core.text import difference, number
from core.text import interval as interval_text

METRICS = ("f1", "auc")
N_BOOT = 1000


@dataclass
class Table:
    """Filled row by row. ``to_dict`` is what is written, and what pages and commands show.

    reduced: what a small budget changed, in words. full: what the full one would take: seconds, sentence.
    """

    kind: Kind
    asked: Asked
    rows: list[Row]
    seeds: int = 1
    reduced: str = ""
    full: dict[str, Any] = field(default_factory=dict)
    _values: dict[str, dict[str, Any]] = field(default_factory=dict)
    _answers: dict[str, list[pd.DataFrame]] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """Name of the row that the others are compared with."""
        return baseline_of(self.kind, self.rows)

    def add(self, row: Row, runs: Sequence[RunFolder]) -> None:
        """A row that has been trained; its runs differ in their seeds.

        Raises RunError where the head that is judged is not there.
        """
        judge = self.kind.answers or (lambda asked, row, run: answers(run, row.head))
        self._answers[row.name] = [judge(self.asked, row, run) for run in runs]
        self._values[row.name] = _values(row, runs, self._answers[row.name], own=self.kind.answers is None)
        if self.kind.told is not None:
            self._values[row.name]["told"] = dict(self.kind.told(self.asked, row, runs[0], self._answers[row.name][0]))
        for name in self._answers if row.name == self.baseline else (row.name,):
            self._compare(name)

    def fail(self, row: Row, reason: str) -> None:
        """A row that could not be trained or judged."""
        self._answers.pop(row.name, None)
        self._values[row.name] = {"state": "failed", "reason": reason}

    def require_any(self) -> None:
        """Raises RunError where no row has numbers, with the first row's reason."""
        if not self._answers:
            reason = next((one["reason"] for one in self._values.values()), "")
            raise RunError(f"No row could be trained. {self.rows[0].title}: {reason}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values: kind, title, dataset, budget and what it means, seeds, baseline, rows."""
        listed = []
        for row in self.rows:
            facts = {"name": row.name, "title": row.title, "head": row.head, "facts": dict(row.facts)}
            listed.append(facts | {"state": "waiting"} | self._values.get(row.name, {}))
        self._correct(listed)
        return to_json_value(
            {
                "kind": self.kind.name, "title": self.kind.title, "summary": self.kind.summary,
                "figure": self.kind.figure, "across": self.kind.across, "dataset": str(self.asked.dataset.path),
                "dataset_name": self.asked.dataset.name, "positive": self.asked.dataset.positive,
                "judged_on": self._judged_on(),
                "budget": self.asked.budget, "seeds": self.seeds, "baseline": self.baseline, "reduced": self.reduced,
                "full": self.full, "rows": listed,
            }
        )  # fmt: skip

    def _judged_on(self) -> str:
        """Name of the set that every row is judged on; empty where each is by its own out-of-fold answers."""
        if self.kind.answers is None:
            return ""
        return self.asked.dataset.name if self.kind.judged_on is None else self.kind.judged_on(self.asked)

    def _compare(self, name: str) -> None:
        """Name's difference to the baseline, where both are there."""
        if name == self.baseline or not {name, self.baseline} <= set(self._answers):
            return
        try:
            same = self._values[name]["runs"] == self._values[self.baseline]["runs"]  # two heads of the same networks
            self._values[name]["difference"] = differences(self._answers[name], self._answers[self.baseline], same)
        except RunError as error:
            self._values[name]["not_compared"] = str(error)

    def _correct(self, listed: list[dict[str, Any]]) -> None:
        for metric in METRICS:
            found = [row["difference"][metric] for row in listed if "difference" in row]
            for one, adjusted in zip(found, holm([one["p"] for one in found]), strict=True):
                one |= {"p_holm": float(adjusted), "settled": bool(adjusted < ALPHA)}


def differences(of: list[pd.DataFrame], base: list[pd.DataFrame], paired: bool = False) -> dict[str, dict[str, Any]]:
    """By metric what ``of`` has more than ``base``: difference, lo, hi, p, n, and ``over`` which kinds of chance.

    Both: tables of ``core.runs.compare.answers``, one a training. paired: the k-th of both are of one training.
    """
    named = [*(("this row", one) for one in of), *(("the baseline", one) for one in base)]
    labels, found, groups = on_shared_patches(named)
    if len(of) == len(base) == 1:
        compared = compare(labels, *found[0], *found[1], groups, METRICS, N_BOOT).differences
        keys = ("difference", "lo", "hi", "p")
        return {
            metric: {key: getattr(compared[metric], key) for key in keys} | {"n": len(labels), "over": "patches"}
            for metric in METRICS
        }
    result = {}
    for metric in METRICS:
        many = compare_repeats(labels, found[: len(of)], found[len(of) :], groups, metric, N_BOOT, paired=paired)
        both = many.both
        values = {"difference": many.difference, "lo": both.lo, "hi": both.hi, "p": both.p}
        patches = {"lo": many.patches.lo, "hi": many.patches.hi, "p": many.patches.p}
        result[metric] = values | {"n": len(labels), "over": "patches and trainings", "patches": patches}
    return result


def _values(row: Row, runs: Sequence[RunFolder], tables: list[pd.DataFrame], own: bool) -> dict[str, Any]:
    """A row's numbers. own: they are of its run's out-of-fold answers, so that training F1 belongs beside them."""
    run = runs[0]
    summary, config = run.summary(), run.config()
    head = row.head or summary["head"]
    named = [(one.name, table) for one, table in zip(runs, tables, strict=True)]
    labels, found, groups = on_shared_patches(named)
    scored = [metrics(labels, probs, pred=pred) for pred, probs in found]
    samples = resampled_metrics(labels, found, groups, N_BOOT, 0)
    worth = effective_groups_by_metric(labels, found[0][0], groups)
    oof: dict[str, Any] = {}
    for metric in METRICS:
        values = np.array([one[metric] for one in scored], float)
        mean = float(values.mean())
        drawn = np.mean([one[metric] for one in samples], axis=0)
        oof[metric] = mean
        oof[f"{metric}_interval"] = interval(mean, drawn, worth[metric], metric)
        if len(values) > 1:
            oof[f"{metric}_seeds"] = {"values": values.tolist(), "sd": float(values.std(ddof=1))}
    for metric in ("recall", "precision", "specificity", "accuracy"):
        oof[metric] = float(np.mean([one[metric] for one in scored]))
    lost = head_gap(run, head) if own else None
    return {
        "state": "succeeded", "runs": [one.name for one in runs], "head": head,
        "n": len(labels), "positive_share": float(labels.mean()), "grouped": groups is not None,
        "folds": config.folds.n_splits, "epochs": config.train.epochs, "oof": oof,
        "train": None if lost is None else lost["train"], "gap": None if lost is None else lost["gap"],
        "minutes": sum(float(one.summary()["seconds"]) for one in runs) / 60,
        "warnings": list(summary["warnings"]), **sizes(run),
    }  # fmt: skip


def sizes(run: RunFolder) -> dict[str, int | None]:
    """parameters: of the network; opened: those that are trained in the last epoch. None where it cannot be built."""
    from core.train.networks.backbones import load_network
    from core.train.optimisation.unfreezing import opening_at

    try:
        network, train = load_network(run.fold_path(0)), run.config().train
        opened = opening_at(train.epochs, network, train).parameters
    except LandslideLensError:
        return {"parameters": None, "opened": None}
    count = {name: parameter.numel() for name, parameter in network.named_parameters()}
    return {"parameters": sum(count.values()), "opened": sum(count[name] for name in opened)}


def f1_words(table: dict[str, Any]) -> str:
    """What the F1 of a row is of: its own out-of-fold answers, or the patches that all rows are judged on."""
    return f"F1 on {table['judged_on']}" if table.get("judged_on") else "Out-of-fold F1"


def sentence(table: dict[str, Any]) -> str:
    """What the experiment found, for people: the best row, and how many differ from the baseline for sure."""
    rows = [row for row in table["rows"] if row["state"] == "succeeded"]
    if not rows:
        return "No row has been trained yet."
    best = max(rows, key=lambda row: row["oof"]["f1"])
    base = next((row for row in rows if row["name"] == table["baseline"]), None)
    so_far = " so far" if any(row["state"] == "waiting" for row in table["rows"]) else ""
    words = (
        f"Highest F1{so_far}: {best['title']}, {number(best['oof']['f1'])} "
        f"(95% interval {interval_text(best['oof']['f1_interval'])})."
    )
    compared = [row["difference"]["f1"] for row in rows if "difference" in row]
    if base is None or not compared:
        return words
    sure = [one["difference"] for one in compared if one["settled"]]
    better = sum(size > 0 for size in sure)
    if best is not base and (gained := best.get("difference", {}).get("f1")):
        words = f"{words[:-1]}, {difference(gained['difference'])} to {base['title']}."
    counts = [f"{n} {what}" for n, what in ((better, "better"), (len(sure) - better, "worse")) if n]
    told = " and ".join(counts) if counts else "none different"
    found = f"{words} Of {len(compared)} compared with {base['title']}: {told}"
    if table["seeds"] < 2:
        return f"{found} for other patches (Holm). Other trainings are not known from one of each row."
    alone = sum(survives(one) == PATCHES_ALONE for one in compared)
    more = f" {alone} more for other patches alone." if alone else ""
    return f"{found} for other patches and other trainings (Holm).{more}"


PATCHES_ALONE = "other patches alone"


def survives(gained: dict[str, Any]) -> str:
    """Which kinds of chance a row's difference to the baseline survives, Holm's correction considered; empty: none.

    Alone: by its own p over patches, where several trainings of each row do not all keep it.
    """
    if "patches" not in gained:
        return "other patches" if gained["settled"] else ""
    if gained["settled"]:
        return "other patches and trainings"
    return PATCHES_ALONE if gained["patches"]["p"] is not None and gained["patches"]["p"] < ALPHA else ""
