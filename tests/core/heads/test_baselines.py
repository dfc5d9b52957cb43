import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core.errors import TrainingError
from core.heads.baselines import BASELINES, fit_baselines

RNG = np.random.default_rng(0)
Y = np.arange(90) % 3 == 0
X = (RNG.normal(size=(90, 12)) + Y[:, None]).astype(np.float32) * 100


def test_both_equal_scikit_learns_in_their_order():
    logistic, svm = fit_baselines(X, Y.astype(int))
    assert (logistic.name, svm.name) == BASELINES
    x = X.astype(np.float64)
    for head, model in ((logistic, LogisticRegression(max_iter=5000)), (svm, SVC(C=1.0))):
        expected = make_pipeline(StandardScaler(), model).fit(x, Y).decision_function(x)
        assert np.abs(head.decision(X) - expected).max() < 1e-6


def test_one_class_leaves_them_out_and_says_why():
    with pytest.raises(TrainingError, match="stats_logreg' is left out"):
        fit_baselines(X, np.zeros(90, int))
