import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.config import HeadsConfig
from core.heads.baselines import BASELINES
from core.heads.fold import HeadSet, fit_on_embeddings, fit_on_statistics
from core.heads.svm import SvmSetting

RNG = np.random.default_rng(0)
N = 60
LABELS = (np.arange(N) % 3 == 0).astype(np.int8)
EMBEDDINGS = (RNG.normal(size=(N, 5)) + LABELS[:, None]).astype(np.float32)
BOTH = {"statistics": EMBEDDINGS, "rich": EMBEDDINGS}
TRAIN = np.flatnonzero(np.arange(N) % 4 != 0)
SYNTHETIC = (RNG.normal(size=(10, 5)) + 1).astype(np.float32)
WANTED = HeadSet((SvmSetting(1.0), SvmSetting(0.1)), lgbm=True, logreg=True)


def with_positives(n):
    labels = np.zeros(N, np.int8)
    labels[TRAIN[:n]] = 1
    return labels


def test_every_head_of_a_run_is_fitted_and_answers_for_every_real_patch():
    config = HeadsConfig()
    found = fit_on_embeddings(EMBEDDINGS, TRAIN, SYNTHETIC, LABELS, HeadSet.of(config))
    assert (*found.heads,) == config.on_embeddings[1:] and not found.left_out
    for name, head in found.heads.items():
        assert head.name == name and np.allclose(found.scores[name], head.decision(EMBEDDINGS), atol=1e-9)


def test_synthetic_patches_are_learnt_from_as_landslides_and_held_out_ones_are_not():
    rows, target = np.concatenate([EMBEDDINGS[TRAIN], SYNTHETIC]), np.concatenate([LABELS[TRAIN], np.ones(10)])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(rows.astype(np.float64), target)
    spoilt = LABELS.copy()
    spoilt[np.setdiff1d(np.arange(N), TRAIN)] = -1
    for labels in (LABELS, spoilt):
        found = fit_on_embeddings(EMBEDDINGS, TRAIN, SYNTHETIC, labels, HeadSet(logreg=True)).scores["logreg"]
        assert np.abs(found - model.decision_function(EMBEDDINGS.astype(np.float64))).max() < 1e-6


def test_the_runs_gamma_is_shared_and_stays_out_of_the_names():
    wanted = HeadSet.of(HeadsConfig(svm_gamma=0.02, svm_C=(0.3, 0.1), lgbm=False))
    found = fit_on_embeddings(EMBEDDINGS, TRAIN, SYNTHETIC, LABELS, wanted)
    assert (*found.heads,) == ("svm_c0.3", "svm_c0.1", "logreg")
    assert {float(found.heads[name].gamma) for name in ("svm_c0.3", "svm_c0.1")} == {0.02}


@pytest.mark.parametrize(("positives", "reason"), [(0, "0 landslides and 45"), (1, "1 landslides and 44")])
def test_one_class_or_one_landslide_leaves_each_head_out_by_its_own_name(positives, reason):
    labels = with_positives(positives)
    nothing = np.zeros((0, 5), np.float32)
    found = fit_on_embeddings(EMBEDDINGS, TRAIN, nothing, labels, WANTED)
    assert set(found.left_out) == set(WANTED.names) and not found.heads and not found.scores
    for name, text in found.left_out.items():
        assert f"'{name}' is left out" in text and reason in text and "at least 2 of each" in text
    assert set(fit_on_statistics(BOTH, TRAIN, labels).left_out) == set(BASELINES)


def test_one_landslide_with_synthetic_ones_is_enough_for_the_network_and_leaves_the_baselines_out():
    found = fit_on_embeddings(EMBEDDINGS, TRAIN, SYNTHETIC, with_positives(1), WANTED)
    assert not found.left_out and set(found.heads) == set(WANTED.names)
    assert set(fit_on_statistics(BOTH, TRAIN, with_positives(1)).left_out) == set(BASELINES)


@pytest.mark.parametrize("positives", [2, 3])
def test_fewer_landslides_than_folds_are_enough_for_every_head(positives):
    found = fit_on_embeddings(EMBEDDINGS, TRAIN, np.zeros((0, 5), np.float32), with_positives(positives), WANTED)
    assert not found.left_out
    assert all(np.isfinite(scores).all() and scores.shape == (N,) for scores in found.scores.values())


def test_a_network_that_gave_no_finite_embedding_leaves_out_what_stands_on_it():
    broken = EMBEDDINGS.copy()
    broken[TRAIN[0], 0] = np.nan
    found = fit_on_embeddings(broken, TRAIN, SYNTHETIC, LABELS, WANTED)
    assert set(found.left_out) == set(WANTED.names) and "not finite" in found.left_out["lgbm"]
    assert set(fit_on_statistics(BOTH, TRAIN, LABELS).heads) == set(BASELINES)
    with_full = fit_on_statistics(BOTH | {"full": EMBEDDINGS}, TRAIN, LABELS)
    assert (*with_full.heads,) == (*BASELINES, "full_boost")


def test_baselines_see_the_real_training_patches_alone():
    found = fit_on_statistics(BOTH, TRAIN, LABELS)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    expected = model.fit(EMBEDDINGS[TRAIN].astype(np.float64), LABELS[TRAIN])
    difference = found.scores["stats_logreg"] - expected.decision_function(EMBEDDINGS.astype(np.float64))
    assert (*found.heads,) == BASELINES and np.abs(difference).max() < 1e-6
