import lightgbm
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import FormatError, TrainingError, UnsafeFileError
from core.heads import load_heads, save_heads
from core.heads.base import save_head
from core.heads.boosted import BoostedHead, fit_boosted, parse

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 7)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] * X[:, 2] + RNG.normal(size=300) > 0.8).astype(np.int8)
HEAD = fit_boosted(X, Y, "lgbm")
SETTINGS = {"objective": "binary", "min_data_in_leaf": 6, "max_bin": 63, "verbosity": -1, "deterministic": True}


def raw_score(text, x):
    return lightgbm.Booster(model_str=text).predict(x, raw_score=True)


def test_decisions_equal_lightgbms_raw_score():
    new = np.random.default_rng(1).normal(size=(500, 7))
    expected = raw_score(HEAD.text, new)
    assert np.abs(HEAD.decision(new) - expected).max() < 1e-12 and np.ptp(expected) > 2
    assert HEAD.decision(new[:0]).shape == (0,)


@settings(max_examples=15, deadline=None)
@given(st.integers(6, 90), st.integers(1, 9), st.integers(0, 1000))
def test_decisions_equal_lightgbms_for_any_shape(n, features, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(-2, 3, size=(n, features)).astype(np.float64), np.arange(n) % 2  # many ties and zeros
    head = fit_boosted(x, y, "any")
    assert np.abs(head.decision(x) - raw_score(head.text, x)).max() < 1e-12


def test_the_fit_is_lightgbms_own_on_any_number_of_threads():
    expected = lightgbm.train(SETTINGS | {"num_threads": 2}, lightgbm.Dataset(X.astype(np.float64), Y), 100)
    assert np.abs(HEAD.decision(X) - expected.predict(X, raw_score=True)).max() < 1e-9


def test_equal_data_give_equal_text():
    assert fit_boosted(X, Y, "lgbm").text == HEAD.text


def test_large_inputs_are_answered_in_parts(monkeypatch):
    whole = HEAD.decision(X)
    monkeypatch.setattr("core.heads.boosted._CHUNK", 1)
    assert np.array_equal(HEAD.decision(X), whole)


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_sample_weight

    data = lightgbm.Dataset(X.astype(np.float64), Y, weight=compute_sample_weight("balanced", Y))
    expected = lightgbm.train(SETTINGS, data, 100).predict(X, raw_score=True)
    assert np.abs(fit_boosted(X, Y, "lgbm", "balanced").decision(X) - expected).max() < 1e-6


def test_nothing_to_split_gives_a_constant():
    found = fit_boosted(np.ones((8, 3)), np.arange(8) % 2, "flat").decision(np.ones((4, 3)))
    assert found.shape == (4,) and np.ptp(found) == 0


def test_too_few_of_a_class_leaves_it_out_and_says_why():
    with pytest.raises(TrainingError, match="lgbm' is left out: .*1 landslides and 9"):
        fit_boosted(X[:10], np.arange(10) == 0, "lgbm")


def test_other_features_than_it_was_fitted_on_are_refused():
    with pytest.raises(FormatError, match="fitted on 7 features"):
        HEAD.decision(X[:, :6])


# ------------------------------------------------------------------------------------------- text of strangers


def test_it_comes_back_from_its_text(tmp_path):
    save_heads(tmp_path, [HEAD])
    assert np.array_equal(load_heads(tmp_path)["lgbm"].decision(X), HEAD.decision(X))
    assert raw_score((tmp_path / "lgbm.txt").read_text(), X) == pytest.approx(HEAD.decision(X))  # others can read it


def changed(key, value, tree=0):
    """HEAD's text with one line of one tree replaced; value: text, or a function of the numbers there."""
    before, *trees = HEAD.text.split("\nTree=")
    lines = trees[tree].split("\n")
    row = next(i for i, line in enumerate(lines) if line.startswith(f"{key}="))
    old = lines[row].split("=", 1)[1].split()
    lines[row] = f"{key}=" + (value if isinstance(value, str) else " ".join(map(str, value(old))))
    trees[tree] = "\n".join(lines)
    return "\nTree=".join([before, *trees])


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("left_child", lambda old: ["99999", *old[1:]], "no later node"),
        ("right_child", lambda old: ["-99999", *old[1:]], "no later node"),
        ("left_child", lambda old: [*old[:-1], "0"], "no later node"),  # a circle: it would never end
        ("split_feature", lambda old: ["7", *old[1:]], "does not exist"),
        ("split_feature", lambda old: ["-1", *old[1:]], "does not exist"),
        ("decision_type", lambda old: ["1", *old[1:]], "by category"),
        ("decision_type", lambda old: ["10", *old[1:]], "missing values"),
        ("threshold", lambda old: ["nan", *old[1:]], "not finite"),
        ("leaf_value", lambda old: ["inf", *old[1:]], "not finite"),
        ("leaf_value", lambda old: old[1:], "instead of"),
        ("left_child", lambda old: ["9" * 30, *old[1:]], "impossible number"),
        ("split_feature", lambda old: ["__import__('os')", *old[1:]], "not a list of numbers"),
        ("num_leaves", "1000000000", "instead of"),
        ("num_leaves", "-4", "no leaf"),
        ("num_cat", "1", "by category"),
        ("is_linear", "1", "linear leaves"),
    ],
)
def test_what_would_lead_lightgbm_out_of_its_arrays_is_refused(key, value, complaint):
    with pytest.raises(FormatError, match=f"tree 3: .*{complaint}"):
        parse(changed(key, value, tree=3))


@pytest.mark.parametrize("text", ["", "tree\nversion=v4", HEAD.text.replace("num_class=1", "num_class=3"), "\x00" * 99])
def test_what_is_no_two_class_model_is_refused(text):
    with pytest.raises(FormatError, match="not a two-class LightGBM model"):
        parse(text)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"tree", changed("num_cat", "2").encode()])
def test_a_file_that_is_not_ours_is_refused_by_name(content, tmp_path):
    from core.io import atomic

    save_head(HEAD, tmp_path)
    card = (tmp_path / "lgbm.json").read_text()
    old = atomic.sha256(tmp_path / "lgbm.txt")
    (tmp_path / "lgbm.txt").write_bytes(content)
    (tmp_path / "lgbm.json").write_text(card.replace(old, atomic.sha256(tmp_path / "lgbm.txt")))
    with pytest.raises(UnsafeFileError, match="lgbm.txt was refused"):
        load_heads(tmp_path)


def test_a_file_too_large_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "big.txt"
    path.write_text(HEAD.text)
    monkeypatch.setattr("core.heads.boosted.MAX_BYTES", 10)
    with pytest.raises(UnsafeFileError, match="larger than"):
        BoostedHead.load("big", path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(HEAD.text) - 1), st.binary(min_size=1, max_size=3))
def test_whatever_is_written_over_it_is_refused_or_walked_to_an_end(at, junk):
    text = (HEAD.text[:at].encode() + junk + HEAD.text[at + len(junk) :].encode()).decode("utf-8", "replace")
    try:
        trees = parse(text)
    except FormatError:
        return
    assume(trees.n_features < 1000)
    assert np.isfinite(BoostedHead("any", text, trees).decision(np.zeros((3, trees.n_features)))).all()
