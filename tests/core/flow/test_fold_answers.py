"""Every fold's answers for every patch: those of a patch's own fold are the run's out-of-fold ones."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import RunError
from core.flow.fold_answers import fold_probs


@pytest.mark.parametrize("head", ["fc", "svm_c0.1", "stats_svm"])
def test_the_answers_of_a_patchs_own_fold_are_its_out_of_fold_ones(trained_run, head):
    oof = trained_run.oof()
    probs = fold_probs(trained_run, head)
    assert probs.shape == (2, len(oof))
    own = probs[oof["fold"].to_numpy(), np.arange(len(oof))]
    assert own == pytest.approx(oof[f"prob_{head}"].to_numpy(), abs=1e-12)
    assert (probs != own).any()


def test_a_head_that_the_folds_did_not_answer_by_is_told(trained_run):
    with pytest.raises(RunError, match="kept no answers of 'oracle'"):
        fold_probs(trained_run, "oracle")
