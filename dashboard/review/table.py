"""The patches that a run has judged, a row each, with everything that they are filtered and sorted by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.review import label_issues
from core.data.store import Dataset
from core.data.tabular.patch_metadata import SOURCE_NAMES
from core.evaluate.slices import slice_names
from core.flow.likeness import distances
from core.review.entry import Entry
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.patches import outcomes
from dashboard.review.filters import DIFFER

MOST_VALUES = 60  # a column with more distinct values is cut into ranges, or is no filter
Said = Mapping[str, Sequence[Entry]]


def with_doubts(table: pd.DataFrame, oof: pd.DataFrame) -> pd.DataFrame:
    """With hardness (mean log loss over the heads) and disagreement (standard deviation of the heads' probabilities).

    table: of ``outcomes.judged``, from this out-of-fold table.
    """
    rows = pd.Index(oof["id"].astype(str)).get_indexer(table["id"].astype(str))
    probs = np.stack([oof[f"prob_{name}"].to_numpy(float)[rows] for name in outcomes.heads_of(oof)], axis=1)
    known = np.isfinite(probs)
    n = np.maximum(known.sum(axis=1), 1)
    of_truth = np.where(table["label"].to_numpy()[:, None] == 1, probs, 1.0 - probs)
    loss = -np.log(np.clip(np.where(known, of_truth, 1.0), outcomes.SMALLEST_PROB, 1.0))  # 0 where nothing is known
    mean = np.where(known, probs, 0.0).sum(axis=1) / n
    spread = np.sqrt((np.where(known, probs - mean[:, None], 0.0) ** 2).sum(axis=1) / n)
    return table.assign(hardness=loss.sum(axis=1) / n, disagreement=spread)


def with_issues(table: pd.DataFrame, issues: label_issues.LabelIssues | None) -> pd.DataFrame:
    """With issue_rank (from 1), issue_score, issue_first (in the first 5%), cleanlab_issue; as it was without any."""
    if issues is None:
        return table
    found = issues.table().set_index("id").reindex(table["id"].astype(str))
    rank = found["rank"].to_numpy(float)
    return table.assign(
        issue_rank=rank, issue_score=found["score"].to_numpy(float), issue_first=rank <= issues.report["first"],
        cleanlab_issue=found["cleanlab_issue"].eq(True).to_numpy(),
    )  # fmt: skip


def with_judgements(table: pd.DataFrame, said: Said, by: str) -> pd.DataFrame:
    """With judgement (a verdict, "differ" or ""), mine (of ``by``), tags (a tuple) and judged_by (names)."""
    n, places = len(table), pd.Index(table["id"].astype(str)).get_indexer(list(said))
    found = {name: np.full(n, "", object) for name in ("judgement", "mine", "judged_by")}
    tags = np.empty(n, object)
    tags[:] = [()] * n
    for place, entries in zip(places.tolist(), said.values(), strict=True):
        if place >= 0:  # judged, but not by this run
            found["judgement"][place] = verdict_of(entries)
            found["mine"][place] = next((e.verdict for e in entries if e.by == by), "")
            found["judged_by"][place] = ", ".join(e.by for e in entries)
            tags[place] = tuple(sorted({tag for e in entries for tag in e.tags}))
    return table.assign(tags=tags, **found)


def verdict_of(said: Sequence[Entry]) -> str:
    """What people say of one patch: a verdict, "differ" where they do, "" where nobody has judged it."""
    verdicts = {entry.verdict for entry in said}
    return DIFFER if len(verdicts) > 1 else next(iter(verdicts), "")


def with_distance(table: pd.DataFrame, run: RunFolder, data: Dataset, patch_id: str) -> pd.DataFrame:
    """With the distance from one of its patches, in the embedding of that patch's fold."""
    fold = int(table.loc[table["id"].astype(str) == patch_id, "fold"].iloc[0])
    found = distances(run, fold, int(data.index_of([patch_id])[0]))
    return table.assign(distance=found[data.index_of(table["id"].astype(str).tolist())])


# ----------------------------------------------------------------------------------------------------- read once


def said_of(judgements: Judgements) -> dict[str, list[Entry]]:
    """What stands of the patches, by id; of each patch one entry a person. Raises DataError for a damaged file."""
    return _said(str(judgements.judged), judgements.stamp)


@st.cache_data(max_entries=8, show_spinner=False)
def _said(path: str, stamp: tuple[int, int]) -> dict[str, list[Entry]]:
    return {name: entries for (_, name), entries in Judgements(path).by_subject("patch").items()}


def columns_of(data: Dataset) -> dict[str, np.ndarray]:
    """What patches can be told apart by -> (N,) text of each: values, or ranges of numbers; "" is unknown. Shared."""
    return _columns(str(data.path), cache.file_version(data.path))


@st.cache_resource(max_entries=8, show_spinner=False)
def _columns(path: str, version: cache.Version) -> dict[str, np.ndarray]:
    data = cache.dataset(Path(path))
    given = {"group": data.groups, "split": data.split} | dict(data.columns)
    found = {
        name: np.array([str(value) for value in values])
        for name, values in given.items()
        if values is not None and _few(values)
    }
    facts = cache.patch_metadata(data, images=False)
    known = {"id", "scar_share", *found} | ({"source"} if set(SOURCE_NAMES) & set(found) else set())
    for name in facts.columns:
        if name not in known:
            sliced = slice_names(facts[name].to_numpy()).astype(str)
            if len(set(sliced.tolist()) - {""}) > 1:
                found[name] = sliced
    return found


def _few(values: np.ndarray) -> bool:
    return 1 < len(set(values.tolist())) <= max(MOST_VALUES, len(values) // 2)
