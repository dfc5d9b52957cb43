import lightgbm
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core.errors import TrainingError
from core.heads.baselines import BASELINES, fit_baseline

RNG = np.random.default_rng(0)
Y = (np.arange(90) % 3 == 0).astype(int)
X = (RNG.normal(size=(90, 12)) + Y[:, None]).astype(np.float32) * 100


@pytest.mark.parametrize(
    ("name", "model"), [("stats_logreg", LogisticRegression(max_iter=5000)), ("stats_svm", SVC(C=1.0))]
)
def test_decisions_equal_scikit_learns(name, model):
    x = X.astype(np.float64)
    head = fit_baseline(name, X, Y)
    expected = make_pipeline(StandardScaler(), model).fit(x, Y).decision_function(x)
    assert head.name == name and np.abs(head.decision(X) - expected).max() < 1e-6


def test_boosting_equals_lightgbms_raw_score():
    head = fit_baseline("stats_boost", X, Y)
    expected = lightgbm.Booster(model_str=head.text).predict(X, raw_score=True)
    assert np.abs(head.decision(X) - expected).max() < 1e-12 and np.ptp(expected) > 1


@pytest.mark.parametrize("name", BASELINES)
def test_one_class_leaves_it_out_and_says_why(name):
    with pytest.raises(TrainingError, match=f"{name}' is left out"):
        fit_baseline(name, X, np.zeros(90, int))
