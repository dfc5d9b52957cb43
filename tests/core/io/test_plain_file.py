"""The one door to files that may be a stranger's: plain files alone, and folders that are no links."""

import os
import socket

import pytest

from core.errors import FormatError, UnsafeFileError
from core.io.plain_file import (
    check_plain,
    folder_in,
    folders,
    is_plain,
    is_there,
    open_plain,
    read_bytes,
    strangers,
)


@pytest.fixture
def strange(tmp_path):
    """A folder with a plain file, and one of everything that is none."""
    (tmp_path / "plain").write_text("text")
    (tmp_path / "link").symlink_to("plain")
    (tmp_path / "dangling").symlink_to("/nowhere/at/all")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "out").symlink_to("/etc")
    os.mkfifo(tmp_path / "sub" / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        old = os.getcwd()
        os.chdir(tmp_path)  # the name of a socket is short
        one.bind("socket")
        os.chdir(old)
    return tmp_path


NOT_PLAIN = ("link", "dangling", "loop", "device", "sub/pipe", "socket")


@pytest.mark.fault(23)
@pytest.mark.parametrize("mode", ["rb", "ab", "a+b"])
@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_is_no_plain_file_is_neither_read_nor_written(strange, name, mode):
    with pytest.raises(UnsafeFileError, match=f"{name.rpartition('/')[2]} was not opened: it is a"):
        open_plain(strange / name, mode)
    assert (strange / "plain").read_text() == "text" and not os.path.exists("/nowhere/at/all")


def test_a_plain_file_is_read_and_appended_to(strange):
    assert read_bytes(strange / "plain", 4) == b"text"
    with open_plain(strange / "plain", "ab") as file, open_plain(strange / "new", "ab") as new:
        file.write(b" and more")
        new.write(b"x")
    assert read_bytes(strange / "plain", 100) == b"text and more" and read_bytes(strange / "new", 9) == b"x"
    with pytest.raises(UnsafeFileError, match="larger than 3 bytes"):
        read_bytes(strange / "plain", 3)
    with pytest.raises(FileNotFoundError):
        open_plain(strange / "missing")
    with pytest.raises(FormatError, match="is a folder"):
        open_plain(strange / "sub")


def test_a_path_that_the_user_named_may_be_a_link_to_a_plain_file(strange):
    assert read_bytes(strange / "link", 9, follow=True) == b"text"
    for name in ("loop", "device", "sub/pipe", "socket"):
        with pytest.raises(UnsafeFileError):
            check_plain(strange / name, follow=True)


def test_no_folder_on_the_way_is_a_link(strange):
    assert folder_in(strange, "sub", "not there yet") == strange / "sub" / "not there yet"
    with pytest.raises(UnsafeFileError, match="sub/out is a link instead of a folder"):
        folder_in(strange, "sub", "out", "deeper")
    with pytest.raises(UnsafeFileError, match="plain is a file instead of a folder"):
        folder_in(strange, "plain", "x")
    assert folders(strange) == [strange / "sub"] and folders(strange / "sub") == [] == folders(strange / "sub" / "out")


def test_what_does_not_belong_there_is_named(strange):
    assert strangers(strange) == [
        "dangling is a link", "device is a link", "link is a link", "loop is a link", "socket is a socket",
        "sub/out is a link", "sub/pipe is a named pipe",
    ]  # fmt: skip
    assert [is_there(strange / name) for name in ("plain", "dangling", "nothing")] == [True, True, False]
    assert [is_plain(strange / name) for name in ("plain", "link", "sub", "nothing")] == [True, False, False, False]
