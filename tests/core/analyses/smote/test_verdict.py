"""The verdict on realism follows the tests and says what gives synthetic patches away."""

import pytest

from core.analyses.smote.verdict import verdict

REPORT = {
    "two_sample": {"statistics": {"auc": 0.52, "lo": 0.45, "hi": 0.6, "p": 0.3}, "real_against_real": {"auc": 0.5}},
    "detail": {"kept": {"value": 0.97, "interval": [0.95, 0.99]}},
    "judged": None,
    "distance": {"pixels": None},
}  # fmt: skip


@pytest.mark.parametrize(
    ("auc", "p", "level"),
    [
        (0.52, 0.3, "alike"),
        (0.58, 1e-4, "slight"),
        (0.7, 1e-4, "unlike"),
        (0.93, 1e-9, "plain"),
        (None, None, "unknown"),
    ],
)
def test_the_verdict_follows_the_test(auc, p, level):
    one = {"auc": auc, "lo": 0.4, "hi": 0.6, "p": p}
    assert verdict(REPORT | {"two_sample": {"statistics": one}})["level"] == level


def test_the_verdict_says_what_gives_them_away():
    two = {"statistics": REPORT["two_sample"]["statistics"], "detail": {"auc": 0.9, "lo": 0.8, "hi": 0.95, "p": 1e-6}}
    detail = {"kept": {"value": 0.6, "interval": [0.5, 0.7]}}
    words = verdict(REPORT | {"two_sample": two, "detail": detail})
    assert "bands' fine detail" in words["sentence"] and any("blurs" in reason for reason in words["reasons"])
    assert "90% of pairs (95% interval 80–95%); chance" in words["reasons"][0]
    assert "keep 60% (95% interval 50–70%) of" in words["reasons"][1]
    assert "hardly blurred" in " ".join(verdict(REPORT)["reasons"])
