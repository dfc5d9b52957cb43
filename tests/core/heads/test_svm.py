import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from core.errors import FormatError, RunError, TrainingError
from core.heads import load_heads, save_heads, svm
from core.heads.svm import SvmHead, SvmSetting, fit_svm, fit_svms
from core.io.safetensors_file import save_arrays


def clouds(n=80, features=6, seed=0):
    """Two overlapping clouds with features of very different scales, the last one constant; and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 4 == 0).astype(np.int8)
    x = rng.normal(size=(n, features)) + 0.8 * labels[:, None]
    x[:, -1] = 3.0
    return (x * 10.0 ** (np.arange(features) % 6)).astype(np.float32), labels


def reference(x, labels, C):
    return make_pipeline(StandardScaler(), SVC(C=C, gamma="scale")).fit(x.astype(np.float64), labels)


@pytest.mark.parametrize("C", [1.0, 0.75, 0.5, 0.1])
def test_decisions_equal_scikit_learns(C):
    x, labels = clouds()
    new, _ = clouds(50, seed=1)
    head = fit_svm(x, labels, C)
    expected = reference(x, labels, C).decision_function(new.astype(np.float64))
    assert head.name == f"svm_c{C:g}"
    assert head.decision(new).dtype == np.float64
    assert np.abs(head.decision(new) - expected).max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(st.integers(8, 60), st.integers(2, 40), st.integers(0, 1000))
def test_decisions_equal_scikit_learns_for_any_shape(n, features, seed):
    x, labels = clouds(n, features, seed)
    expected = reference(x, labels, 0.5).decision_function(x.astype(np.float64))
    assert np.abs(fit_svm(x, labels, 0.5).decision(x) - expected).max() < 1e-6


@pytest.mark.parametrize("gamma", ["scale", 0.003, 0.5])
def test_every_gamma_equals_scikit_learns(gamma):
    x, labels = clouds()
    expected = make_pipeline(StandardScaler(), SVC(C=0.7, gamma=gamma)).fit(x.astype(np.float64), labels)
    head = fit_svm(x, labels, 0.7, gamma=gamma)
    assert np.abs(head.decision(x) - expected.decision_function(x.astype(np.float64))).max() < 1e-6
    assert float(head.gamma) == pytest.approx(expected[-1]._gamma) and head.facts()["gamma"] == float(head.gamma)


@settings(max_examples=15, deadline=None)
@given(st.integers(8, 60), st.integers(1, 30), st.floats(1e-3, 50.0), st.integers(0, 1000))
def test_any_scikit_learn_svm_is_answered_for_from_its_arrays(n, features, C, seed):
    x, labels = clouds(n, max(features, 2), seed)
    new = clouds(20, max(features, 2), seed + 1)[0].astype(np.float64)
    model = reference(x, labels, C)
    scaler, svc = model[0], model[1]
    arrays = (scaler.mean_, scaler.scale_, svc.support_vectors_, svc.dual_coef_[0])
    head = SvmHead("any", *arrays, np.asarray(svc.intercept_[0]), np.asarray(svc._gamma))
    for device in (None, "cpu"):
        assert np.abs(head.decision(new, device) - model.decision_function(new)).max() < 1e-6 * max(1, C)


def test_svms_of_one_sweep_are_those_fitted_one_by_one():
    x, labels = clouds(120)
    others, _ = clouds(30, seed=1)
    wanted = [SvmSetting(1.0), SvmSetting(0.1, 0.02), SvmSetting(0.1), SvmSetting(1.0, 0.02, "mine")]
    found = fit_svms(x, labels, wanted, others)
    assert [one.head.name for one in found] == ["svm_c1", "svm_c0.1_g0.02", "svm_c0.1", "mine"]
    for one, setting in zip(found, wanted, strict=True):
        alone = fit_svm(x, labels, setting.C, gamma=setting.gamma)
        assert np.allclose(one.head.decision(others), alone.decision(others), atol=1e-9)
        assert np.allclose(one.of_training, alone.decision(x), atol=1e-9)
        assert np.allclose(one.of_others, alone.decision(others), atol=1e-9)


def test_rows_too_many_for_one_kernel_give_the_same_svm(monkeypatch):
    x, labels = clouds(120)
    shared = fit_svms(x, labels, [SvmSetting(0.5), SvmSetting(2.0)], x[:7])
    monkeypatch.setattr(svm, "KERNEL_BYTES", 0)
    apart = fit_svms(x, labels, [SvmSetting(0.5), SvmSetting(2.0)], x[:7])
    for one, other in zip(shared, apart, strict=True):
        assert np.array_equal(one.head.support, other.head.support)
        for name in ("of_training", "of_others"):
            assert np.allclose(getattr(one, name), getattr(other, name), atol=1e-9)


def test_balanced_weights_are_scikit_learns():
    x, labels = clouds()
    expected = make_pipeline(StandardScaler(), SVC(C=0.3, class_weight="balanced")).fit(x.astype(np.float64), labels)
    found = fit_svm(x, labels, 0.3, class_weight="balanced").decision(x)
    assert np.abs(found - expected.decision_function(x.astype(np.float64))).max() < 1e-6
    assert np.abs(found - fit_svm(x, labels, 0.3).decision(x)).max() > 1e-3


@pytest.mark.parametrize(("dtype", "kept"), [(np.float32, "rows"), (np.float64, "support")])
def test_a_head_comes_back_to_the_bit_in_half_the_space_where_that_can_be(dtype, kept, tmp_path):
    x = np.random.default_rng(3).normal(size=(80, 6)).astype(dtype)
    head = fit_svm(x, clouds()[1], 0.5)
    save_heads(tmp_path, [head])
    found, back = head.arrays(), load_heads(tmp_path)["svm_c0.5"]
    assert kept in found and found[kept].dtype == dtype
    assert np.array_equal(back.support, head.support) and np.array_equal(back.decision(x), head.decision(x))


def test_arrays_that_do_not_fit_together_are_refused(tmp_path):
    x, labels = clouds()
    found = fit_svm(x, labels, 0.5).arrays()
    digest = save_arrays(tmp_path / "svm_c0.5.safetensors", found | {"center": np.zeros(3)})
    (tmp_path / "svm_c0.5.json").write_text(json.dumps({"name": "svm_c0.5", "kind": "svm", "sha256": digest}))
    with pytest.raises(RunError, match="not those of kind 'svm'"):
        load_heads(tmp_path)


def test_a_head_of_an_earlier_version_is_read(tmp_path):
    x, labels = clouds()
    head = fit_svm(x, labels, 0.5)
    names = ("center", "scale", "support", "dual", "intercept", "gamma")
    digest = save_arrays(tmp_path / "svm_c0.5.safetensors", {name: getattr(head, name) for name in names})
    (tmp_path / "svm_c0.5.json").write_text(json.dumps({"name": "svm_c0.5", "kind": "svm", "sha256": digest}))
    assert np.array_equal(load_heads(tmp_path)["svm_c0.5"].decision(x), head.decision(x))


def test_larger_means_more_landslide():
    x, labels = clouds(200)
    found = fit_svm(x, labels, 1.0).decision(x)
    assert found[labels == 1].mean() > found[labels == 0].mean()


def test_large_inputs_are_answered_in_parts(monkeypatch):
    x, labels = clouds()
    head = fit_svm(x, labels, 1.0)
    whole = head.decision(x)
    monkeypatch.setattr("core.heads.svm._CHUNK_BYTES", 1)
    assert np.allclose(head.decision(x), whole, atol=1e-12)
    assert head.decision(x[:0]).shape == (0,)


def test_features_that_never_vary_give_a_constant():
    head = fit_svm(np.ones((8, 3)), np.arange(8) % 2, 1.0)
    assert np.isfinite(head.decision(np.ones((2, 3)))).all()


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    ("labels", "counts"),
    [([0] * 6, "0 landslides and 6"), ([1] * 6, "6 landslides and 0"), ([1] + [0] * 5, "1 landsl")],
)
def test_too_few_of_a_class_leaves_the_head_out_and_says_why(labels, counts):
    with pytest.raises(TrainingError, match=f"svm_c0.1' is left out: .*{counts}.*at least 2 of each"):
        fit_svm(np.random.default_rng(0).normal(size=(6, 2)), np.array(labels), 0.1)


def test_features_that_are_not_finite_leave_the_head_out():
    x, labels = clouds()
    x[3, 1] = np.nan
    with pytest.raises(TrainingError, match="1 of 80 feature rows are not finite"):
        fit_svm(x, labels, 1.0)


@pytest.mark.parametrize("labels", [np.full(80, -1), np.arange(80), np.zeros(79)])
def test_labels_other_than_0_and_1_are_refused(labels):
    with pytest.raises(TrainingError, match="N labels 0 or 1"):
        fit_svm(clouds()[0], labels, 1.0)


@pytest.mark.parametrize("shape", [(4, 5), (4, 7), (6,)])
def test_embeddings_of_another_network_are_refused(shape):
    with pytest.raises(FormatError, match="svm_c1' was fitted on 6 features"):
        fit_svm(*clouds(), 1.0).decision(np.zeros(shape))


def test_equal_data_give_equal_bits():
    one, two = fit_svm(*clouds(), 0.5), fit_svm(*clouds(), 0.5)
    assert all(np.array_equal(a, two.arrays()[name]) for name, a in one.arrays().items())
