"""Novelty of a run's own patches: each in the space of the fold that held it out, without its own group."""

from __future__ import annotations

import numpy as np
import pytest

from core.analyses import novelty as analysis
from core.predict.novelty.fit import load
from core.predict.novelty.own import evidence_for


def test_each_patch_is_told_by_its_own_fold_against_the_groups_of_others(balanced_run):
    own, novelty, oof = analysis.read_patches(balanced_run), load(balanced_run), balanced_run.oof()
    assert analysis.patches_file(balanced_run).is_file()
    assert sorted(own.rows.tolist()) == list(range(len(oof))) and own.n_groups == novelty.n_groups == 40
    assert own.level == 1 / 40 and own.evidence == evidence_for(balanced_run, novelty) == "both"
    fold_of, score, group = (np.empty(len(oof), kind) for kind in (int, float, int))
    start = 0
    for k, fold in enumerate(novelty.folds):
        rows = own.rows[start : start + len(fold.groups)]
        start += len(fold.groups)
        # The places in the calibration are those rows: the network's embeddings give the same distances again.
        again = novelty.embedding_scores(k, balanced_run.embeddings(k)["embeddings"][rows])
        assert again == pytest.approx(fold.held_embedding) and (oof["fold"].to_numpy()[rows] == k).all()
        fold_of[rows], group[rows] = k, fold.groups
        score[rows] = np.maximum(fold.held.max(axis=1), fold.held_embedding)
    for row, p in list(zip(own.rows, own.p, strict=True))[::7]:
        others = [
            np.mean(score[(fold_of == k) & (group == g)] >= score[row])
            for k, g in set(zip(fold_of.tolist(), group.tolist(), strict=True))
            if (k, g) != (fold_of[row], group[row])
        ]
        assert p == pytest.approx((1 + sum(others)) / 40)


def test_nothing_is_told_before_it_was_calibrated(trained_run_copy):
    folder = analysis.patches_file(trained_run_copy).parent
    for path in folder.iterdir():
        path.unlink()
    assert analysis.read_patches(trained_run_copy) is None and analysis.patches_file(trained_run_copy) is None
