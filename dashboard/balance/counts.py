"""Class counts before and after balancing: by fold, and by group in one fold's training part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.folds import training_ids
from core.data.store import Dataset
from core.runs.store import RunFolder
from dashboard import cache, theme
from dashboard.balance.charts import balance_by_fold, balance_by_group
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

MOST_BARS = 15  # groups that are drawn


def of_run(data: Dataset, run: RunFolder) -> pd.DataFrame:
    """:func:`fold_counts` of a run, counted once for as long as its files and the dataset's stay as they are."""
    files = (data.path, run.path / "folds.json", *sorted(run.path.glob("fold_*/smote.parquet")))
    return _of_run(str(run.path), [cache.file_version(path) for path in files], data, run)


@st.cache_data(max_entries=16, show_spinner=False)
def _of_run(path: str, versions: list[cache.Version], _data: Dataset, _run: RunFolder) -> pd.DataFrame:
    return fold_counts(_data, _run.folds(), _run.smote())


def fold_counts(data: Dataset, folds: dict, lineage: pd.DataFrame) -> pd.DataFrame:
    """Training patches by fold: other, landslide, synthetic, and synthetics with a parent in the validation part."""
    label_of = dict(zip(data.ids.tolist(), data.labels.tolist(), strict=True))
    members = [{str(name) for name in ids} for ids in folds["folds"]]
    rows = []
    for fold, mine in enumerate(members):
        labels = np.array([label_of.get(name, -1) for name in training_ids(folds, fold)])
        made = lineage[lineage["fold"] == fold]
        parents = zip(made["anchor"].tolist(), made["neighbour"].tolist(), strict=True)
        leaked = sum(anchor in mine or neighbour in mine for anchor, neighbour in parents)
        real, other = int((labels == 1).sum()), int((labels == 0).sum())
        rows.append(
            {
                "fold": fold, "other": other, "landslide": real, "synthetic": len(made),
                "before": real / max(real + other, 1), "after": (real + len(made)) / max(real + other + len(made), 1),
                "leaked": leaked, "begun": len(made) > 0,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def by_fold(data: Dataset, table: pd.DataFrame) -> None:
    """Chart and table of the balance before and after."""
    st.header("Class counts before and after", anchor=False)
    beside = st.grid(2, min_column_width=420, gap="medium")
    with beside.cell():
        downloads.show(balance_by_fold(table, data.class_names), key="balance_counts")
    shown = table.assign(
        fold=[theme.fold_title(fold).capitalize() for fold in table["fold"]],
        before=100 * table["before"],
        after=100 * table["after"],
    ).drop(columns=["begun"] if table["leaked"].any() else ["begun", "leaked"])
    name = st.column_config.Column
    share = st.column_config.NumberColumn
    with beside.cell():
        downloads.table(
            shown,
            hide_index=True,
            width="stretch",
            height="content",
            column_config={
                "fold": name("Fold"),
                "other": share(data.class_names[0], format="localized"),
                "landslide": share(data.positive, format="localized"),
                "synthetic": share("Synthetic", format="localized"),
                "before": share("Before", format="%.1f%%", help=f"Share of {data.positive} without synthetic patches."),
                "after": share("After", format="%.1f%%", help=f"Share of {data.positive} with synthetic patches."),
                "leaked": name("Leaking", help="Synthetic patches with a parent in the fold's validation part."),
            },
        )
        st.caption(
            f"Training parts of {len(table)} folds; {len(data):,} patches of {escape_markdown(data.name)}. Parents "
            "are looked up in the recorded lineage."
        )
        if not table["begun"].all():
            st.caption("Folds without synthetic patches have not started, or needed none.")


# ---------------------------------------------------------------------------------------------------------- groups


def group_counts(data: Dataset, folds: dict, lineage: pd.DataFrame, fold: int) -> pd.DataFrame:
    """A row a group of the fold's training part: group, other, landslide, synthetic, before, after.

    A synthetic patch counts half for the group of each parent, so that the groups' add up to the fold's.
    """
    group_of = dict(zip(data.ids.astype(str).tolist(), data.groups.astype(str).tolist(), strict=True))
    label_of = dict(zip(data.ids.astype(str).tolist(), data.labels.tolist(), strict=True))
    ids = training_ids(folds, fold)
    real = pd.DataFrame({"group": [group_of[i] for i in ids], "label": [label_of[i] for i in ids]})
    table = pd.crosstab(real["group"], real["label"]).reindex(columns=[0, 1], fill_value=0)
    table.columns = ["other", "landslide"]
    mine = lineage[lineage["fold"] == fold]
    parents = pd.concat([mine["anchor"], mine["neighbour"]]).astype(str).map(group_of)
    made = parents.value_counts() / 2
    table = table.reindex(table.index.union(made.index), fill_value=0)
    table["synthetic"] = made.reindex(table.index).fillna(0.0)
    total = table["other"] + table["landslide"]
    table["before"] = table["landslide"] / np.maximum(total, 1)
    after = total + table["synthetic"]
    table["after"] = (table["landslide"] + table["synthetic"]) / np.maximum(after, 1)
    return (
        table.rename_axis("group").reset_index().sort_values(["synthetic", "landslide"], ascending=False, kind="stable")
    )


def by_group(data: Dataset, folds: dict, lineage: pd.DataFrame, fold: int) -> None:
    """Bars of the groups with most synthetics, the table of all."""
    if data.groups is None:
        st.caption("This dataset has no groups, so there are no counts by group.")
        return
    table = group_counts(data, folds, lineage, fold)
    with_made = int((table["synthetic"] > 0).sum())
    half = table["synthetic"].cumsum().searchsorted(table["synthetic"].sum() / 2) + 1 if with_made else 0
    st.caption(
        f"{len(table):,} groups in the training part of {theme.fold_title(fold)}. {with_made:,} of them contain "
        f"parents of synthetic patches; {int(half):,} account for half of the synthetic patches. Each synthetic patch "
        "counts half for the group of each parent."
    )
    beside = st.grid(2, min_column_width=400, gap="medium")
    with beside.cell():
        top = table.head(MOST_BARS)
        downloads.show(balance_by_group(top, data.class_names), key="balance_groups_bars")
        if len(table) > MOST_BARS:
            st.caption(f"The {MOST_BARS} groups with the most synthetic patches; the table has all.")
    share = st.column_config.NumberColumn
    with beside.cell():
        downloads.table(
            table.assign(before=100 * table["before"], after=100 * table["after"]), hide_index=True, width="stretch",
            height=420 if len(table) > 12 else "content",
            column_config={
                "group": "Group", "other": data.class_names[0], "landslide": data.positive,
                "synthetic": share("Synthetic", format="%.1f"), "before": share("Before", format="%.0f%%"),
                "after": share("After", format="%.0f%%"),
            },
        )  # fmt: skip
        downloads.download(table, f"balance_groups_{fold}", "Counts by group (CSV)")
