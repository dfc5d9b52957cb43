import pytest

from core.config import HeadsConfig
from core.heads.blend import WITHOUT_NETWORK
from dashboard import theme


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("svm_c0.1", "SVM (C 0.1)"),
        ("svm_c0.3_g0.001", "SVM (C 0.3, gamma 0.001)"),
        ("svm_c1_gscale", "SVM (C 1, gamma scale)"),
        ("lgbm", "Boosted trees"),
        ("stats_boost", "Band statistics, boosted trees"),
        ("something", "something"),
    ],
)
def test_a_head_has_a_name_for_people(head, title):
    assert theme.head_title(head) == title


def test_heads_of_a_run_have_names_and_colours_of_their_own():
    names = tuple(dict.fromkeys((*HeadsConfig(blend=True).names, *WITHOUT_NETWORK)))
    assert len({theme.head_title(name) for name in names}) == len(names)
    assert len({theme.head_colour(name, names) for name in names}) == len(names)
