"""A dataset's own split into train, validation and test, by the words that people use for them.

The official test part is held back from cross-validation: nothing of it is learnt from, and it is in no fold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from core.config import FoldsConfig
from core.data.store.dataset import Dataset
from core.errors import FoldError
from core.text import list_names

TRAIN, VAL, TEST = "train", "val", "test"
WORDS = {
    TRAIN: ("", "train", "training", "trn", "tr", "trainval", "trainvalid", "trainvalidate", "trainvalidation", "fit"),
    VAL: ("val", "valid", "validate", "validation", "dev", "development"),
    TEST: ("test", "testing", "tst", "te", "holdout", "heldout", "evaluation", "eval"),
}
AFTER = re.compile(r"(data|dataset|set|split|part|images|imgs|samples|patches)$")
NOT_A_LETTER = re.compile(r"[\W\d_]+")


@dataclass(frozen=True, eq=False)
class HeldBack:
    """What is in no fold for the sake of the dataset's split. mask: (N,) bool. notes: sentences for people."""

    mask: np.ndarray
    notes: tuple[str, ...] = field(default=())


def part_of(word: str) -> str | None:
    """``train``, ``val`` or ``test`` for a word of a split; None for one that means none of them.

    Case, digits and signs do not matter (``Test_1``, ``TrainData``), and no word at all is ``train``.
    """
    letters = NOT_A_LETTER.sub("", word.lower())
    if not letters:
        return TRAIN if not word.strip() else None
    for candidate in (letters, AFTER.sub("", letters)):
        for part, words in WORDS.items():
            if candidate and candidate in words:
                return part
    return None


def split_parts(dataset: Dataset) -> np.ndarray | None:
    """(N,) text: train, val or test for every patch; patches with no word, or an unknown one, are train.

    None where the dataset has no split, or none of its words is known.
    """
    split = split_words(dataset)
    if split is None:
        return None
    words, where = np.unique(split, return_inverse=True)
    parts = [part_of(word) for word in words.tolist()]
    if not any(part for part, word in zip(parts, words.tolist(), strict=True) if word.strip()):
        return None
    return np.array([part or TRAIN for part in parts])[where]


def split_words(dataset: Dataset) -> np.ndarray | None:
    """(N,) text, the split as the source states it: its own, or that of a column named split; None without either."""
    named = (values for name, values in dataset.columns.items() if name.lower() == "split")
    split = dataset.split if dataset.split is not None else next(named, None)
    return None if split is None else split.astype(str)


def held_back(dataset: Dataset, labels: np.ndarray, config: FoldsConfig) -> HeldBack:
    """What the folds leave alone: labelled test patches, and those of validation where that is asked for.

    labels: (N,) int8 of this run, -1 for what is left out anyway.

    Raises FoldError when nothing labelled would remain.
    """
    parts, stated, nothing = split_parts(dataset), split_words(dataset), np.zeros(len(dataset), bool)
    labelled = np.asarray(labels) >= 0
    if parts is None or stated is None:
        return HeldBack(nothing, _no_use(config, dataset))
    test, val = (labelled & (parts == part) for part in (TEST, VAL))
    if not config.use_split:
        words = f"{int(test.sum()):,} patches of the dataset's own test part are in the folds (folds.use_split=false)"
        told = f"{words}: they were trained on, and these figures do not compare with published ones."
        return HeldBack(nothing, (told,) if test.any() else ())
    mask = test | val if config.hold_out_val else test
    if mask.any() and not (labelled & ~mask).any():
        names = " and ".join(sorted(set(stated[mask].tolist())))
        raise FoldError(
            f"All {int(labelled.sum()):,} labelled patches of {dataset.name} belong to the part '{names}' of its own "
            "split, which is held back. Set folds.use_split=false to draw folds over everything."
        )
    notes = [*_unknown(stated)]
    for name, of, where in (("test", test, True), ("validation", val, config.hold_out_val)):
        if of.any() and where:
            positive = int((np.asarray(labels)[of] == 1).sum())
            notes.append(
                f"The dataset's own {name} part was held back ({int(of.sum()):,} labelled patches, {positive:,} "
                f"{dataset.positive}): not in the folds, never trained on. Judge it once, when all is decided: "
                f"`python -m core analyse locked_test RUN{'' if name == 'test' else ' --part val'}`."
            )
    return HeldBack(mask, tuple(notes))


def _no_use(config: FoldsConfig, dataset: Dataset) -> tuple[str, ...]:
    if not config.hold_out_val:
        return ()
    return (f"folds.hold_out_val has no effect: {dataset.name} states no validation part.",)


def _unknown(stated: np.ndarray) -> list[str]:
    unknown = [word for word in np.unique(stated).tolist() if part_of(word) is None]
    if not unknown:
        return []
    return [f"The split's words {list_names(unknown)} mean neither train, validation nor test; they count as train."]
