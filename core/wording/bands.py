"""What tables of bands say in a sentence: which the model needs, in which order, and what losing some costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.text import interval, number
from core.wording.voice import PLAIN, Voice

MOST_NAMED = 3
SHORT = {
    "as_is": "left unchanged",
    "mean": "training mean",
    "zero": "0 in the band's unit",
    "nearest": "nearest training patch",
    "regression": "estimated from other bands",
    "retrained": "band statistics, trained on the rest",
}


def verdict(rows: pd.DataFrame, what: str = "band", voice: Voice = PLAIN) -> str:
    """The first bands with what is lost without them. rows: title, drop_mean, lo, hi, rank_lo, rank_hi."""
    order = rows.sort_values("drop_mean", ascending=False, kind="stable")
    needed = order[order["lo"] > 0]
    if not np.isfinite(order["lo"].to_numpy(float)).any():
        one = order.iloc[0]
        first = voice.strong(voice.shown(one["title"]))
        return (
            f"The score falls most without {first}, by {number(one['drop_mean'])}; there are too few patches "
            "to say how certain that is."
        )
    if needed.empty:
        none = voice.strong(f"No single {what} is indispensable")
        return f"{none}: without any one of them, the score does not fall measurably."
    named = _level(needed)[:MOST_NAMED] or [needed.iloc[0]]
    names = _joined([voice.strong(voice.shown(one["title"])) for one in named])
    if len(named) == 1:
        one = named[0]
        return (
            f"The model relies most on {names}: without it, the score falls by {number(one['drop_mean'])} "
            f"({interval((one['lo'], one['hi']))})."
        )
    drops = _joined([number(one["drop_mean"]) for one in named])
    return f"The model relies most on {names}: without them, one at a time, the score falls by {drops}."


def order_words(rows: pd.DataFrame, what: str = "band") -> str:
    """How many matter measurably, and whether the order of the first, or of any, can be told."""
    order = rows.sort_values("drop_mean", ascending=False, kind="stable")
    n_needed = int((order["lo"] > 0).sum())
    if len(order) == 1:
        return ""
    many = "All" if n_needed == len(order) else f"{n_needed} of"
    text = f"{many} {len(order)} {what}s {'matters' if n_needed == 1 else 'matter'} measurably."
    if order["rank_lo"].isna().any() or not n_needed:
        return text
    level = _level(order)
    if len(level) > MOST_NAMED:
        return f"{text} Which of {len(level)} {what}s matters most is uncertain."
    if len(level) > 1:
        return f"{text} Which of the {'two' if len(level) == 2 else 'three'} matters more is uncertain."
    certain = (order["rank_hi"].to_numpy()[:-1] < order["rank_lo"].to_numpy()[1:]).all()
    return f"{text} The order of all is statistically clear." if certain else f"{text} Ranks further down overlap."


def group_verdict(rows: pd.DataFrame, voice: Voice = PLAIN) -> str:
    """The group that contributes most. rows: group, shapley, lo, hi, total."""
    first = rows.loc[rows["shapley"].idxmax()]
    name, share = voice.shown(first["group"][:1].upper() + first["group"][1:]), number(first["shapley"])
    if first["lo"] <= 0:
        return f"No group contributes measurably; the largest share is that of {name}, {share}."
    bounds = interval((first["lo"], first["hi"]))
    return (
        f"{voice.strong(name)} contributes most: {share}{f' ({bounds})' if bounds else ''} of the "
        f"{number(first['total'])} that is lost without any band."
    )


def _level(order: pd.DataFrame) -> list[pd.Series]:
    """Those that may come first: the interval of their rank holds 1."""
    return [row for _, row in order.iterrows() if row["rank_lo"] <= 1]


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def robustness(rows: pd.DataFrame, voice: Voice = PLAIN) -> str:
    """What costs most by the best way of filling it, and what costs nothing measurable. rows: intact first."""
    intact, hurt = rows.iloc[0], rows.iloc[1:].dropna(subset="f1")
    best = hurt.sort_values("f1", ascending=False, kind="stable").drop_duplicates("scenario")
    if best.empty or not np.isfinite(intact["f1"]):
        return f"F1 with all bands is {number(intact['f1'])}; there is no loss to compare it with."
    worst, costly = best.iloc[-1], best["diff_hi"] < 0
    title, fall = voice.shown(worst["title"]), f"from {number(intact['f1'])} to {number(worst['f1'])}"
    if not costly.any():
        none = voice.strong("No scenario lowers F1 measurably")
        return f"{none} when gaps are filled in the best way; lowest: {fall} ({title})."
    if costly.iloc[-1]:
        bounds = interval((-worst["diff_hi"], -worst["diff_lo"]))
        way = f" ({SHORT.get(worst['policy'], worst['policy'])})" if worst["policy"] != "as_is" else ""
        text = (
            f"{voice.strong(f'{title} costs most')}: F1 falls {fall}, even when gaps are filled in the best way{way}. "
            f"95% interval of the loss: {bounds}."
        )
    else:
        text = f"{voice.strong(f'F1 falls most with {title}')}, {fall}, but that loss may be chance."
    if n := int((~costly).sum()):
        text += f" {n} of {len(best)} scenarios cost nothing measurable."
    return text
