"""How well the run finds landslides, for people who have to decide with it and for people who have to check it."""

import json

import pandas as pd
import streamlit as st

from dashboard import cached, charts, components, outcomes, theme, verdicts
from dashboard import result_tables as tables
from dashboard.components import literal
from dashboard.reading import head_picker, needed


def main() -> None:
    st.title("Results")
    run = components.need_finished_run("how many landslides a run finds, misses and imagines")
    summary, oof = needed(cached.summary, run), needed(cached.oof, run)
    heads = outcomes.heads_of(oof)
    head = head_picker("Head", heads, summary, "results_head")
    stakeholders(summary, head)
    place(summary)
    decisions(summary, oof, head)
    curves(summary, oof, heads, head)
    by_fold(summary, head)
    learning(run)
    behind(run, summary, oof)


def stakeholders(summary: dict, head: str) -> None:
    with st.grid(min_column_width=165):
        for card in verdicts.cards(summary["heads"][head], summary["positive"]):
            st.metric(
                card.label, card.value, card.detail or None, delta_color="off", delta_arrow="off", border=True,
                height="stretch",
            )  # fmt: skip
    st.caption(verdicts.standing(summary, head))
    for warning in verdicts.warnings_of(summary):
        st.warning(warning, icon=":material/warning:")


def place(summary: dict) -> None:
    st.subheader("Does the network earn its place?", anchor=False)
    short, sentence = verdicts.earns_its_place(summary)
    st.markdown(f"**{short}.** {sentence}")
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        metric = st.segmented_control(
            "Compared by", ["f1", "auc", "recall", "precision"], default="f1", required=True, key="results_metric",
            format_func={"f1": "F1", "auc": "AUC", "recall": "Recall", "precision": "Precision"}.get,
        )  # fmt: skip
        components.show(charts.heads_comparison(summary["heads"], metric), key="results_heads")
    with grid.cell():
        st.markdown(f"**{literal(theme.head_title(summary['head']))} minus band statistics**")
        components.show(
            charts.differences(tables.differences(summary), "Difference, with 95 % interval"), key="results_diff"
        )
        st.caption("Paired: both are seen in the same bootstrap samples. Grey: the interval holds 0.")
    table = tables.heads(summary)
    with st.expander("All heads as a table"):
        st.dataframe(table, hide_index=True, width="stretch", height="content")
        st.caption(f"Out of fold, n = {summary['oof']['n']:,}; the interval is the 95 % bootstrap interval of F1.")
        components.download(table, f"{summary['run']}_heads", "Heads (CSV)")


def decisions(summary: dict, oof: pd.DataFrame, head: str) -> None:
    st.subheader("What it decides", anchor=False)
    names, facts = tuple(summary["class_names"]), summary["heads"][head]
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        components.show(charts.confusion_matrix(facts["confusion"], names), key="results_confusion")
        st.caption(f"Confusion matrix, positive class {literal(names[1])}; shares are of the true class (row).")
    table = outcomes.judged(oof, head)
    thresholds = list(outcomes.thresholds_of(summary, head).values())
    with grid.cell():
        figure = charts.probability_histogram(table["prob"].to_numpy(), table["label"].to_numpy(), names, thresholds)
        components.show(figure, key="results_histogram")
        st.caption(f"Out of fold, n = {len(table):,}, {literal(theme.head_title(head))}. {_scaling(head)}")


def _scaling(head: str) -> str:
    if head == "fc":
        return "Probabilities are the network's softmax."
    if head == "blend":
        return "Log-odds are the mean of the network's and of the Platt-scaled statistics SVM's."
    return "Probabilities are Platt scalings of the scores, each fold's learnt on the other folds."


def curves(summary: dict, oof: pd.DataFrame, heads: tuple[str, ...], head: str) -> None:
    st.subheader("Every other threshold", anchor=False)
    usual = [name for name in dict.fromkeys((head, "fc", "stats_svm")) if name in heads]
    chosen = st.pills(
        "Heads drawn", heads, selection_mode="multi", default=usual, format_func=theme.head_title,
        key=f"results_curves_{head}",
    )  # fmt: skip
    shown = [name for name in heads if name in (chosen or [head])]
    precision_recall, roc, share = tables.curves(oof, summary, shown)
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        components.show(charts.precision_recall(precision_recall, heads, share), key="results_pr")
    with grid.cell():
        components.show(charts.roc(roc, heads), key="results_roc")
    st.caption(
        "Out-of-fold probabilities of all folds pooled. Dots are the decisions made with the folds' own thresholds, so "
        "they may lie a little beside their curve."
    )


def by_fold(summary: dict, head: str) -> None:
    st.subheader("Fold by fold", anchor=False)
    table = tables.folds(summary, head)
    st.dataframe(table, hide_index=True, width="stretch", height="content")
    f1 = pd.to_numeric(table["F1"]).dropna()
    spread = f" ± {f1.std(ddof=1):.3f} (standard deviation over folds)" if len(f1) > 1 else ""
    mean = f"{f1.mean():.3f}" if len(f1) else "undefined"
    st.caption(f"{literal(theme.head_title(head))}, each fold on its own validation part. Mean F1 {mean}{spread}.")
    components.download(table, f"{summary['run']}_folds", "Folds (CSV)")


def learning(run) -> None:
    history = needed(cached.history, run)
    if history.empty:
        return
    st.subheader("How it learnt", anchor=False)
    which = st.segmented_control(
        "Beside the loss", ["val_f1", "val_auc", "lr", "images_per_second"], default="val_f1", required=True,
        key="results_history", format_func=charts.HISTORY_TITLES.get,
    )  # fmt: skip
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        components.show(charts.learning_curves(history, "val_loss"), key="results_loss")
    with grid.cell():
        components.show(charts.learning_curves(history, which), key="results_score")
    st.caption(
        "Network alone, on each fold's validation part; the last epoch is kept, chosen without looking at these curves."
    )
    components.download(history, f"{run.name}_history", "Learning curves (CSV)")


def behind(run, summary: dict, oof: pd.DataFrame) -> None:
    with st.container(horizontal=True):
        components.download(oof, f"{run.name}_oof", "Out-of-fold table (CSV)")
        st.download_button(
            "Summary (JSON)", json.dumps(summary, indent=2), file_name=f"{run.name}_summary.json", type="tertiary",
            mime="application/json", icon=":material/download:", on_click="ignore", key="results_summary",
        )  # fmt: skip
    with st.expander("Where these numbers come from"):
        st.json(needed(run.provenance), expanded=1)
        st.json(needed(run.config).model_dump(mode="json"), expanded=False)


main()
