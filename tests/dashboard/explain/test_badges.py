"""Every verdict has its badge, and every head its sentence on what the maps leave out."""

from typing import get_args

import pytest

from core.explain.bands.verdict import Answer
from core.explain.checks.verdict import Finding, verdict
from dashboard.explain import badges


def test_every_answer_and_verdict_has_a_look():
    assert set(badges.ANSWER_LOOKS) == set(get_args(Answer))
    held = [Finding(name, True, "") for name in ("alive", "faithful", "learnt")]
    words = {verdict("layer", "method", findings)["word"] for findings in (
        held, [*held, Finding("in_place", False, "")], [*held[1:], Finding("alive", False, "")], held[:1],
    )}  # fmt: skip
    assert words == set(badges.CHECK_LOOKS)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("fc", ""),
        ("svm_c0.1", "same embedding"),
        ("blend", "band statistics"),
        ("stats_svm", "does not use the network"),
    ],
)
def test_what_maps_leave_out_depends_on_the_head(head, words):
    assert words in badges.what_maps_miss(head) and (words or not badges.what_maps_miss(head))
