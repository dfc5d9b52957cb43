"""The command that searches: what it says before anything waits, and what it leaves to itself."""

from tests.builders import make_tiny
from tests.command_line import core


def test_what_cannot_be_searched_is_a_sentence_and_status_one(tmp_path):
    make_tiny(tmp_path / "tiny.h5", n=12)
    here = ("--checkpoints", str(tmp_path / "ck"))
    for given, said in (
        (("--vary", "train.pace=1,2"), "There is no setting 'train.pace'"),
        (("--vary", "folds.n_splits=2..5"), "which patches are judged must be the same"),
        (("--preset", "best"), "There is no preset 'best'"),
    ):
        answer = core("search", str(tmp_path / "tiny.h5"), *given, *here, check=False)
        assert answer.returncode == 1 and said in answer.stderr and "Traceback" not in answer.stderr
    assert not list((tmp_path / "ck").rglob("status.json")), "nothing was begun"
    assert core("search", str(tmp_path / "tiny.h5"), "--trials", "0", *here, check=False).returncode == 2
