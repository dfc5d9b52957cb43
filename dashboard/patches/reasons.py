"""Why a patch may have been decided as it was, at the head of its card: what is unusual about it, and its neighbours.

``core.explain.why`` measures and says what is unusual; here it is read from the cache and put into a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.attention import evidence
from core.data.store import Dataset
from core.explain import why
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.patches import gallery, tiles
from dashboard.ui import downloads
from dashboard.ui.formatting import class_word, escape_markdown

NEIGHBOURS_A_ROW = 5
_LEAD = {"FN": "Possible reasons for the miss:", "FP": "Possible reasons for the false alarm:"}
_WITHOUT = {"FN": "a reason for the miss", "FP": "a reason for the false alarm"}


def findings(
    data: Dataset, row: int, scores: Mapping, head: str, near: np.ndarray, cams: gallery.Cams
) -> tuple[why.Evidence, list[why.Finding]]:
    """What was measured of the patch in this row. scores: preds, probs and thresholds by head."""
    label, patch_id = int(data.labels[row]), str(data.ids[row])
    decided = {
        name: (scores["preds"][name], prob, scores["thresholds"][name]) for name, prob in scores["probs"].items()
    }
    levels = class_levels(data, label) if label >= 0 else None
    has_map = bool(cams.card)  # what stands in for maps without a card is not attention
    found = evidence.evidence_of(
        data, row, decided, head, near, levels,
        cams.of(patch_id) if has_map else None, cams.level_of(patch_id) if has_map else None,
    )  # fmt: skip
    own, other = (data.class_names[label], data.class_names[1 - label]) if label >= 0 else ("", "")
    return found, why.findings(found, own, other)


def class_levels(data: Dataset, label: int) -> evidence.Levels:
    """Brightness and SAR change of a sample of a class; shared, not to be written to."""
    return _class_levels(str(data.path), cache.file_version(data.path), label)


@st.cache_resource(max_entries=12, show_spinner=False)
def _class_levels(path: str, version: cache.Version, label: int) -> evidence.Levels:
    return evidence.class_levels(cache.dataset(Path(path)), label)


def nearest(run: RunFolder, fold: int, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and distances of the nearest training patches of its fold; none where the run kept no embeddings."""
    folder = run.fold_path(fold)
    versions = tuple(cache.file_version(folder / f"{name}.safetensors") for name in ("embeddings", "head_rows"))
    return _nearest(str(run.path), fold, row, versions)


@st.cache_data(max_entries=256, show_spinner=False)
def _nearest(path: str, fold: int, row: int, versions: tuple[cache.Version, ...]) -> tuple[np.ndarray, np.ndarray]:
    found = evidence.nearest_training(cache.run(path), fold, row)
    return (np.empty(0, int), np.empty(0)) if found is None else (found.index, found.distance)


def sentence(e: why.Evidence, found: list[why.Finding]) -> str:
    """Why this may be so, in Markdown, from what is unusual alone; that nothing is, where nothing is."""
    outcome = outcome_of(e)
    reasons, notes = ([escape_markdown(one.clause) for one in part] for part in why.said(found))
    if reasons:
        words = f"**{_LEAD.get(outcome, 'Unusual about this patch:')}** {_listed(reasons)}."
    else:
        measured = _listed([escape_markdown(_lower(one.name)) for one in found if one.reason])
        without = f", so none of it gives {_WITHOUT[outcome]}" if outcome in _WITHOUT else ""
        words = f"**Nothing unusual was measured** in this patch{without} ({measured})."
    note = _listed(notes)
    return f"{words} {note[0].upper()}{note[1:]}." if note else words


def _lower(name: str) -> str:
    return name if name[:2].isupper() else name[0].lower() + name[1:]


def outcome_of(e: why.Evidence) -> str:
    """TP, FP, FN or TN; "" for a patch without a label."""
    return {(1, 1): "TP", (0, 1): "FP", (1, 0): "FN", (0, 0): "TN"}.get((e.label, e.pred), "")


def _listed(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{'; '.join(texts[:-1])}; and {texts[-1]}" if texts else ""


def evidence_table(found: list[why.Finding]) -> None:
    """Everything that was measured, in an expander, with the rule of each."""
    with st.expander("All that was measured"):
        downloads.table(
            pd.DataFrame(
                {
                    "Measured": [one.name for one in found],
                    "This patch": [one.value for one in found],
                    "Unusual from": [one.usual for one in found],
                    "Unusual": ["yes" if one.unusual else "no" for one in found],
                }
            ),
            hide_index=True, width="stretch", height="content",
        )  # fmt: skip
        st.caption(
            f"Findings, not causes. The class is a random sample of at most {evidence.PER_CLASS} patches with the "
            "same label; brightness is the mean of the visible bands, SAR change the mean size of the change bands. "
            "Neighbours are of the training part of the patch's own fold, in that fold's embedding. "
            f"The sentence names at most {why.MOST_SAID} possible reasons, in this order."
        )


def neighbours(data: Dataset, row: int, near: tuple[np.ndarray, np.ndarray], look: gallery.Look, key: str) -> None:
    """The nearest training patches as a strip, each with its class; a click opens it."""
    index, distance = near
    if not len(index):
        return
    label = int(data.labels[row])
    same = int((data.labels[index] == label).sum())
    words = f"{same} of {len(index)} share its label" if label >= 0 else f"the {len(index)} nearest"
    st.markdown(
        f"**Nearest training patches** · {words}",
        help="Nearest first, in the embedding of this fold's network, among the patches that it was trained on.",
    )
    ids = data.ids[index].astype(str).tolist()
    plain = gallery.Look(look.composite, look.stretch, smooth=look.smooth)
    made = [
        tiles.tile(patch_id, rgb, class_word(data, int(data.labels[at])), named=False, more=f"{away:.2f} away")
        for patch_id, rgb, at, away in zip(ids, gallery.pictures(data, ids, plain), index, distance, strict=True)
    ]
    tiles.draw(tiles.payload(made, columns=NEIGHBOURS_A_ROW), key, tiles.open_patch, lambda some, number: None)


def title(data: Dataset, row: int, e: why.Evidence | None) -> str:
    """What the patch is, as Markdown: "Missed landslide l4s_1917_r1c1"."""
    name = escape_markdown(data.ids[row])
    positive = escape_markdown(data.positive)
    if e is None:
        return f"Patch {name}"
    words = {
        "TP": f"Found {positive}", "FN": f"Missed {positive}", "FP": "False alarm",
        "TN": f"{theme.OUTCOME_WORDS['TN'].rpartition(' (')[0]}",
    }  # fmt: skip
    return f"{words.get(outcome_of(e), 'Unlabelled patch')} {name}"
