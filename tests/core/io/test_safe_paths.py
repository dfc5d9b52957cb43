import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnsafeFileError
from core.io.safe_paths import MAX_SLUG, inside, slug


@pytest.mark.fault(23)
@given(st.text(max_size=400))
def test_slug_is_a_plain_file_name_whatever_the_text(text):
    name = slug(text)
    assert 0 < len(name) <= MAX_SLUG + 1
    assert name.isascii() and all(c.isalnum() or c in "._-" for c in name)
    assert name[0] not in "-." and ".." not in name
    assert slug(name) == name
    assert os.path.basename(name) == name


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Landslides 2024", "Landslides-2024"),
        ("../../etc/passwd", "etc-passwd"),
        ("/absolute/path.h5", "absolute-path.h5"),
        ("CON", "_CON"),
        ("nul.h5", "_nul.h5"),
        ("-rf", "rf"),
        ("a\0b", "a-b"),
        ("Tōkyō", "Tokyo"),
        ("<img src=x onerror=alert(1)>", "img-src-x-onerror-alert-1"),
    ],
)
def test_slug_by_hand(text, expected):
    assert slug(text) == expected


def test_look_alike_and_long_names_stay_apart():
    assert slug("pаyroll") != slug("payroll")  # the first has a Cyrillic letter
    assert slug("山体滑坡") != slug("地震")
    assert slug("x" * 300) != slug("x" * 301)
    assert len(slug("x" * 300)) <= MAX_SLUG


def test_inside_gives_the_resolved_path(tmp_path):
    assert inside(tmp_path, "a/b.npy") == (tmp_path / "a" / "b.npy").resolve()
    assert inside(tmp_path, tmp_path / "a") == (tmp_path / "a").resolve()


@pytest.mark.fault(23)
@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "a\0b", "x" * 300])
def test_inside_refuses_what_leaves_the_root(tmp_path, path):
    with pytest.raises(UnsafeFileError):
        inside(tmp_path / "root", path)


@pytest.mark.fault(23)
def test_inside_follows_links_before_judging(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    with pytest.raises(UnsafeFileError, match="leads out of"):
        inside(tmp_path / "root", "link/secret.npy")


@pytest.mark.fault(23)
def test_a_circle_of_links_is_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "folder").symlink_to(tmp_path / "folder")
    for path in ("a", "b", "folder/x.npy"):
        with pytest.raises(UnsafeFileError, match="leads nowhere"):
            inside(tmp_path, path)


def test_sibling_with_the_same_beginning_is_outside(tmp_path):
    with pytest.raises(UnsafeFileError):
        inside(tmp_path / "runs", "../runs-other/x")
