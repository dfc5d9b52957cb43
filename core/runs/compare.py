"""Runs side by side: their headline numbers, and whether a difference between two of them is real."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.errors import RunError
from core.runs.store import RunFolder

if TYPE_CHECKING:
    from core.evaluate.comparison.repeats import RepeatedDifference
    from core.evaluate.comparison.significance import Comparison


def table(runs: Iterable[RunFolder]) -> pd.DataFrame:
    """One row a run: dataset, preset, head, out-of-fold F1 with interval, AUC, recall, precision, n, seconds.

    A run without a summary (not finished, failed) has its state and no numbers.
    """
    rows = []
    for run in runs:
        row = {"run": run.name, "state": run.status()["state"], "preset": run.config().preset}
        try:
            summary = run.summary()
        except RunError:
            rows.append(row)
            continue
        oof = summary["oof"]
        low, high = oof["f1_interval"]
        rows.append(
            row
            | {"dataset": summary["dataset_name"], "head": summary["head"], "n": oof["n"], "f1": oof["f1"]}
            | {"f1_low": low, "f1_high": high, "auc": oof["auc"], "recall": oof["recall"]}
            | {"precision": oof["precision"], "seconds": summary["seconds"]}
        )
    return pd.DataFrame(rows)


def settings(a: RunFolder, b: RunFolder) -> list[tuple[str, Any, Any]]:
    """The settings that differ between two runs: (name with dots, a's value, b's value); None where one has no such.

    The content of the datasets is among them, as ``dataset``, where it differs.
    """
    first, second = (_flat(json.loads(run.config().to_json())) for run in (a, b))
    names = [name for name in dict.fromkeys([*first, *second]) if first.get(name) != second.get(name)]
    rows = [(name, first.get(name), second.get(name)) for name in names]
    contents = [run.provenance()["dataset"]["content_hash"] for run in (a, b)]
    return rows if contents[0] == contents[1] else [("dataset", *contents), *rows]


def _flat(values: dict, before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def pair(a: RunFolder, b: RunFolder, head_a: str | None = None, head_b: str | None = None) -> Comparison:
    """Two runs, or two heads of one run, on the patches that both answered out of fold; each group drawn whole.

    head_a, head_b: none is each run's headline. Raises RunError when they share no patch, when a head is not there, or
    when the same patch has different labels in the two.
    """
    from core.evaluate.comparison.significance import compare

    labels, (first, second), groups = _on_shared_patches([(a, head_a), (b, head_b)])
    return compare(labels, *first, *second, groups)


def recipes(
    a: list[RunFolder], b: list[RunFolder], head_a: str | None = None, head_b: str | None = None, metric: str = "f1"
) -> RepeatedDifference:
    """Two recipes by their trainings (``core.runs.repeats``), on the patches that all answered out of fold.

    Raises as :func:`pair` does.
    """
    from core.evaluate.comparison.repeats import compare_repeats

    asked = [*((run, head_a) for run in a), *((run, head_b) for run in b)]
    labels, found, groups = _on_shared_patches(asked)
    return compare_repeats(labels, found[: len(a)], found[len(a) :], groups, metric)


def heads(runs: Sequence[RunFolder], head: str, other: str, metric: str = "f1") -> RepeatedDifference:
    """One head against another by all trainings of a recipe, each training's two heads against each other.

    runs: of :func:`core.runs.repeats.repeats_of`; one training without a head raises RunError, as does :func:`pair`.
    """
    from core.evaluate.comparison.repeats import compare_repeats

    asked = [(run, name) for name in (head, other) for run in runs]
    labels, found, groups = _on_shared_patches(asked)
    return compare_repeats(labels, found[: len(runs)], found[len(runs) :], groups, metric, paired=True)


def recipe_against(run: RunFolder, other: RunFolder, names: tuple[str, str] | None = None) -> dict[str, Any]:
    """The first run's recipe against another's, by F1 and AUC; why not, where they cannot be compared.

    names: what the two are called in sentences; otherwise by their folders.
    """
    from core.runs.repeats import repeats_of
    from core.runs.store import list_runs

    row: dict[str, Any] = {"run": run.name, "other": other.name}
    first, second = names or (run.name, other.name)
    try:
        sides = repeats_of(run, list_runs(run.checkpoints)), repeats_of(other, list_runs(other.checkpoints))
        if other.name in {one.name for one in sides[0]}:
            sentence = f"{first} and {second} are trainings of one recipe: they differ by their seeds alone."
            return row | {"sentence": sentence, "same_recipe": True}
        found = {metric: recipes(*sides, metric=metric) for metric in ("f1", "auc")}
    except RunError as error:
        return row | {"sentence": f"{first} and {second} cannot be compared: {error}", "reason": str(error)}
    words = " ".join(one.sentence(first, second, metric.upper()) for metric, one in found.items())
    return row | {metric: one.to_dict() for metric, one in found.items()} | {"sentence": words}


def rows(against: RunFolder, others: Iterable[RunFolder], metric: str = "f1") -> list[dict]:
    """Every other run against one, by headline heads, each p beside Holm's for all of them; see ``many.with_holm``.

    A run that cannot be compared is there with its ``reason``.
    """
    from core.evaluate.comparison.many import with_holm

    found, left_out = {}, []
    for run in others:
        try:
            found[run.name] = pair(run, against)
        except RunError as error:
            left_out.append({"name": run.name, "metric": metric, "reason": str(error)})
    return [row | {"reason": ""} for row in with_holm(found, metric)] + left_out


def _on_shared_patches(
    asked: Sequence[tuple[RunFolder, str | None]],
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]], np.ndarray | None]:
    """Labels (n,), pred and probs of each (run, head), and groups or None, of the patches that all have answers for."""
    return on_shared_patches([(run.name, answers(run, head)) for run, head in asked])


def on_shared_patches(
    asked: Sequence[tuple[str, pd.DataFrame]],
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]], np.ndarray | None]:
    """Labels (n,), pred and probs of each, and groups or None, of the patches that all have answered.

    asked: a name for sentences, and a table of :func:`answers`. Raises RunError when they share no patch, or when the
    same patch has different labels.
    """
    tables = [table.set_index("id") for _, table in asked]
    shared, first = tables[0].index, asked[0][0]
    for table_, (name, _) in zip(tables[1:], asked[1:], strict=True):
        shared = shared.intersection(table_.index, sort=False)
        if shared.empty:
            raise RunError(f"'{first}' and '{name}' share no patch. Compare runs on the same dataset.")
    tables = [one.loc[shared] for one in tables]
    labels = tables[0]["label"].to_numpy()
    for one, (name, _) in zip(tables[1:], asked[1:], strict=True):
        if differ := int((one["label"].to_numpy() != labels).sum()):
            raise RunError(
                f"{differ} of the {len(shared)} patches that '{first}' and '{name}' share have different labels. Train "
                "one of them again on the corrected dataset."
            )
    groups = tables[0]["group"].to_numpy()
    grouped = len(groups) > 0 and bool((groups != "").all())
    found = [(one["pred"].to_numpy(), one["prob"].to_numpy()) for one in tables]
    return labels, found, groups if grouped else None


def answers(run: RunFolder, head: str | None = None) -> pd.DataFrame:
    """id, label, group, prob, pred of one head, out of fold; none: the headline. Raises RunError for an unknown one."""
    head, oof = head or run.summary()["head"], run.oof()
    if f"prob_{head}" not in oof:
        known = ", ".join(str(name)[5:] for name in oof if str(name).startswith("prob_"))
        raise RunError(f"Run '{run.name}' has no head '{head}'. Its heads: {known}.")
    names = {f"prob_{head}": "prob", f"pred_{head}": "pred"}
    return oof[["id", "label", "group", *names]].rename(columns=names)
