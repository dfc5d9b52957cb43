"""Parts of the patches that a run is wrong on more often than elsewhere, and how hard and how alone each patch is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.errors import RunError
from core.flow.fold_rows import fold_rows
from core.progress import Progress, Steps
from core.runs.job_folder import now
from core.runs.plain_files import to_json_value
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from core.text import count, interval_percent, percent

NAME = "slices"
WHAT = {  # "12 of 60 patches are wrong"
    "wrong": ("patches", "are wrong"),
    "missed": ("positive patches", "are missed"),
    "false_alarm": ("negative patches", "are false alarms"),
}
TITLES = {
    "cloud": "cloud cover", "scar_share": "scars", "outlier": "distance from the training patches",
    "uniqueness": "distance from other patches",
}  # fmt: skip
UNITS = {"scar_share": "% of the patch", "latitude": "°", "longitude": "°"}
UNITS |= dict.fromkeys(("outlier", "uniqueness"), "times the usual")
ENDS = {"scar_share": ("small", "large"), "month": None, "latitude": None, "longitude": None}


class SlicesOptions(Options):
    """Whose errors."""

    head: str = Field(
        "", title="Head", description="Name of the head whose errors are looked at; empty: that of the run's headline."
    )


@dataclass(frozen=True)
class Slices:
    """report: made, head, n, n_positive, n_wrong, n_groups, grouped, n_candidates, n_tested, message, and two lists.

    Its ``slices``: those that survive, the largest difference from the rest first; ``tested``: every one that was
    tested. Both hold rows of key, name, clauses (words, numbers), measure, n (of both halves), and what
    ``core.evaluate.slice_search.Tested`` says of the half that tested it, with ``also``: by measure, wrong ones and
    patches there.
    """

    report: dict[str, Any]
    results: ResultFolder

    def patches(self) -> pd.DataFrame:
        """A row a patch, in the order of the run's answers; see :func:`read_patches`."""
        return self.results.table("patches")

    def row(self, key: str) -> dict[str, Any] | None:
        """The slice of that key, None where it was not kept."""
        return next((row for row in self.report["slices"] if row["key"] == key), None)

    def ids(self, key: str) -> frozenset[str] | None:
        """The patches of the slice that its measure counts, of both halves; None where it was not kept."""
        if self.row(key) is None:
            return None
        table = self.patches()
        return frozenset(table.loc[[key in keys.split(";") for keys in table["slices"]], "id"])


def analyse(run: RunFolder, options: SlicesOptions) -> Steps[dict[str, Any]]:
    """Look for slices of errors in what the run has kept and in its dataset; no network is loaded.

    Raises RunError for a run that has not finished or a head that it does not have, DataError where its dataset cannot
    be read.
    """
    from core.evaluate.slice_search import search

    run.require_finished()
    head = _head(run, options.head)
    known = yield from look_at(run, head)
    oof, labels, pred, parts, groups = known.oof, known.labels, known.pred, known.parts, known.groups
    fold_of = oof["fold"].to_numpy()
    yield Progress(0.7, "Proposing slices on one half of the groups, testing them on the other.")
    found = search(labels, pred, known.member, *known.named, groups, fold_of, seed=run.config().seed)
    tested = [_row(one, parts, labels, pred, found.half) for one in found.tested]
    kept = [tested[found.tested.index(one)] for one in found.kept]
    report = {
        "made": now(),
        "head": head,
        "n": len(oof),
        "n_positive": int((labels == 1).sum()),
        "n_wrong": int((pred != labels).sum()),
        "n_groups": len(np.unique(groups)) if groups is not None else len(oof),
        "grouped": groups is not None,
        "n_folds": len(np.unique(fold_of)),
        "halves": np.bincount(found.half, minlength=2).tolist(),
        "n_candidates": found.n_candidates,
        "n_tested": len(tested),
        "slices": kept,
        "tested": tested,
    }
    report = to_json_value(report)
    report["message"] = sentence(report["slices"][0]) if kept else nothing(report)
    keys = {row["key"]: _counted(one, known.member, labels) for row, one in zip(kept, found.kept, strict=True)}
    results = run.results(NAME)
    results.write_table("patches", _patches(known, head, found.half, keys))
    results.write_json("report.json", report)
    return {"run": run.name, **report}


def check(run: RunFolder, options: SlicesOptions) -> None:
    """Raises RunError for a head that the run does not have."""
    _head(run, options.head)


def read(run: RunFolder) -> Slices | None:
    """What was found, or None before the analysis was done."""
    results = run.results(NAME)
    return Slices(results.json("report.json"), results) if results.has("report.json") else None


def read_patches(run: RunFolder) -> pd.DataFrame | None:
    """A row a patch, or None before the analysis was done.

    id, label, fold, prob, wrong (of the head of the report), uniqueness and outlier (1 is typical of its fold, see
    ``core.review.patch_spaces.Spaces``), hardness (mean log loss over all heads), cluster (from 0 in its fold, -1
    none), half (which half of the groups), slices (keys of the slices that it is counted in, with ";" between).
    """
    found = read(run)
    return None if found is None else found.patches()


def sentence(row: Mapping[str, Any]) -> str:
    """One slice in one sentence: what it is, how many of it are wrong, with interval, and how many elsewhere."""
    things, are = WHAT[row["measure"]]
    bounds = interval_percent((row["lo"], row["hi"]))
    return (
        f"{row['name']}: {count(row['tested_wrong'])} of {count(row['tested'])} {things} {are} "
        f"({percent(row['rate'], 0)}, 95%: {bounds}) against {percent(row['rest'], 0)} elsewhere."
    )


def nothing(report: Mapping[str, Any]) -> str:
    """What is said where no slice survives."""
    if not report["n_tested"]:
        return "No part of the patches has enough of them, and of groups, in both halves to be tested."
    return (
        f"No slice of errors is beyond chance: {count(report['n_tested'])} were tested of "
        f"{count(report['n_candidates'])} looked at."
    )


# ------------------------------------------------------------------------------------------------- what is read


@dataclass(frozen=True, eq=False)
class Known:
    """The judged patches of a run, (N,) each: answers, labels, decisions, groups (or none), spaces, and candidates."""

    oof: pd.DataFrame
    labels: np.ndarray
    pred: np.ndarray
    groups: np.ndarray | None
    spaces: Any
    parts: list

    @property
    def member(self) -> np.ndarray:
        """(N, P) bool: which patches each part holds."""
        return np.array([part.member for part in self.parts], bool).reshape(len(self.parts), len(self.oof)).T

    @property
    def named(self) -> tuple[list[str], list[int]]:
        """(P,) facts and places, as ``core.evaluate.slice_search.search`` takes them."""
        return [part.fact for part in self.parts], [part.place for part in self.parts]


def look_at(run: RunFolder, head: str) -> Steps[Known]:
    """Everything that slices are searched in: the dataset is read once, no network is loaded."""
    from core.data.store import open_dataset
    from core.review.patch_spaces import look
    from core.review.slice_parts import parts_of_clusters, parts_of_facts

    config = run.config()
    oof, rows = _answers(run, head)
    fold_of, labels = oof["fold"].to_numpy(), oof["label"].to_numpy()
    dataset = open_dataset(Path(run.dataset_path()))
    yield Progress(0.05, "Reading what is known of each patch.")
    facts = _facts(dataset, dataset.index_of(oof["id"].tolist()), labels)
    yield Progress(0.5, "Looking at which patches are alike, fold by fold.")
    spaces = look(fold_of, lambda fold: run.embeddings(fold)["embeddings"][rows], config.embed.metric, config.seed)
    facts |= {name: _fact(name, getattr(spaces, name)) for name in ("outlier", "uniqueness")}
    answers = _fact("prob", oof[f"prob_{head}"].to_numpy(float), "predicted probability")
    parts = parts_of_facts(facts | {"fold": _fact("fold", (fold_of + 1).astype(str))})
    parts += parts_of_clusters(spaces.cluster, fold_of, facts, answers)
    groups = None if (oof["group"] == "").all() else oof["group"].to_numpy()
    return Known(oof, labels, oof[f"pred_{head}"].to_numpy().astype(int), groups, spaces, parts)


def _head(run: RunFolder, name: str) -> str:
    known = [column.removeprefix("pred_") for column in run.oof() if column.startswith("pred_")]
    head = name or run.summary()["head"]
    if head not in known:
        raise RunError(f"Run '{run.name}' has no answers of a head '{head}'. Choose one of {', '.join(known)}.")
    return head


def _answers(run: RunFolder, head: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The judged patches, and the rows of their embeddings (which hold all patches, judged or not)."""
    oof = run.oof()
    folds = range(run.config().folds.n_splits)
    rows = np.sort(np.concatenate([fold_rows(run, fold).val for fold in folds]))
    mine = ((oof["label"] >= 0) & (oof["fold"] >= 0) & oof[f"prob_{head}"].notna()).to_numpy()
    oof = oof.assign(id=oof["id"].astype(str), group=oof["group"].astype(str))
    return oof[mine].reset_index(drop=True), rows[mine]


def _fact(name: str, values: np.ndarray, title: str = "") -> Any:
    from core.data.tabular.picture_facts import Fact

    return Fact(title or TITLES.get(name, name), values, UNITS.get(name, ""), ENDS.get(name, ("low", "high")))


def _facts(dataset: Any, index: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """What is known of each patch: columns, source, month, place, size of the scar, and what its picture shows."""
    from core.data.tabular.patch_metadata import months, patch_facts, scar_shares, slicing_columns
    from core.data.tabular.picture_facts import picture_facts

    known = patch_facts(dataset, index, images=False)
    if "scar_share" not in known and dataset.has_masks:
        known["scar_share"] = np.where(labels == 1, scar_shares(dataset, index), np.nan)
    if (month := months(dataset, index)) is not None:
        known["month"] = month
    if "scar_share" in known:
        known["scar_share"] = 100 * known["scar_share"].astype(float)
    if dataset.lonlat is not None:
        known["longitude"], known["latitude"] = dataset.lonlat[index].T
    # a group is what is resampled: within one nothing can be told
    columns = {name: values for name, values in slicing_columns(known).items() if name != "group"}
    return picture_facts(dataset, index) | {name: _fact(name, values) for name, values in columns.items()}


# ------------------------------------------------------------------------------------------------ what is written


def _row(one: Any, parts: list, labels: np.ndarray, pred: np.ndarray, half: np.ndarray) -> dict[str, Any]:
    """A tested slice in plain values."""
    mine = [parts[i] for i in one.parts]
    inside = np.logical_and.reduce([part.member for part in mine]) & (half != one.proposed_by)
    wrong = pred != labels
    also = {
        name: [int((wrong & inside & of).sum()), int((inside & of).sum())]
        for name, of in (("wrong", labels >= 0), ("missed", labels == 1), ("false_alarm", labels == 0))
    }
    name = " and ".join(part.name for part in mine)
    values = {key: value for key, value in one.__dict__.items() if key != "parts"}
    return {
        "key": hashlib.blake2b(f"{one.measure} {name}".encode(), digest_size=4).hexdigest(),
        "name": name,
        "clauses": [{"words": c.words, "numbers": c.numbers} for part in mine for c in part.clauses],
        "also": also,
        "kept": one.kept,
    } | values


def _counted(one: Any, member: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) bool: the patches of the slice that its measure counts."""
    base = {"wrong": labels >= 0, "missed": labels == 1, "false_alarm": labels == 0}[one.measure]
    return member[:, list(one.parts)].all(axis=1) & base


def _patches(known: Known, head: str, half: np.ndarray, keys: Mapping[str, np.ndarray]) -> pd.DataFrame:
    from core.review.hardness import hardness

    oof, labels, spaces = known.oof, known.labels, known.spaces
    probs = np.stack([oof[name].to_numpy(float) for name in oof if name.startswith("prob_")], axis=1)
    return pd.DataFrame(
        {
            "id": oof["id"], "label": labels, "fold": oof["fold"], "prob": oof[f"prob_{head}"],
            "wrong": known.pred != labels, "uniqueness": spaces.uniqueness, "outlier": spaces.outlier,
            "hardness": hardness(labels, probs), "cluster": spaces.cluster, "half": half,
            "slices": [";".join(key for key in keys if keys[key][i]) for i in range(len(oof))],
        }
    )  # fmt: skip


ANALYSIS = Analysis(
    name=NAME,
    title="Slices of errors",
    summary="Kinds of patches that the run is wrong on more often than elsewhere, tested on patches apart.",
    page="review",
    view="slices",
    Options=SlicesOptions,
    run=analyse,
    read=read,
    check=check,
    needs_device=False,
)
