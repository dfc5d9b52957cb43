"""The small budget: what every row of an experiment gives up so that the whole takes minutes, and how that is said."""

from __future__ import annotations

from core.config import RunConfig
from core.text import list_names

FOLDS, EPOCHS = 2, 5
SAID = (  # in words
    "folds.n_splits", "train.epochs", "train.select", "model.image_size", "model.backbone", "model.pretrained",
)  # fmt: skip


def small(config: RunConfig) -> list[str]:
    """The settings that a row gets on a small budget: fewer folds and epochs, one SVM, nothing explained.

    The headline's head stays. Warm-up and phases keep their share of the epochs. No epoch is chosen by what it is
    judged on.
    """
    epochs = min(config.train.epochs, EPOCHS)
    share = epochs / config.train.epochs
    heads = config.heads
    svms = [C for C, name in zip(heads.svm_C, heads.svm_names, strict=True) if name == heads.head] or heads.svm_C[-1:]
    settings = {
        "folds.n_splits": min(config.folds.n_splits, FOLDS),
        "train.epochs": epochs,
        "train.select": "last" if config.train.select == "fold_best" else config.train.select,
        "train.judge_steps": "null",
        "train.patience": "null",
        "train.warmup_epochs": round(config.train.warmup_epochs * share),
        "train.head_epochs": round(config.train.head_epochs * share),
        "train.top_epochs": round(config.train.top_epochs * share),
        "train.step_epochs": max(1, round(config.train.step_epochs * share)),
        "embed.method": "pca",
        "explain.enabled": "false",
        "heads.svm_C": f"[{svms[0]!r}]",
        "heads.lgbm": str(heads.head == "lgbm").lower(),
        "heads.logreg": str(heads.head == "logreg").lower(),
    }
    return [f"{name}={value}" for name, value in settings.items()]


def said(full: RunConfig, reduced: RunConfig) -> str:
    """What the small budget changed that a reader of the numbers must know; empty where nothing."""
    words = [
        f"{name.rpartition('.')[2].replace('n_splits', 'folds').replace('_', ' ')} {_at(reduced, name)} instead of "
        f"{_at(full, name)}"
        for name in SAID
        if _at(full, name) != _at(reduced, name)
    ]
    return f"Small budget: {list_names(words, most=len(words))}." if words else ""


def _at(config: RunConfig, name: str) -> object:
    section, _, key = name.partition(".")
    value = getattr(getattr(config, section), key)
    return "the patches' own" if value is None else value
