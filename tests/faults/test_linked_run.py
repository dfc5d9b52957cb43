"""A run folder copied from a stranger, with links in it: nothing is written or read through one, and each is named."""

import os

import pytest

from core.errors import LandslideLensError, RunError
from core.jobs import processes
from core.runs.store import open_run, strangers_in
from tests.command_line import core, core_error, core_json
from tests.trained_runs import copied

WRITTEN = {
    "log.txt": lambda run: processes.spawn(["-c", "print('x')"], run.path / "log.txt"),
    "events.jsonl": lambda run: run.add_event("started", message="a\nb"),
}
REPLACED = {
    "status.json": lambda run: run.write_json("status.json", {"state": "failed"}),
    "summary.json": lambda run: run.write_json("summary.json", {}),
    "config.json": lambda run: run.write_text("config.json", "{}"),
}
FOLDERS = {
    "fold_0": lambda run: run.write_fold_card(0, {}),
    "fold_1": lambda run: run.history(),
    "cam": lambda run: run.cams(),
    "analyses": lambda run: run.results("heads").write_json("report.json", {}),
    "jobs": lambda run: run.jobs_path,
}


@pytest.fixture
def run(trained_run, tmp_path):
    return copied(trained_run, tmp_path / "checkpoints")


@pytest.fixture
def outside(tmp_path):
    """A file of somebody else, as a shell's start-up file."""
    path = tmp_path / "profile"
    path.write_text("mine\n")
    return path


def _linked(run, name, target):
    path = run.path / name
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.mark.fault(23)
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_appended_to_is_no_link(run, outside, name):
    _linked(run, name, outside)
    with pytest.raises(LandslideLensError, match=f"{name} was not opened: it is a link"):
        WRITTEN[name](run)
    assert outside.read_text() == "mine\n"


@pytest.mark.fault(23)
@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_takes_the_place_of_the_link(run, outside, name):
    _linked(run, name, outside)
    REPLACED[name](run)
    assert outside.read_text() == "mine\n" and not (run.path / name).is_symlink()


@pytest.mark.fault(23)
@pytest.mark.parametrize("name", FOLDERS)
def test_a_linked_folder_is_not_entered(run, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (run.path / name).rename(elsewhere) if (run.path / name).exists() else elsewhere.mkdir()
    (run.path / name).symlink_to(elsewhere)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")}
    try:
        FOLDERS[name](run)
    except RunError as error:
        assert f"{name} is a link instead of a folder" in str(error)
    else:
        assert name == "fold_1" and set(run.history()["fold"]) == {0}  # it is as if it were not there
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*")} == before


@pytest.mark.fault(23)
def test_links_and_pipes_are_named_where_runs_are_listed(run, outside):
    _linked(run, "log.txt", outside)
    os.mkfifo(run.path / "fold_0" / "pipe\x1b[31m\nin red")
    (run.checkpoints / "datasets").mkdir()
    (run.checkpoints / "datasets" / "mine.h5").symlink_to(outside)
    (run.checkpoints / "away").symlink_to("/")
    notes = strangers_in(run.checkpoints)
    assert [note.split(":")[0] for note in notes] == [f"Run {run.name}", "Run away", "The folder of datasets"]
    assert "log.txt is a link" in notes[0] and "\n" not in notes[0] and "\x1b" not in notes[0]
    assert core_json("jobs", "list", "--checkpoints", run.checkpoints)["notes"] == notes
    shown = core("jobs", "list", "--checkpoints", run.checkpoints).stdout
    assert notes[0] in shown and "\x1b" not in shown


@pytest.mark.fault(23)
@pytest.mark.parametrize("kind", ["pipe", "device", "text"])
def test_a_dataset_named_by_a_run_is_a_plain_file(run, tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no HDF5")
    place = {"pipe": tmp_path / "pipe", "device": "/dev/zero", "text": tmp_path / "text"}[kind]
    run.write_json("job.json", {**run.job(), "dataset": str(place)})
    run.write_status(state="failed")
    for command in (("jobs", "retry", run.name), ("check", place), ("train", place)):
        error = core_error(*command, "--checkpoints", run.checkpoints)
        assert "\n" not in error and len(error) < 600
    assert core_json("jobs", "list", "--checkpoints", run.checkpoints)["jobs"]


@pytest.mark.fault(23)
def test_a_line_break_in_a_run_stays_in_its_line(run):
    status = run.status() | {"state": "failed", "message": "a\nrm -rf ~\x1b[2J\u202e", "error": "x\ny"}
    run.write_json("status.json", status)
    shown = core("jobs", "show", run.name, "--checkpoints", run.checkpoints).stdout
    assert "message: a rm -rf ~\n" in shown and "\x1b" not in shown and "\u202e" not in shown
    text = (run.path / "config.json").read_text().replace('"test_resnet"', '"test\\nrm -rf ~\\u001b[2J"')
    (run.path / "config.json").write_text(text)
    for name in ("compare", "explain"):
        answer = core(name, run.name, "--checkpoints", run.checkpoints, check=False)
        assert "\nrm -rf" not in answer.stdout + answer.stderr and "\x1b" not in answer.stdout + answer.stderr
    assert open_run(run.checkpoints, run.name).config().model.backbone.startswith("test\n")
