"""Members of an ensemble: a head of a finished run, or a CSV of somebody's out-of-fold probabilities; on one table.

What is guaranteed: no patch's label has taught the weights or the threshold that decide this patch, on whatever folds
the members were made, as long as each member's own answer for it is out of fold. What cannot be seen from here is said
(``notes``): a CSV's folds, folds that part a group, a model that was chosen on its validation fold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.data.readers.base import some
from core.data.readers.tables import DEFAULT_CLASSES
from core.data.store import open_dataset
from core.ensembles.answers_csv import read_answers
from core.ensembles.stacking import METHODS
from core.errors import ConfigError, LabelError, RunError
from core.evaluate.calibration.fit import log_odds
from core.io.safe_paths import slug
from core.runs.labels import title_of
from core.runs.store import open_run

FEWEST, MOST = 2, 30
CLASSES = DEFAULT_CLASSES  # where no run and no dataset names them


@dataclass(frozen=True)
class Member:
    """One member and its out-of-fold answers.

    key: what columns and commands call it. title: what people call it. kind: ``run`` or ``csv``. table: id, prob;
    label (0/1), fold (0..) and group where they are known. facts: of a run, run, head, dataset_name, class_names.
    """

    key: str
    title: str
    kind: str
    table: pd.DataFrame
    facts: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Joined:
    """Members on the patches that all of them answer for.

    ids: (N,) text. labels: (N,) 0/1. fold_of: (N,) 0..K-1, by ``folds_of``. groups: (N,) or None. log_odds, probs:
    (M, N). class_names: negative, positive. folds_of: the key of the member whose folds are used, or "" for drawn ones.
    same_folds: (M,) whether a member has these very folds; None where its folds are not known.
    """

    ids: np.ndarray
    labels: np.ndarray
    fold_of: np.ndarray
    groups: np.ndarray | None
    probs: np.ndarray
    class_names: tuple[str, str]
    dataset_name: str
    folds_of: str
    same_folds: tuple[bool | None, ...]
    notes: tuple[str, ...]

    @property
    def log_odds(self) -> np.ndarray:
        """(M, N), kept finite."""
        return log_odds(self.probs)


def read_members(asked: Sequence[str], checkpoints: Path) -> list[Member]:
    """The members of these names: ``RUN``, ``RUN:HEAD``, ``FILE.csv`` or ``FILE.csv:COLUMN``.

    Raises ConfigError for too few, too many or one that is asked for twice, and what reading a run or a CSV raises.
    """
    if not FEWEST <= len(asked) <= MOST:
        raise ConfigError(f"An ensemble has {FEWEST} to {MOST} members; {len(asked)} were named.")
    found: dict[str, Member] = {}
    for text in asked:
        path, column = _csv_of(text)
        member = _of_run(text, checkpoints) if path is None else _of_csv(path, column)
        if member.key in (*found, *METHODS) and member.kind == "csv":
            member = replace(member, key=_free(member.key, found), title=f"{member.title} ({len(found) + 1})")
        if member.key in found or any(_same(member, other) for other in found.values()):
            raise ConfigError(f"'{text}' is named twice: the same answers a second time add nothing. Leave one out.")
        found[member.key] = member
    return list(found.values())


def _csv_of(text: str) -> tuple[Path | None, str | None]:
    """The file and the column of its probabilities, where a member is a CSV."""
    if Path(text).suffix.lower() == ".csv" or Path(text).is_file():
        return Path(text), None
    before, colon, column = text.rpartition(":")
    if colon and Path(before).suffix.lower() == ".csv":
        return Path(before), column or None
    return None, None


def _of_csv(path: Path, column: str | None) -> Member:
    table, notes = read_answers(path, column), []
    if n_empty := int(table["prob"].isna().sum()):
        notes.append(f"{path.name} has no probability for {n_empty:,} of {len(table):,} patches.")
    if "fold" in table:
        table["fold"] = pd.factorize(table["fold"], sort=True)[0]
    name = path.stem if column is None else f"{path.stem}, {column}"
    return Member(
        slug(name.replace(", ", "_")), name, "csv", table.dropna(subset="prob"), {"file": path.name}, tuple(notes)
    )


def _of_run(text: str, checkpoints: Path) -> Member:
    name, _, head = text.partition(":")
    run = open_run(checkpoints, name)
    run.require_finished()
    summary, oof = run.summary(), run.oof()
    head = head or summary["head"]
    if f"prob_{head}" not in oof:
        known = ", ".join(str(one)[5:] for one in oof if str(one).startswith("prob_"))
        raise RunError(f"Run '{run.name}' has no head '{head}'. Its heads: {known}.")
    table = oof[["id", "label", "fold", "group"]].assign(prob=oof[f"prob_{head}"])
    table = table[(table["label"] >= 0) & (table["fold"] >= 0) & table["prob"].notna()]
    facts = {"run": run.name, "head": head, "headline": summary["head"]}
    facts |= {"dataset_name": summary["dataset_name"], "class_names": summary["class_names"]}
    return Member(f"{run.name}:{head}", f"{head} of {title_of(run)}", "run", table.reset_index(drop=True), facts)


def _free(key: str, taken: dict[str, Member]) -> str:
    return next(f"{key}_{n}" for n in range(2, MOST + 2) if f"{key}_{n}" not in taken)


def _same(a: Member, b: Member) -> bool:
    return len(a.table) == len(b.table) and a.table.set_index("id")["prob"].equals(b.table.set_index("id")["prob"])


# ------------------------------------------------------------------------------------------------- on one table


def join(members: Sequence[Member], dataset: Path | None = None) -> Joined:
    """The members on the patches that all of them answer for.

    dataset: whose labels count; none: those of the first run, without a run those of the first CSV that has labels.

    Raises LabelError where nobody says the labels, they differ, or are of one class, and RunError where the members
    share no patch.
    """
    notes = [note for member in members for note in member.notes]
    truth, class_names, dataset_name = _truth(members, dataset)
    shared = truth.index
    for member in members:
        shared = shared.intersection(pd.Index(member.table["id"].astype(str)), sort=False)
    if shared.empty:
        raise RunError(
            f"No patch is answered for by all of {_titles(members)}. An ensemble needs the same patches "
            "in every member, under the same ids."
        )
    notes += _left_out(members, truth.index, shared)
    truth = truth.loc[shared]
    labels = truth["label"].to_numpy(np.int8)
    tables = [member.table.assign(id=member.table["id"].astype(str)).set_index("id").loc[shared] for member in members]
    for member, table in zip(members, tables, strict=True):
        notes += _check_labels(member, table, labels, class_names)
    if len(np.unique(labels)) < 2:
        raise LabelError(f"All {len(labels):,} shared patches have one label. Weights need patches of both classes.")
    groups = truth["group"].astype(str).to_numpy() if "group" in truth else None
    groups = None if groups is None or (groups == "").any() else groups
    fold_of, folds_of = _folds(members, tables, labels, groups)
    same = tuple(_same_folds(table, fold_of) for table in tables)
    for member, table, one in zip(members, tables, same, strict=True):
        notes += _doubts(member, table, one, groups)
    return Joined(
        ids=shared.to_numpy(dtype=object),
        labels=labels,
        fold_of=fold_of,
        groups=groups,
        probs=np.stack([table["prob"].to_numpy(np.float64) for table in tables]),
        class_names=class_names,
        dataset_name=dataset_name,
        folds_of=folds_of,
        same_folds=same,
        notes=tuple(notes),
    )


def _left_out(members: Sequence[Member], known: pd.Index, shared: pd.Index) -> list[str]:
    """Which patches are not among those that all answer for, and why."""
    notes = []
    answered = [pd.Index(member.table["id"].astype(str)) for member in members]
    for member, own in zip(members, answered, strict=True):
        if len(unknown := own.difference(known, sort=False)):
            notes.append(
                f"{member.title} answers for {_patches(len(unknown))} whose label nobody names "
                f"({some(unknown.tolist(), 3)}); they are left out."
            )
        if len(lacking := known.difference(own, sort=False)):
            notes.append(
                f"{member.title} has no answer for {_patches(len(lacking))} ({some(lacking.tolist(), 3)}); they are "
                "left out."
            )
    return notes


def _patches(n: int) -> str:
    return "1 patch" if n == 1 else f"{n:,} patches"


def _truth(members: Sequence[Member], dataset: Path | None) -> tuple[pd.DataFrame, tuple[str, str], str]:
    """Label (and group, where known) by id, the names of the classes, and the dataset's name."""
    if dataset is not None:
        data = open_dataset(dataset)
        table = pd.DataFrame({"label": np.asarray(data.labels)}, index=pd.Index(data.ids.astype(str)))
        if data.groups is not None:
            table["group"] = data.groups
        return table[table["label"] >= 0], data.class_names, data.name
    for member in members:
        if member.kind == "run":
            names = tuple(member.facts["class_names"])
            table = member.table[["id", "label", "group"]].astype({"id": str}).set_index("id")
            return table, (str(names[0]), str(names[1])), member.facts["dataset_name"]
    for member in members:
        if "label" in member.table:
            labels = _read_labels(member.table["label"], CLASSES)
            if labels is None:
                raise LabelError(
                    f"The labels of {member.facts['file']} are not 0 and 1. Name a dataset (--dataset), or write 1 for "
                    "the positive class and 0 for the other."
                )
            return pd.DataFrame({"label": labels}, index=pd.Index(member.table["id"])), CLASSES, member.title
    raise LabelError("No member says which patches are positive. Name a dataset (--dataset), or add a column 'label'.")


def _read_labels(cells: pd.Series, class_names: tuple[str, str]) -> np.ndarray | None:
    """(N,) int8 from text; None where it is neither 0 and 1 nor the names of the classes."""
    names = {"0": 0, "1": 1, "0.0": 0, "1.0": 1} | {name.casefold(): k for k, name in enumerate(class_names)}
    codes = [names.get(str(cell).strip().casefold()) for cell in cells]
    return None if any(code is None for code in codes) else np.array(codes, np.int8)


def _check_labels(member: Member, table: pd.DataFrame, labels: np.ndarray, class_names: tuple[str, str]) -> list[str]:
    """Raise LabelError where a member's labels differ; a sentence where they cannot be read."""
    if "label" not in table:
        return []
    own = table["label"].to_numpy() if member.kind == "run" else _read_labels(table["label"], class_names)
    if own is None:
        return [
            f"{member.title}: its labels are neither 0 and 1 nor {' and '.join(class_names)}, so they were not checked."
        ]
    differ = np.flatnonzero(own != labels)
    if len(differ):
        raise LabelError(
            f"{member.title} has other labels for {len(differ):,} of the {len(labels):,} shared patches (first: "
            f"{table.index[differ[0]]}). Use members that were made with the same labels."
        )
    return []


def _folds(
    members: Sequence[Member], tables: Sequence[pd.DataFrame], labels: np.ndarray, groups: np.ndarray | None
) -> tuple[np.ndarray, str]:
    """(N,) 0..K-1 and whose they are: the first run's, then the first CSV's, then drawn ones (groups kept together)."""
    ordered = sorted(range(len(members)), key=lambda k: members[k].kind != "run")
    for k in ordered:
        if "fold" in tables[k] and tables[k]["fold"].nunique() > 1:
            return np.unique(tables[k]["fold"].to_numpy(), return_inverse=True)[1], members[k].key
    from core.data.folds import make_folds

    return make_folds(labels, groups, 5, 0).fold_of.astype(np.int64), ""


def _same_folds(table: pd.DataFrame, fold_of: np.ndarray) -> bool | None:
    if "fold" not in table:
        return None
    pairs = set(zip(table["fold"].tolist(), fold_of.tolist(), strict=True))
    return len(pairs) == len(np.unique(fold_of)) == table["fold"].nunique()


def _doubts(member: Member, table: pd.DataFrame, same: bool | None, groups: np.ndarray | None) -> list[str]:
    """What about a member's folds may make its score, and so the ensemble's, too good."""
    if same is None:
        return [f"{member.title}: its folds are not known, so nobody can tell whether its answers are out of fold."]
    if groups is None:
        return []
    parted = int(
        (pd.DataFrame({"group": groups, "fold": table["fold"].to_numpy()}).groupby("group")["fold"].nunique() > 1).sum()
    )
    if not parted:
        return []
    return [
        f"{member.title}: its folds part {parted:,} of {len(np.unique(groups)):,} groups, so it knows their patches' "
        "neighbours. Its score is too good, and the stack trusts it too much."
    ]


def _titles(members: Sequence[Member]) -> str:
    return some([member.title for member in members], 3)


def best_of(f1: Sequence[float]) -> int:
    """The place of the best F1; the first where none is defined."""
    known = [-math.inf if value is None or math.isnan(value) else value for value in f1]
    return int(np.argmax(known))
