"""The patches that a run has judged, a row each, with everything that they are filtered and sorted by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses import novelty
from core.analyses.review import label_issues, slices
from core.data.store import Dataset
from core.data.tabular.patch_metadata import SOURCE_NAMES
from core.errors import LandslideLensError
from core.evaluate.slices import slice_names
from core.flow.fold_answers import fold_probs
from core.flow.likeness import distances
from core.predict.novelty.own import OwnNovelty
from core.review.entry import Entry
from core.review.hardness import disagreement, hardness
from core.review.judgements import Judgements
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.patches import outcomes
from dashboard.review.filters import DIFFER

MOST_RUNS = 30  # others that may be chosen
MOST_VALUES = 60  # a column with more distinct values is cut into ranges, or is no filter
Said = Mapping[str, Sequence[Entry]]


def with_doubts(table: pd.DataFrame, oof: pd.DataFrame) -> pd.DataFrame:
    """With hardness (mean log loss over the heads) and disagreement (standard deviation of the heads' probabilities).

    table: of ``outcomes.judged``, from this out-of-fold table.
    """
    rows = pd.Index(oof["id"].astype(str)).get_indexer(table["id"].astype(str))
    probs = np.stack([oof[f"prob_{name}"].to_numpy(float)[rows] for name in outcomes.heads_of(oof)], axis=1)
    return table.assign(hardness=hardness(table["label"].to_numpy(), probs), disagreement=disagreement(probs))


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
    return table.assign(distance=found[_rows(table, data)])


def with_novelty(table: pd.DataFrame, own: OwnNovelty, data: Dataset) -> pd.DataFrame:
    """With novelty_p, the share of other held-out groups as unlike as the patch; nan where it was not looked at."""
    p = np.full(len(data), np.nan)
    p[own.rows] = own.p
    return table.assign(novelty_p=p[_rows(table, data)])


def with_spaces(table: pd.DataFrame, run: RunFolder) -> pd.DataFrame:
    """With uniqueness and outlier (1 is typical of its fold; ``core.review.patch_spaces``); as it was without any."""
    found = slices.read_patches(run)
    if found is None:
        return table
    found = found.set_index(found["id"].astype(str)).reindex(table["id"].astype(str))
    return table.assign(**{name: found[name].to_numpy(float) for name in ("uniqueness", "outlier")})


def with_fold_spread(table: pd.DataFrame, run: RunFolder, data: Dataset, head: str) -> pd.DataFrame:
    """With folds_differ, the standard deviation of the folds' probabilities by this head."""
    return table.assign(folds_differ=disagreement(fold_probs(run, head).T)[_rows(table, data)])


def with_run_spread(table: pd.DataFrame, others: Sequence[RunFolder]) -> pd.DataFrame:
    """With runs_differ, the standard deviation of this run's probability and those of others by their own heads.

    Every probability is out of fold; nan where no other run has answered.
    """
    probs = [table["prob"].to_numpy(float)]
    for other in others:
        oof, head = other.oof(), other.summary()["head"]
        found = pd.Series(oof[f"prob_{head}"].to_numpy(float), oof["id"].astype(str))
        probs.append(found[~found.index.duplicated()].reindex(table["id"].astype(str)).to_numpy())
    known = np.stack(probs, axis=1)
    return table.assign(runs_differ=np.where(np.isfinite(known).sum(axis=1) > 1, disagreement(known), np.nan))


def _rows(table: pd.DataFrame, data: Dataset) -> np.ndarray:
    return data.index_of(table["id"].astype(str).tolist())


# ------------------------------------------------------------------------------------------------ what there is to know


def novelty_of(run: RunFolder) -> OwnNovelty | None:
    """How unlike the others each of the run's patches is; None where that was not measured."""
    file = novelty.patches_file(run)
    return None if file is None else _novelty(str(run.path), cache.file_version(file))


@st.cache_data(max_entries=8, show_spinner=False)
def _novelty(path: str, version: cache.Version) -> OwnNovelty | None:
    return novelty.read_patches(cache.run(path))


def decided(run: RunFolder, head: str) -> pd.DataFrame:
    """The decisions of a head, with doubts and likely wrong labels. Raises LandslideLensError for damaged files."""
    report = run.results(label_issues.NAME).path / "report.json"
    versions = cache.file_versions(run.path / "oof.parquet", run.path / "summary.json", report)
    return _decided(str(run.path), head, versions).copy(deep=False)


@st.cache_resource(max_entries=6, show_spinner=False)
def _decided(path: str, head: str, versions: tuple[cache.Version, ...]) -> pd.DataFrame:
    run = cache.run(path)
    oof = run.oof()
    table = outcomes.judged(oof, head, outcomes.thresholds_of(run.summary(), head))
    return with_issues(with_doubts(table, oof), label_issues.read(run))


def runs_beside(run: RunFolder, all_runs: Sequence[RunFolder]) -> dict[str, RunFolder]:
    """Other finished runs on the very same patches by name, newest first, at most ``MOST_RUNS``."""
    found: dict[str, RunFolder] = {}
    try:
        content = run.provenance()["dataset"]["content_hash"]
    except (LandslideLensError, KeyError, TypeError):
        return found
    for other in all_runs:
        if other.name != run.name and len(found) < MOST_RUNS and _is_of(other, content):
            found[other.name] = other
    return found


def _is_of(run: RunFolder, content: str) -> bool:
    try:
        head = run.summary()["head"] if run.known_status()["state"] == "succeeded" else None
        return head is not None and run.provenance()["dataset"]["content_hash"] == content
    except (LandslideLensError, KeyError, TypeError):
        return False


# ----------------------------------------------------------------------------------------------------- read once


def said_of(judgements: Judgements) -> dict[str, list[Entry]]:
    """What stands of the patches, by id; of each patch one entry a person. Raises DataError for a damaged file."""
    return _said(str(judgements.judged), judgements.stamp)


@st.cache_data(max_entries=8, show_spinner=False)
def _said(path: str, stamp: tuple[int, int]) -> dict[str, list[Entry]]:
    return {name: entries for (_, name), entries in Judgements(path).by_subject("patch").items()}


def columns_of(data: Dataset) -> dict[str, np.ndarray]:
    """What patches can be told apart by -> (N,) text of each: values, or ranges of numbers; "" is unknown. Shared."""
    return _columns(str(data.path), cache.dataset_version(data.path))


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
