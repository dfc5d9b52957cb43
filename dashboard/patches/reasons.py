"""Why a patch may have been decided as it was, at the head of its card: what is unusual about it, and its neighbours.

``core.explain.why`` measures and says what is unusual; here it is read from the cache and put into a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.attention import evidence
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain import why
from core.flow.one_patch import answers_of, learners_of
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import gallery
from dashboard.ui.formatting import escape_markdown

_LEAD = {"FN": "Possible reasons for the miss:", "FP": "Possible reasons for the false alarm:"}


def findings(
    data: Dataset, run: RunFolder, row: int, scores: Mapping, near: evidence.Nearest | None, cams: gallery.Cams
) -> tuple[why.Evidence, list[why.Finding]]:
    """What was measured of the patch in this row. scores: preds, probs and thresholds by head; head: the shown one."""
    label, patch_id = int(data.labels[row]), str(data.ids[row])
    decided = {
        name: (scores["preds"][name], prob, scores["thresholds"][name]) for name, prob in scores["probs"].items()
    }
    levels = class_levels(data, label) if label >= 0 else None
    has_map = bool(cams.card)  # what stands in for maps without a card is not attention
    found = evidence.evidence_of(
        data, row, decided, scores["head"], np.empty(0, int) if near is None else near.index, levels,
        cams.of(patch_id) if has_map else None, cams.level_of(patch_id) if has_map else None, _cloud_column(run),
        **_band(data, run, patch_id, scores), **_belief(run, row, label),
    )  # fmt: skip
    own, other = (data.class_names[label], data.class_names[1 - label]) if label >= 0 else ("", "")
    return found, why.findings(found, own, other)


def _band(data: Dataset, run: RunFolder, patch_id: str, scores: Mapping) -> dict[str, Any]:
    """The band that the run itself found to count most for the head that is shown, where it looked."""
    table = bands_of(run, patch_id)
    rows = table[table["head"] == scores["head"]] if len(table) else table
    if rows.empty:
        return {}
    rows = rows[rows["baseline"] == rows["baseline"].iloc[0]]
    most = rows.loc[(rows["p0"] - rows["p_b"]).abs().idxmax()]
    if (most["p0"] >= scores["thresholds"][scores["head"]]) != bool(scores["preds"][scores["head"]]):
        return {}  # measured without test-time flips, on the other side of the threshold: it speaks of another decision
    titles = {band.name: band.title for band in data.bands}
    return {"band": titles.get(most["band"], str(most["band"])), "without": float(most["p_b"])}


def bands_of(run: RunFolder | None, patch_id: str) -> pd.DataFrame:
    """The run's own occlusion of this patch; empty where it measured other patches only, or none."""
    try:
        table = run.occlusion() if run else pd.DataFrame({"id": []})
    except LandslideLensError:
        return pd.DataFrame()
    return table[table["id"].astype(str) == patch_id]


def _belief(run: RunFolder, row: int, label: int) -> dict[str, Any]:
    """What the networks that learnt from its label make of it, where the run kept their scores."""
    if label < 0:
        return {}
    versions = tuple(
        cache.file_version(run.fold_path(k) / f"{name}.safetensors")
        for k in range(run.config().folds.n_splits)
        for name in ("scores", "head_rows")
    )
    return _believed(str(run.path), row, label, versions)


@st.cache_data(max_entries=512, show_spinner=False)
def _believed(path: str, row: int, label: int, versions: tuple[cache.Version, ...]) -> dict[str, Any]:
    run = cache.run(path)
    try:
        learners = learners_of(run, row)
        probs = answers_of(run, row, learners[0]).loc["fc", learners].dropna() if learners else []
    except (LandslideLensError, KeyError):
        return {}
    if not len(probs):
        return {}
    return {"believed": float((probs if label == 1 else 1 - probs).mean()), "learners": len(probs)}


def _cloud_column(run: RunFolder) -> str | None:
    try:
        return run.config().data.cloud_column
    except LandslideLensError:
        return None


def class_levels(data: Dataset, label: int) -> evidence.Levels:
    """Brightness and SAR change of a sample of a class; shared, not to be written to."""
    return _class_levels(str(data.path), cache.file_version(data.path), label)


@st.cache_resource(max_entries=12, show_spinner=False)
def _class_levels(path: str, version: cache.Version, label: int) -> evidence.Levels:
    return evidence.class_levels(cache.dataset(Path(path)), label)


def nearest(run: RunFolder, fold: int, row: int) -> evidence.Nearest | None:
    """The nearest training patches of its fold; None where the run kept no embeddings."""
    folder = run.fold_path(fold)
    versions = cache.file_versions(*(folder / f"{name}.safetensors" for name in ("embeddings", "head_rows")))
    return _nearest(str(run.path), fold, row, versions)


@st.cache_resource(max_entries=256, show_spinner=False)
def _nearest(path: str, fold: int, row: int, versions: tuple[cache.Version, ...]) -> evidence.Nearest | None:
    return evidence.nearest_training(cache.run(path), fold, row)


def sentence(e: why.Evidence, found: list[why.Finding]) -> str:
    """Why this may be so, in Markdown, from what was measured alone; that nothing is unusual, where nothing is."""
    reasons, notes, support = ([escape_markdown(clause) for clause in part] for part in why.said(found))
    words = []
    if support:
        words.append(f"**In line with this decision:** {_listed(support)}.")
    if reasons:
        words.append(f"**{_LEAD.get(outcome_of(e.label, e.pred), 'Unusual about this patch:')}** {_listed(reasons)}.")
    elif not support:
        n = sum(one.reason for one in found)
        what = f"all {n} things measured of it are" if n > 1 else "what was measured of it is"
        words.append(f"**{'No reason found' if e.wrong else 'Nothing unusual'}:** {what} within the usual.")
    if note := _listed(notes):
        words.append(f"{note[0].upper()}{note[1:]}.")
    return " ".join(words)


def outcome_of(label: int, pred: int | None) -> str:
    """TP, FP, FN or TN; "" for a patch without a label or a decision."""
    return {(1, 1): "TP", (0, 1): "FP", (1, 0): "FN", (0, 0): "TN"}.get((label, pred), "")


def _listed(texts: list[str]) -> str:
    return f"{'; '.join(texts[:-1])}; and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def title(data: Dataset, row: int, pred: int | None) -> str:
    """What the patch is, as Markdown: "Missed landslide l4s_1917_r1c1". pred: what was decided, if anything."""
    name = escape_markdown(data.ids[row])
    positive = escape_markdown(data.positive)
    if pred is None:
        return f"Patch {name}"
    words = {
        "TP": f"Found {positive}", "FN": f"Missed {positive}", "FP": "False alarm",
        "TN": f"{theme.OUTCOME_WORDS['TN'].rpartition(' (')[0]}",
    }  # fmt: skip
    return f"{words.get(outcome_of(int(data.labels[row]), pred), 'Unlabelled patch')} {name}"
