"""A run's score after some of its folds: after the last one it is the run's own, to the last digit that matters."""

import pytest

from core.experiments.search.score_so_far import score_so_far
from core.runs.store import RunFolder
from tests.trained_runs import copied


@pytest.mark.parametrize("metric", ["f1", "auc"])
def test_after_every_fold_it_is_the_runs_own(trained_run, balanced_run, metric):
    for run in (trained_run, balanced_run):
        summary, folds = run.summary(), run.config().folds.n_splits
        assert score_so_far(run, folds, metric) == pytest.approx(summary["oof"][metric], abs=1e-9)
        assert 0 <= score_so_far(run, 1, metric) <= 1


@pytest.mark.parametrize("head", ["fc", "svm_c0.1", "lgbm"])
def test_of_any_head(trained_run, tmp_path, head):
    run: RunFolder = copied(trained_run, tmp_path / "copy")
    heads = run.config().heads.model_copy(update={"head": head})
    run.write_text("config.json", run.config().model_copy(update={"heads": heads}).to_json())
    assert score_so_far(run, 2, "f1") == pytest.approx(run.summary()["heads"][head]["f1"], abs=1e-9)
