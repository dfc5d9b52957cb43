"""The patches of one fold's projection as a table with one row each, and what their colours mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.store import Dataset
from dashboard import theme
from dashboard.charts import embedding_map
from dashboard.patches import outcomes

COLOURS = {
    "label": "Label",
    "pred": "Prediction",
    "outcome": "Outcome",
    "prob": "Probability",
    "hardness": "Hardness",
    "fold": "Fold",
    "group": "Group",
    "part": "Training part or held out",
}
COLUMN = "column:"  # before the name of a column of the dataset
PART_COLOURS = {"training part": theme.UNLABELLED, "held out": theme.NEGATIVE}
MOST_GROUPS = 9  # of a text, each with a colour of its own; the rest share one
REST = "others"
UNKNOWN = "unknown"
HARDEST = 3.0  # loss at the end of the scale: the true class was given 5%
MOST_SYNTHETIC = 400  # synthetic patches drawn with their parents


@dataclass(frozen=True)
class Colouring:
    """How points are coloured: names of legend entries with their colours, or values with a title and limits."""

    group: np.ndarray | None = None
    colours: Mapping[str, str] | None = None
    value: np.ndarray | None = None
    title: str = ""
    limits: tuple[float, float] | None = None


def placed(data: Dataset, oof: pd.DataFrame, arrays: Mapping[str, np.ndarray], fold: int) -> pd.DataFrame:
    """Every patch that belongs to the fold's training or held-out part: row, id, x, y, training, label, fold, oof_row.

    Unlabelled patches belong to neither part. oof_row: its row in the out-of-fold table.
    """
    ids = data.ids.astype(str)
    at = pd.Index(oof["id"].astype(str)).get_indexer(ids)  # -1: in no fold
    known, training = at >= 0, np.asarray(arrays["train"]).astype(bool)
    fold_of = np.where(known, oof["fold"].to_numpy(int)[at], -1)
    label = np.where(known, oof["label"].to_numpy(int)[at], data.labels)
    table = {"row": np.arange(len(ids)), "id": ids, "x": arrays["xy"][:, 0], "y": arrays["xy"][:, 1]}
    table |= {"training": training, "label": label, "fold": fold_of, "oof_row": at}
    return pd.DataFrame(table)[training | (fold_of == fold)].reset_index(drop=True)


def with_decisions(table: pd.DataFrame, oof: pd.DataFrame, head: str, thresholds: Mapping[int, float]) -> pd.DataFrame:
    """The same with a head's out-of-fold prob, pred, outcome and loss; nan and "" where it has judged none."""
    result = table.copy()
    found = outcomes.judged(oof, head, thresholds) if f"prob_{head}" in oof else None
    columns = {"prob": np.nan, "pred": -1, "outcome": "", "loss": np.nan}
    if found is None:
        return result.assign(**columns)
    found.index = pd.Index(oof["id"].astype(str)).get_indexer(found["id"].astype(str))
    mine = found.reindex(result["oof_row"].to_numpy())
    for name, missing in columns.items():
        result[name] = mine[name].fillna(missing).to_numpy()
    return result


def colouring(
    by: str, table: pd.DataFrame, data: Dataset, group_of: np.ndarray | None, facts: Mapping[str, np.ndarray]
) -> Colouring:
    """How to colour a table of :func:`with_decisions`. group_of: (N,) of the dataset, or none. facts: by column."""
    names = class_words(data)
    own = {names[label]: theme.CLASS[label] for label in (0, 1, -1)}
    match by:
        case "label":
            return Colouring(table["label"].map(names).to_numpy(), own)
        case "pred":
            words = {1: f"called {names[1]}", 0: f"called {names[0]}", -1: "no decision"}
            colours = {words[label]: theme.CLASS[label] for label in (0, 1, -1)}
            return Colouring(table["pred"].astype(int).map(words).to_numpy(), colours)
        case "outcome":
            words = table["outcome"].map(theme.OUTCOME_WORDS).fillna("no decision").to_numpy()
            colours = {words: theme.OUTCOME[outcome] for outcome, words in theme.OUTCOME_WORDS.items()}
            return Colouring(words, colours | {"no decision": theme.UNLABELLED})
        case "prob":
            return Colouring(value=table["prob"].to_numpy(float), title=f"Probability of {names[1]}, out of fold")
        case "hardness":
            loss = table["loss"].to_numpy(float)
            return Colouring(value=loss, title="Hardness: log loss, out of fold", limits=(0.0, HARDEST))
        case "fold":
            titles = table["fold"].map(theme.fold_title).to_numpy()
            folds = sorted(table["fold"].unique())
            return Colouring(titles, {theme.fold_title(k): theme.fold_colour(k) for k in folds})
        case "part":
            return Colouring(np.where(table["training"], "training part", "held out"), PART_COLOURS)
    values = group_of if by == "group" else facts.get(by.removeprefix(COLUMN))
    if values is None:
        return Colouring(np.full(len(table), UNKNOWN), {UNKNOWN: theme.UNLABELLED})
    return _by_values(np.asarray(values)[table["row"].to_numpy()], by.removeprefix(COLUMN))


def _by_values(values: np.ndarray, name: str) -> Colouring:
    """Numbers on a scale between their 2nd and 98th percentile; texts with a colour for each of the commonest."""
    if values.dtype.kind in "fiu" and np.unique(values[np.isfinite(values.astype(float))]).size > MOST_GROUPS:
        numbers = values.astype(float)
        low, high = np.nanpercentile(numbers, [2, 98])
        return Colouring(value=numbers, title=name, limits=(float(low), float(high) if high > low else float(low) + 1))
    texts = np.array([UNKNOWN if str(value) in ("", "nan") else str(value) for value in values])
    common = pd.Series(texts).value_counts().index[:MOST_GROUPS].tolist()
    shown = np.where(np.isin(texts, common), texts, REST)
    colours = {str(text): theme.FOLD[i % len(theme.FOLD)] for i, text in enumerate(sorted(common))}
    return Colouring(shown, colours | {REST: theme.UNLABELLED})


def class_words(data: Dataset) -> dict[int, str]:
    """What a label is called."""
    return {1: data.class_names[1], 0: data.class_names[0], -1: "unlabelled"}


def points(table: pd.DataFrame, how: Colouring, data: Dataset) -> embedding_map.Points:
    """The table's patches for the chart; wrong decisions are crosses."""
    labels = table["label"].map(class_words(data))
    outcome = table["outcome"].map(theme.OUTCOME_WORDS)
    words = labels.where(outcome.isna(), labels + " · " + outcome.fillna(""))
    return embedding_map.Points(
        xy=table[["x", "y"]].to_numpy(), ids=table["id"].tolist(), group=how.group, value=how.value,
        value_title=how.title, limits=how.limits, prob=table["prob"].to_numpy(float), words=words.tolist(),
        small=table["training"].to_numpy(bool), wrong=is_wrong(table),
    )  # fmt: skip


def is_wrong(table: pd.DataFrame) -> np.ndarray:
    """(n,) bool: the head's decision is not the label. table: of :func:`with_decisions`."""
    return table["outcome"].isin(["FP", "FN"]).to_numpy(bool)


def synthetic(
    lineage: pd.DataFrame, xy: np.ndarray, xy_synthetic: np.ndarray, ids: Sequence[str], fold: int
) -> embedding_map.Synthetic | None:
    """The fold's synthetic patches with their parents, at most ``MOST_SYNTHETIC`` evenly drawn; None where none fit."""
    mine = lineage[lineage["fold"] == fold]
    if not len(mine) or len(mine) != len(xy_synthetic):
        return None
    some = np.unique(np.linspace(0, len(mine) - 1, MOST_SYNTHETIC).astype(int))
    mine, place = mine.iloc[some], pd.Index(np.asarray(ids).astype(str))
    anchor, neighbour = (place.get_indexer(mine[name].astype(str)) for name in ("anchor", "neighbour"))
    known = (anchor >= 0) & (neighbour >= 0)
    text = [
        f"synthetic: {row.anchor_weight:.0%} {row.anchor}, {1 - row.anchor_weight:.0%} {row.neighbour}"
        for row in mine[known].itertuples()
    ]
    return embedding_map.Synthetic(xy_synthetic[some][known], xy[anchor[known]], xy[neighbour[known]], text)
