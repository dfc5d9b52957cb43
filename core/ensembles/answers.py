"""New patches answered by an ensemble: its members' answers for the same ids, combined with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from core.data.readers.base import some
from core.ensembles.answers_csv import read_answers
from core.ensembles.folder import EnsembleFolder
from core.errors import FormatError
from core.evaluate.calibration.fit import log_odds


@dataclass(frozen=True)
class Combined:
    """ids: (N,) text. probs: (N,) 0-1, nan where a member has no probability. pred: (N,) int8, -1 there.

    by_member: key -> (N,) its own probabilities. threshold: learnt on all out-of-fold answers.
    """

    ids: np.ndarray
    probs: np.ndarray
    pred: np.ndarray
    threshold: float
    by_member: Mapping[str, np.ndarray]

    def table(self) -> pd.DataFrame:
        """A row a patch: id, prob, pred (<NA> for none), and prob_KEY of each member."""
        pred = pd.array(np.where(self.pred < 0, 0, self.pred), dtype="Int8")
        pred[self.pred < 0] = pd.NA
        columns = {f"prob_{key}": probs for key, probs in self.by_member.items()}
        return pd.DataFrame({"id": self.ids, "prob": self.probs, "pred": pred, **columns})


def combine(ensemble: EnsembleFolder, given: Mapping[str, pd.DataFrame], method: str | None = None) -> Combined:
    """Every member's answers (id, prob) for the same patches as one answer each, in the first member's order.

    given: by the member's key. method: none is the headline's.

    Raises FormatError naming the members that are missing, or the ids that one of them does not answer for.
    """
    keys = [str(one["key"]) for one in ensemble.card()["members"]]
    if absent := [key for key in keys if key not in given]:
        raise FormatError(f"There are no answers of {some(absent)}. Every member has to answer for the new patches.")
    if unknown := [key for key in given if key not in keys]:
        raise FormatError(f"{some(unknown)} is no member of '{ensemble.name}'. Its members: {some(keys, 30)}.")
    tables = {key: given[key].astype({"id": str}).set_index("id")["prob"] for key in keys}
    every = pd.Index(dict.fromkeys(name for one in tables.values() for name in one.index))
    for key, one in tables.items():
        lacking = every.difference(one.index, sort=False)
        if len(lacking):
            raise FormatError(
                f"{key} has no answer for {len(lacking):,} of the {len(every):,} patches that the other members answer "
                f"for: {some(lacking.tolist(), 10)}. Every member has to answer for the same ids."
            )
    probs = {key: one.loc[every].to_numpy(np.float64) for key, one in tables.items()}
    members = np.stack([np.where(np.isfinite(one), log_odds(np.nan_to_num(one)), np.nan) for one in probs.values()])
    combined, threshold = expit(ensemble.combination(method).log_odds(members)), ensemble.threshold(method)
    pred = np.where(np.isfinite(combined), combined >= threshold, -1).astype(np.int8)
    return Combined(every.to_numpy(dtype=object), combined, pred, threshold, probs)


def read_given(ensemble: EnsembleFolder, files: Mapping[str, tuple[Path, str | None]]) -> dict[str, pd.DataFrame]:
    """Members' answers from CSVs: by key the file and, where it is not the usual one, the column.

    The CSV of ``predict`` does for a run's member: its column prob is the headline head's, prob_HEAD another's.
    """
    members, found = {str(one["key"]): one for one in ensemble.card()["members"]}, {}
    for key, (path, column) in files.items():
        member = members.get(key, {})
        if column is None and member.get("kind") == "run" and member["head"] != member["headline"]:
            column = f"prob_{member['head']}"
        found[key] = read_answers(path, column)
    return found
