import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from core.config import SmoteConfig
from core.data.normalise import METHODS, fit_normaliser
from core.errors import ConfigError, FormatError, LabelError
from core.smote.resample import (
    NORMALISED_RANGE,
    SSIMSMOTE,
    copies_of,
    interpolate,
    n_synthetic,
    normalised_range,
    synthesise,
)
from core.smote.ssim import pairwise_ssim


def _patches(n, seed=0, bands=2):
    return np.random.default_rng(seed).normal(size=(n, bands, 8, 8)).astype(np.float32)


def _two_pairs():  # 0 and 1 are alike, 2 and 3 are alike, nobody else is
    a, b = _patches(2)
    noise = 0.05 * _patches(2, seed=1)
    return np.stack([a, a + noise[0], b, b + noise[1]])


def test_copies_are_found_by_every_value():
    a, b = _patches(2)
    almost = a.copy()
    almost[1, 7, 7] += 1e-3
    assert copies_of(np.stack([a, b, a, almost, b])).tolist() == [0, 1, 0, 3, 1]
    assert copies_of(np.array([[[[0.0]]], [[[-0.0]]]])).tolist() == [0, 0]


def test_a_synthetic_patch_is_the_weighted_mean_of_algorithm_1():
    minority = np.stack([np.full((1, 8, 8), 10.0), np.full((1, 8, 8), 20.0)]).astype(np.float32)
    image = interpolate(minority, np.array([0]), np.array([1]), np.array([0.25], np.float32))
    assert image == pytest.approx(0.25 * 10 + 0.75 * 20)  # the weight is the anchor's


def test_interpolation_is_imbalanced_learns_with_the_weight_turned_round():
    minority = _patches(6)
    anchor, neighbour = np.array([0, 3, 3]), np.array([5, 1, 2])
    weight = np.array([0.1, 0.5, 0.9], np.float32)
    table = np.zeros((6, 3), int)  # imbalanced-learn looks neighbours up by anchor and column
    table[anchor, np.arange(3)] = neighbour
    flat = minority.reshape(6, -1)
    oracle = SMOTE()._generate_samples(flat, flat, table, anchor, np.arange(3), 1 - weight[:, None])
    assert interpolate(minority, anchor, neighbour, weight).reshape(3, -1) == pytest.approx(oracle, abs=1e-6)


def test_parents_are_the_similar_pair():
    made = synthesise(_two_pairs(), 40, k_neighbors=1, seed=3)
    assert {(int(a), int(b)) for a, b in zip(made.anchor, made.neighbour, strict=True)} == {
        (0, 1), (1, 0), (2, 3), (3, 2)
    }  # fmt: skip
    assert (made.ssim > 0.8).all()


def test_lineage_rebuilds_every_synthetic_patch():
    minority = _patches(7)
    made = synthesise(minority, 23, seed=1)
    w = made.anchor_weight[:, None, None, None]
    assert made.images == pytest.approx(w * minority[made.anchor] + (1 - w) * minority[made.neighbour], abs=1e-6)
    assert made.images.dtype == np.float32 and made.images.shape == (23, 2, 8, 8)
    assert made.anchor.dtype == made.neighbour.dtype == np.int64
    assert made.anchor_weight.dtype == made.ssim.dtype == np.float32


@pytest.mark.parametrize(("n_new", "least", "most"), [(14, 2, 2), (17, 2, 3), (3, 0, 1)])
def test_anchors_are_used_evenly(n_new, least, most):
    counts = np.bincount(synthesise(_patches(7), n_new).anchor, minlength=7)
    assert counts.sum() == n_new and counts.min() == least and counts.max() == most


def test_the_remainder_goes_to_other_anchors_with_another_seed():
    assert len({tuple(synthesise(_patches(7), 3, seed=seed).anchor) for seed in range(6)}) > 1


def test_paper_a_counts():
    assert n_synthetic(1255, 5892, SmoteConfig(n_syn=5)) == 6275


@pytest.mark.parametrize(
    ("n_minority", "n_majority", "settings", "expected"),
    [
        (10, 50, {}, 40),
        (10, 50, {"target_ratio": 0.5}, 15),
        (10, 50, {"n_syn": 2}, 20),
        (50, 50, {}, 0),
        (60, 50, {}, 0),
        (1, 50, {}, 0),
        (0, 50, {"n_syn": 5}, 0),
        (10, 50, {"enabled": False}, 0),
    ],
)
def test_how_many_by_hand(n_minority, n_majority, settings, expected):
    assert n_synthetic(n_minority, n_majority, SmoteConfig(**settings)) == expected


@pytest.mark.parametrize("minority", [_patches(0), _patches(1), np.repeat(_patches(1), 4, axis=0)])
def test_without_two_different_patches_nothing_is_made(minority):
    made = synthesise(minority, 10)
    assert made.images.shape == (0, 2, 8, 8)
    assert all(len(a) == 0 for a in (made.anchor, made.neighbour, made.anchor_weight, made.ssim))


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(2, 9),
    n_new=st.integers(0, 25),
    k=st.integers(1, 12),
    alpha=st.floats(0.05, 5),
    beta=st.floats(0.05, 5),
    clip=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    n_copies=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_synthetic_patch_lies_between_parents(n, n_new, k, alpha, beta, clip, n_copies, seed):
    minority = _patches(n, seed=seed % 1000)
    minority = np.concatenate([minority, np.repeat(minority[:1], n_copies, axis=0)])
    given_ = {"k_neighbors": k, "alpha": alpha, "beta": beta, "clip": tuple(clip), "seed": seed}
    made = synthesise(minority, n_new, **given_)
    again = synthesise(minority, n_new, **given_)
    a, b = minority[made.anchor], minority[made.neighbour]
    assert len(made.images) == n_new
    assert (made.images >= np.minimum(a, b) - 1e-6).all() and (made.images <= np.maximum(a, b) + 1e-6).all()
    assert (made.anchor_weight >= np.float32(clip[0])).all() and (made.anchor_weight <= np.float32(clip[1])).all()
    assert (made.anchor != made.neighbour).all() and not (a == b).all(axis=(1, 2, 3)).any()
    for name in ("images", "anchor", "neighbour", "anchor_weight", "ssim"):
        assert np.array_equal(getattr(made, name), getattr(again, name))


def test_equal_pixels_of_the_parents_stay_exactly_as_they_are():
    minority = _patches(3)
    minority[:, :, 2:4, 2:4] = 0.3  # nodata after normalising is one number in all patches
    assert (synthesise(minority, 20).images[:, :, 2:4, 2:4] == np.float32(0.3)).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_new": -1}, "-1 synthetic"),
        ({"k_neighbors": 0}, "at least one neighbour"),
        ({"alpha": 0.0}, "alpha and beta above 0"),
        ({"beta": float("nan")}, "alpha and beta above 0"),
        ({"clip": (0.9, 0.1)}, "lower bound first"),
        ({"clip": (-0.1, 0.5)}, "within"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        synthesise(_patches(3), **{"n_new": 3, **settings})


def test_patches_that_are_not_finite_or_not_patches_are_refused():
    with pytest.raises(FormatError, match="NaN"):
        synthesise(np.full((3, 1, 8, 8), np.nan), 3)
    with pytest.raises(FormatError, match=r"\(N, C, H, W\)"):
        synthesise(np.zeros((3, 64)), 3)


def test_fit_resample_appends_synthetics_of_the_rarer_class():
    X, y = _patches(12), np.array([0] * 8 + [1] * 4, np.int8)
    sampler = SSIMSMOTE(k_neighbors=2, random_state=0)
    X_resampled, y_resampled = sampler.fit_resample(X, y)
    assert np.array_equal(X_resampled[:12], X) and np.array_equal(y_resampled[:12], y)
    assert np.bincount(y_resampled).tolist() == [8, 8] and y_resampled.dtype == np.int8
    assert sampler.minority_.tolist() == [8, 9, 10, 11]
    assert np.array_equal(X_resampled[12:], sampler.synthetics_.images)


def test_fit_resample_gives_as_many_as_imbalanced_learn():
    X, y = _patches(30), np.array([1] * 22 + [0] * 8)
    for strategy in ("auto", 0.5):
        _, ours = SSIMSMOTE(sampling_strategy=strategy, k_neighbors=3).fit_resample(X, y)
        _, theirs = SMOTE(sampling_strategy=strategy, k_neighbors=3).fit_resample(X.reshape(30, -1), y)
        assert np.bincount(ours).tolist() == np.bincount(theirs).tolist()


@pytest.mark.parametrize("y", [np.zeros(4), np.arange(4)])
def test_fit_resample_needs_two_classes(y):
    with pytest.raises(LabelError, match="two classes"):
        SSIMSMOTE().fit_resample(_patches(4), y)


def test_fit_resample_refuses_other_strategies_and_missing_labels():
    with pytest.raises(ConfigError, match="sampling_strategy"):
        SSIMSMOTE(sampling_strategy="minority").fit_resample(_patches(4), np.array([0, 0, 0, 1]))
    with pytest.raises(LabelError, match="4 patches and 3 labels"):
        SSIMSMOTE().fit_resample(_patches(4), np.zeros(3))


def test_how_similar_two_patches_are_does_not_depend_on_how_a_bell_curve_was_normalised():
    raw = np.random.default_rng(3).normal([[[[1800.0]], [[-10.0]]]], [[[[1300.0]], [[8.0]]]], (12, 2, 16, 16))
    raw = raw.astype(np.float32)
    found = {}
    for method in ("standard", "robust", "robust_iqr", "model"):
        images = fit_normaliser(raw, method, ("red", "vv"), given={"red": (1800.0, 650.0)}).transform(raw)
        found[method] = pairwise_ssim(images, normalised_range(method, images))
    for method, similarity in found.items():
        np.testing.assert_allclose(similarity, found["standard"], atol=0.02, err_msg=method)


def test_every_normalisation_has_a_range_and_a_constant_band_a_positive_one():
    assert set(NORMALISED_RANGE) == set(METHODS) - {"model"}
    images = _patches(5)
    images[:, 1] = 0.0
    spread = normalised_range("model", images)
    assert spread.tolist() == pytest.approx([6 * images[:, 0].std(), 6.0], rel=1e-5)


def test_pixels_without_data_are_left_out_of_similarity_and_stay_without_in_synthetics():
    minority, valid = _patches(6), np.ones((6, 8, 8), bool)
    valid[2, :, 0] = False
    minority[2, :, :, 0] = 0.0
    made = synthesise(minority, 40, valid=valid)
    touched = (made.anchor == 2) | (made.neighbour == 2)
    assert touched.any() and (made.images[touched][..., 0] == 0).all() and (made.images[~touched][..., 0] != 0).any()
    assert np.array_equal(made.valid, valid[made.anchor] & valid[made.neighbour])
    inner = pairwise_ssim(minority[..., 1:], 6.0)  # all windows of the pairs with patch 2 lie there
    assert made.ssim[touched] == pytest.approx(inner[made.anchor, made.neighbour][touched], abs=1e-6)


def test_a_patch_that_shares_no_window_is_nobodys_neighbour():
    valid = np.ones((4, 8, 8), bool)
    valid[3] = False
    made = synthesise(_patches(4), 30, valid=valid)
    assert len(made.anchor) == 30 and not ((made.anchor == 3) | (made.neighbour == 3)).any()


def test_masks_show_both_parents_and_groups_name_both():
    made = synthesise(_patches(4), 9)
    masks = (np.random.default_rng(0).random((4, 8, 8)) > 0.7).astype(np.uint8)
    assert np.array_equal(made.masks(masks), masks[made.anchor] | masks[made.neighbour])
    groups = np.array(["a", "b", "c", "d"])
    assert made.groups(groups)[0].tolist() == [groups[made.anchor[0]], groups[made.neighbour[0]]]


def test_works_inside_a_pipeline_of_imbalanced_learn():
    X, y = _patches(40).reshape(40, -1), np.array([0] * 30 + [1] * 10)
    X[y == 1] += 1.0
    sampler = SSIMSMOTE(k_neighbors=3, shape=(2, 8, 8))
    flow = Pipeline([("smote", sampler), ("model", LogisticRegression())])
    assert cross_val_score(flow, X, y, cv=3, scoring="roc_auc").mean() > 0.9
    flow.set_params(smote__k_neighbors=2).fit(X, y)
    assert np.bincount(flow["smote"].fit_resample(X, y)[1]).tolist() == [30, 30]
    assert clone(sampler).get_params() == sampler.get_params()
    with pytest.raises(ConfigError, match="no setting 'k'"):
        sampler.set_params(k=3)
    with pytest.raises(FormatError, match="no patches of the shape"):
        SSIMSMOTE(shape=(3, 8, 8)).fit_resample(X, y)
