"""What a table of bands says in a sentence: which of them the model needs, and whether their order can be told.

Pure: no files, no Streamlit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.ui.formatting import escape_markdown, interval, number

MOST_NAMED = 3


def verdict(rows: pd.DataFrame, what: str = "band") -> str:
    """The first bands with what is lost without them, as Markdown. rows: title, drop_mean, lo, hi, rank_lo, rank_hi."""
    order = rows.sort_values("drop_mean", ascending=False, kind="stable")
    needed = order[order["lo"] > 0]
    if not np.isfinite(order["lo"].to_numpy(float)).any():
        one = order.iloc[0]
        return (
            f"The score falls most without **{_name(one)}**, by {number(one['drop_mean'])}; there are too few patches "
            "to say how certain that is."
        )
    if needed.empty:
        return f"**No single {what} is indispensable**: without any one of them, the score does not fall measurably."
    named = _level(needed)[:MOST_NAMED] or [needed.iloc[0]]
    names = _joined([f"**{_name(one)}**" for one in named])
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


def group_verdict(rows: pd.DataFrame) -> str:
    """The group that contributes most, as Markdown. rows: group, shapley, lo, hi, total."""
    first = rows.loc[rows["shapley"].idxmax()]
    name, share = escape_markdown(first["group"][:1].upper() + first["group"][1:]), number(first["shapley"])
    if first["lo"] <= 0:
        return f"No group contributes measurably; the largest share is that of {name}, {share}."
    bounds = interval((first["lo"], first["hi"]))
    return (
        f"**{name}** contributes most: {share}{f' ({bounds})' if bounds else ''} of the {number(first['total'])} that "
        "is lost without any band."
    )


def _level(order: pd.DataFrame) -> list[pd.Series]:
    """Those that may come first: the interval of their rank holds 1."""
    return [row for _, row in order.iterrows() if row["rank_lo"] <= 1]


def _name(row: pd.Series) -> str:
    return escape_markdown(row["title"])


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
