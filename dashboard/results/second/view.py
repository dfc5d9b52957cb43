"""How well a run's second head answers its classes, out of fold."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.evaluate.second_head import kept_facts
from dashboard.charts import classes
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown, interval, number


def second_view(summary: dict) -> None:
    """The view: a sentence, which class is answered for which, and each fold. For a run with a second head."""
    facts = kept_facts(summary)
    if not facts["n"]:
        st.info(
            f"No patch of these folds has a known {escape_markdown(facts['column'])}, so that nothing can be said of "
            "the second head.",
            icon=":material/info:",
        )
        return
    st.markdown(f"**{sentence(facts)}**")
    left, right = st.columns([3, 2], gap="medium")
    with left:
        downloads.show(classes.class_table(facts["confusion"]), key="second_confusion")
    with right:
        downloads.show(classes.balanced_by_fold(facts, facts["chance"]), key="second_folds")
    st.caption(basis(facts, summary))
    with st.expander("How this was measured", icon=":material/info:"):
        st.markdown(
            "Each patch is answered by the network of the fold that has not seen it. Balanced accuracy is the mean "
            "recall of the classes: always answering the commonest class reaches 1 divided by their number, however "
            "unequal they are. Its interval resamples "
            f"{'whole groups' if summary.get('grouped') else 'patches'}. The classes are those of each fold's training "
            "part; a class that is missing there counts as answered wrongly. Patches whose class is unknown take no "
            "part, neither in training nor here."
        )
        downloads.table(_rows(facts), hide_index=True, width="stretch", height="content")
        downloads.download(
            pd.DataFrame(facts["confusion"]).T.rename_axis("true").reset_index(), f"{summary['run']}_second_head",
            "Classes (CSV)",
        )  # fmt: skip


def sentence(facts: dict[str, Any]) -> str:
    """What the second head reaches, and whether that is more than the commonest class alone, in Markdown."""
    low, _ = facts.get("balanced_accuracy_interval") or (None, None)
    beats = low is not None and low > facts["chance"]
    range_ = f" ({interval(facts['balanced_accuracy_interval'])})" if low is not None else ""
    return (
        f"{escape_markdown(facts['column'])}: balanced accuracy {number(facts['balanced_accuracy'])}{range_}, "
        f"{number(facts['chance'])} by always answering the commonest class. "
        + ("It tells the classes apart." if beats else "That is not clearly better.")
    )


def basis(facts: dict[str, Any], summary: dict) -> str:
    """Which patches, how many, and the plain share that is right."""
    where = "out of fold" if len(facts["folds"]) != 1 else "in the validation part"
    whose = "landslides" if facts.get("of") == "landslides" else "patches"
    return (
        f"n = {facts['n']:,} {whose} whose {escape_markdown(facts['column'])} is known, {where}. Right: "
        f"{number(facts['accuracy'])} ({interval(facts['accuracy_interval'])}); the commonest class alone: "
        f"{number(facts['majority'])}. Macro F1 {number(facts['macro_f1'])}. 95% intervals, "
        f"{'groups kept together' if summary.get('grouped') else 'patches resampled'}."
    )


def _rows(facts: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Fold": row["fold"] + 1, "n": row["n"], "Balanced accuracy": number(row["balanced_accuracy"]),
                "Accuracy": number(row["accuracy"]), "Commonest class": number(row["majority"]),
            }
            for row in facts["folds"]
        ]
    )  # fmt: skip
