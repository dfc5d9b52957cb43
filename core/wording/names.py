"""What people call a head, a fold, an outcome, a kind of band, a metric."""

from __future__ import annotations

OUTCOME_WORDS = {
    "TP": "Found (TP)",
    "FN": "Missed (FN)",
    "FP": "False alarm (FP)",
    "TN": "Correctly left (TN)",
}
FAMILY_WORDS = {"optical": "Optical", "sar_post": "SAR after", "sar_change": "SAR change", "other": "Other"}
METHOD_WORDS = {"none": "Uncalibrated", "temperature": "Temperature", "platt": "Platt", "isotonic": "Isotonic"}
METRIC_TITLES = {
    "f1": "F1", "auc": "AUC (ROC)", "precision": "Precision", "recall": "Recall (sensitivity)",
    "specificity": "Specificity", "accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "mcc": "MCC",
    "average_precision": "Average precision", "brier": "Brier score", "ece": "ECE",
}  # fmt: skip
METRIC_MEANINGS = {
    "f1": "harmonic mean of precision and recall",
    "auc": "how often a {} outranks others",
    "precision": "share of alarms that are correct",
    "recall": "share of {} patches found",
    "specificity": "share of other patches without alarm",
    "accuracy": "share of correct decisions",
    "balanced_accuracy": "mean of recall and specificity",
    "mcc": "correlation of decision and truth, −1 to 1",
    "average_precision": "precision averaged over recall",
    "brier": "squared probability error (low: good)",
    "ece": "error of predicted shares (low: good)",
}
STEADY = ("auc", "recall", "specificity", "balanced_accuracy")  # whatever the share of landslides


def head_title(head: str) -> str:
    """A head's name for people: ``svm_c0.1`` is "SVM (C 0.1)"."""
    titles = {
        "fc": "Fully connected",
        "lgbm": "Boosted trees",
        "logreg": "Logistic regression",
        "stats_logreg": "Band statistics, logistic regression",
        "stats_svm": "Band statistics, SVM",
        "stats_nearest": "Band statistics, nearest neighbour",
        "stats_boost": "Band statistics, boosted trees",
        "rich": "Rich band statistics, SVM",
        "rich_boost": "Rich band statistics, boosted trees",
        "full_boost": "Full band statistics, boosted trees",
        "stats_blend": "Rich band statistics, SVM and trees",
        "blend": "Network and statistics",
    }
    svm = f"SVM (C {head[5:].replace('_g', ', gamma ')})" if head.startswith("svm_c") else head
    return titles.get(head, svm)


def fold_title(fold: int) -> str:
    """A fold's name for people, who count from 1 as the worker's messages do: "fold 1" is fold 0 in the tables."""
    return f"fold {int(fold) + 1}"
