"""The paper check finds every matrix, and only those; the tables of paper B as they stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigError
from core.evaluate.metrics import Confusion, rates
from core.evaluate.published_metrics import QUANTITIES, check_paper, counts_that_fit, half_unit

# Paper B, Table V: Set 7, 31 landslides and 31 others.
TABLE_V = {"accuracy": ".8230", "precision": ".8120", "recall": ".8390", "sensitivity": ".8060", "f1": ".8250"}
# Paper B, Table IV on Set 5, 44 landslides and 49 others: test accuracy, precision, recall.
TABLE_IV = {
    "Baseline CNN": (".5053", ".5800", ".7230"),
    "EfficientNetB3": (".6340", ".6140", ".5380"),
    "ResNet50": (".5252", ".6538", ".3863"),
    "NasNetLarge": (".6270", ".7310", ".2920"),
}


def test_table_v_has_one_matrix_and_its_sensitivity_is_specificity():
    found = check_paper(31, 31, TABLE_V, tolerance=0.0005)
    assert found.verdict == "swapped" and not found.readings[0].fits
    assert found.explanation.name == "with specificity printed as sensitivity"
    assert found.explanation.confusions() == [Confusion(tn=25, fp=6, fn=5, tp=26)]
    assert "TP 26, FN 5, FP 6, TN 25" in found.sentence()


def test_table_v_does_not_fit_the_digits_it_prints():
    assert check_paper(31, 31, TABLE_V).verdict == "impossible"  # 26 / 32 is 0.8125, not 0.8120


@pytest.mark.parametrize("row", TABLE_IV)
@pytest.mark.parametrize("tolerance", [None, 0.0005, 0.001])
def test_the_complete_rows_of_table_iv_fit_no_matrix(row, tolerance):
    printed = dict(zip(("accuracy", "precision", "recall"), TABLE_IV[row], strict=True))
    found = check_paper(44, 49, printed, tolerance)
    assert found.verdict == "impossible" and found.sentence().startswith("Impossible")
    assert counts_that_fit(93, printed, 0.0005) == []  # nor does any other split of 93 images


def test_paper_as_scores_say_little_alone():
    """Table 3's F1 on about 284 landslides of 1619: several matrices for most, none for .8894 (other counts then)."""
    fits = {f1: len(check_paper(284, 1335, {"F1": f1}).readings[0].matrices) for f1 in (".8915", ".8938", ".8894")}
    assert fits == {".8915": 3, ".8938": 4, ".8894": 0}


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 25), st.integers(0, 25), st.integers(0, 25), st.integers(0, 25), st.integers(1, 4),
    st.sets(st.sampled_from(QUANTITIES[:7]), min_size=1),
)  # fmt: skip
def test_the_true_matrix_is_always_among_the_answers(tn, fp, fn, tp, digits, names):
    if tn + fp + fn + tp == 0:
        return
    true = rates(tn=tn, fp=fp, fn=fn, tp=tp)
    printed = {n: "undefined" if np.isnan(true[n]) else f"{true[n]:.{digits}f}" for n in names}
    found = check_paper(tp + fn, tn + fp, printed)
    assert [tn, fp, fn, tp] in found.readings[0].matrices.tolist()
    assert found.verdict == "fits"


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 12), st.integers(0, 12))
def test_every_answer_has_the_printed_metrics_and_no_other_matrix_has(n_pos, n_neg, tp, fp):
    tp, fp = min(tp, n_pos), min(fp, n_neg)
    true = rates(tn=n_neg - fp, fp=fp, fn=n_pos - tp, tp=tp)
    printed = f"{true['accuracy']:.2f}"
    found = {tuple(row) for row in check_paper(n_pos, n_neg, {"accuracy": printed}).readings[0].matrices}
    for t in range(n_pos + 1):
        for f in range(n_neg + 1):
            value = rates(tn=n_neg - f, fp=f, fn=n_pos - t, tp=t)["accuracy"]
            fits = abs(value - float(printed)) <= 0.005 + 1e-9
            assert ((n_neg - f, f, n_pos - t, t) in found) == fits


def test_the_other_class_as_positive_is_seen():
    """TP 30 of 40, FP 4 of 60, but precision and recall of the other class."""
    found = check_paper(40, 60, {"precision": f"{56 / 66:.4f}", "recall": f"{56 / 60:.4f}", "accuracy": "0.86"})
    assert found.explanation.name == "with the other class as the positive one"
    assert Confusion(tn=56, fp=4, fn=10, tp=30) in found.explanation.confusions()


def test_precision_and_recall_swapped_are_seen():
    found = check_paper(40, 60, {"precision": f"{30 / 40:.4f}", "recall": f"{30 / 34:.4f}", "accuracy": "0.86"})
    assert found.explanation.name == "with precision and recall swapped"


def test_how_a_number_is_printed_says_how_it_was_rounded():
    assert half_unit(".8120") == pytest.approx(5e-5) and half_unit("0.82") == pytest.approx(5e-3)
    assert half_unit("82.3 %") == pytest.approx(5e-4) and half_unit("1") == pytest.approx(0.5)
    assert check_paper(31, 31, {"recall": "83.9%"}).readings[0].fits


def test_what_is_not_reported_is_passed_over():
    found = check_paper(44, 49, {"accuracy": ".5269", "precision": "N/A", "recall": None})
    assert [value.name for value in found.printed] == ["accuracy"] and found.verdict == "fits"
    nothing_called = check_paper(44, 49, {"accuracy": ".5269", "precision": "undefined"})
    assert nothing_called.readings[0].confusions() == [Confusion(tn=49, fp=0, fn=44, tp=0)]


def test_class_counts_are_found_that_fit():
    found = counts_that_fit(62, {"accuracy": ".8226", "precision": ".8125", "recall": ".8387"})
    assert (31, 31, Confusion(tn=25, fp=6, fn=5, tp=26)) in found


@pytest.mark.parametrize(
    "counts, printed",
    [((0, 0), {"f1": "0.5"}), ((-1, 5), {"f1": "0.5"}), ((5, 5), {}), ((5, 5), {"kappa": "0.5"}), ((5, 5), {"f1": "x"}),
     ((10**5, 10**5), {"f1": "0.5"})],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(counts, printed):
    with pytest.raises(ConfigError):
        check_paper(*counts, printed)
